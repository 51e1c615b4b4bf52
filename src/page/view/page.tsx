import { formatCount } from '../../facts/values.ts';
import { formatElapsed, plural, sentence } from '../../report/format.ts';
import { type ObservedFact, type Refuted, verdictMarks, verdictOrder } from '../../report/model/claims.ts';
import { lateResultsText, type Overview, type ReasonGroup } from '../../report/model/overview.ts';
import type { ExperimentView, Report } from '../../report/model/report.ts';
import {
  judgedText,
  runRows,
  settingsTitle,
  settingText,
  statusText,
  titleOf,
  undecidedIn,
  whenText,
  wordsText,
} from '../../report/model/wording.ts';
import { someOf, whichText } from '../../report/which-cells.ts';
import type { PageInput } from '../parts.ts';
import { hashOf } from '../query.ts';
import { Bar } from './bar.tsx';
import { Experiment, HeadName } from './experiment.tsx';
import { TuningGuide } from './guide.tsx';
import { Definitions, LanesKey } from './lanes.tsx';
import { shortcuts } from './shortcuts.ts';
import { mark, NumberLink, ProseText, Scroll, Text } from './text.tsx';

/** The part of a page that is the same with and without its script. */
export const Page = ({ report, guide }: Pick<PageInput, 'report' | 'guide'>) => {
  const { experiments } = report;
  const byId = new Map(experiments.map((experiment) => [experiment.id, experiment]));
  return (
    <>
      <a class="skip" href="#_answers">
        Skip to the answers
      </a>
      <Definitions />
      <div id="_bar">
        <Bar kernel={kernelOf(report)} />
      </div>
      <div class="frame">
        <Rail report={report} guide={guide} />
        <main id="_main">
          <div id="_found" />
          <Mast report={report} byId={byId} />
          <Exceptions report={report} />
          <Contents report={report} byId={byId} />
          {guide ? <TuningGuide guide={guide} /> : null}
          {report.groups.map(({ name, experiments: ids }) => (
            <section
              class="group"
              {...(name === ''
                ? { 'aria-label': 'Experiments' }
                : { id: groupId(name), 'aria-labelledby': `${groupId(name)}-title` })}
            >
              {name === '' ? null : <h2 id={`${groupId(name)}-title`}>{name}</h2>}
              {ids
                .flatMap((id) => byId.get(id) ?? [])
                .map((experiment) => (
                  <Experiment experiment={experiment} />
                ))}
            </section>
          ))}
          <HowToRead />
          <TheRun report={report} />
        </main>
      </div>
      <div id="_sheet" />
    </>
  );
};

const groupId = (name: string): string => `_group-${name.toLowerCase().replaceAll(/[^\w]+/g, '-')}`;

export const kernelOf = ({ run }: Report): string => (run.environment ? `Linux ${run.environment.kernel}` : '');

const Rail = ({ report: { groups, experiments }, guide }: Pick<PageInput, 'report' | 'guide'>) => (
  <nav class="rail" aria-label="Contents">
    <a href="#_answers">Answers</a>
    <a href="#_exceptions">Exceptions</a>
    <a href="#_index">
      Experiments <span>{experiments.length}</span>
    </a>
    {guide ? <a href="#_guide">Tuning guide</a> : null}
    {groups.map(({ name, experiments: ids }) => (
      <>
        {name === '' ? null : (
          <a class="of-group" href={`#${groupId(name)}`}>
            {name} <span>{ids.length}</span>
          </a>
        )}
        {ids.map((id) => (
          <a class="sub" href={hashOf({ target: id })}>
            {id}
          </a>
        ))}
      </>
    ))}
    <a class="of-group" href="#_reading">
      How to read
    </a>
    <a href="#_run">The run</a>
  </nav>
);

const Mast = ({ report, byId }: { readonly report: Report; readonly byId: ReadonlyMap<string, ExperimentView> }) => {
  const { setting, run, overview, groups } = report;
  const status = statusText(run, overview);
  return (
    <section class="mast" id="_answers" aria-label="Answers">
      <h1>{titleOf(report)}</h1>
      <p class="meta">
        {[
          whenText(run.sessions),
          ...setting,
          ...(run.environment ? [`${run.environment.cores} × ${run.environment.cpu}`] : []),
        ].join(' · ')}
      </p>
      <p class="status">
        {verdictOrder.toReversed().map((verdict) => (
          <span class={overview.verdicts[verdict] > 0 ? verdict : ''}>
            <b>
              {verdict === 'confirmed' ? `${verdictMarks.confirmed} ` : ''}
              {formatCount(overview.verdicts[verdict])}
            </b>{' '}
            {verdict === 'confirmed' ? 'claims confirmed' : verdict}
          </span>
        ))}
        <span>
          <b>
            {formatCount(overview.cells.ran)} of {formatCount(overview.cells.planned)}
          </b>{' '}
          cells ran, {plural(overview.repeats, 'result')}
        </span>
        <span>
          <b>{formatElapsed(overview.wallSeconds)}</b>
        </span>
      </p>
      {status === '' ? null : (
        <p class="alert" role="note">
          <Text>{status}</Text>
        </p>
      )}
      <ul class="answers">
        {groups.map((group) => (
          <Answer group={group} byId={byId} />
        ))}
      </ul>
      <p class="words">{wordsText}</p>
    </section>
  );
};

const Answer = ({
  group: { name, headline, experiments: ids },
  byId,
}: {
  readonly group: Report['groups'][number];
  readonly byId: ReadonlyMap<string, ExperimentView>;
}) => {
  const experiments = ids.flatMap((id) => byId.get(id) ?? []);
  const chief = headline ? byId.get(headline.experiment) : experiments[0];
  if (!chief) return null;
  const [first] = chief.answer.findings;
  const confirmed = experiments.reduce((sum, each) => sum + each.verdicts.confirmed, 0);
  const claims = experiments.reduce((sum, each) => sum + each.claims.length, 0);
  return (
    <li class="answer">
      <a class="of" href={name === '' ? hashOf({ target: chief.id }) : `#${groupId(name)}`}>
        {name === '' ? chief.id : name}
      </a>
      <a class="say" href={hashOf({ target: chief.id })}>
        <Text>{headline?.text ?? chief.answer.headline}</Text>
      </a>
      <span class="key-number">
        {first ? (
          <>
            <NumberLink target={chief.id} query={`finding:${chief.id}.1`}>
              {first.number}
            </NumberLink>
            <small>
              <Text>{first.text}</Text>
            </small>
          </>
        ) : null}
      </span>
      <span class="ticks">
        <span class="count">{claims === confirmed ? `${claims} ✓` : `${confirmed} of ${claims} ✓`}</span>
        <span class="tick-row" aria-hidden="true">
          {experiments.map((each) => (
            <span>
              {each.claims.map(({ verdict }) => (
                <i class={verdict} />
              ))}
            </span>
          ))}
        </span>
      </span>
    </li>
  );
};

/** What did not come out as claimed, and what verdicts are to be read with, before everything else. */
const Exceptions = ({ report }: { readonly report: Report }) => {
  const { refuted, overview, experiments } = report;
  return (
    <section id="_exceptions" aria-labelledby="exceptions-title">
      <h2 id="exceptions-title">Exceptions</h2>
      <p class="lead">{judgedText(report)}</p>
      <ul class="exceptions">
        {refuted.map((each) => (
          <RefutedItem refuted={each} experiment={experiments.find(({ id }) => id === each.experiment)} />
        ))}
        {experiments.map((experiment) => (
          <UndecidedItem experiment={experiment} />
        ))}
        {overview.warnings.map(({ code, count, texts, remedy, cells }) => (
          <li class="warned">
            <b>
              Warning <code>{code}</code>
              {count > 1 ? ` × ${count}` : ''}
            </b>
            : <Text>{sentence(texts[0] ?? '')}</Text>
            {texts.length > 1 ? ` And ${plural(texts.length - 1, 'similar warning')}.` : ''} <Remedy>{remedy}</Remedy>
            {cells.length > 0 ? (
              <>
                {' '}
                In{' '}
                <NumberLink target="_exceptions" query={`warning:${code}`}>
                  <Text>{someOf(cells, mark, 3, 'cell')}</Text>
                </NumberLink>
                .
              </>
            ) : null}
          </li>
        ))}
        <NotRunItems what="errored" status="errored" all={overview.errored} />
        <NotRunItems what="did not run" status="unsupported" all={overview.unsupported} />
        <LateItem overview={overview} />
      </ul>
    </section>
  );
};

/** A claim that does not hold: what it needs beside what was observed. */
const RefutedItem = ({
  refuted: { experiment: of, id, text, where, share = '' },
  experiment,
}: {
  readonly refuted: Refuted;
  readonly experiment: ExperimentView | undefined;
}) => {
  const claim = experiment?.claims.find((each) => each.id === id);
  const details = (experiment?.open ?? [])
    .filter(({ claims }) => claims.some((each) => each.id === id))
    .flatMap(({ reasons }) => reasons.slice(0, 2));
  return (
    <li class="refuted">
      <b>
        {verdictMarks.refuted} {id}
      </b>{' '}
      does not hold (<a href={hashOf({ target: of })}>{of}</a>):{' '}
      <NumberLink target={of} query={`exp:${of} claim:${id}`}>
        {where ? <Text>{`in ${whichText(where, mark)}`}</Text> : share}
      </NumberLink>
      {where && share ? `: ${share}` : ''}
      <dl class="sides">
        <div>
          <dt>needs</dt>
          <dd>
            <Text>{text}</Text>
            {claim?.holdsWith ? (
              <>
                <span class="observed">where it holds:</span>
                <ObservedFacts facts={claim.holdsWith} />
              </>
            ) : null}
          </dd>
        </div>
        <div>
          <dt>observed</dt>
          <dd>
            <ObservedFacts facts={claim?.observed ?? []} />
            {details.map(({ detail }) => (
              <span class="observed">
                <Text>{detail}</Text>
              </span>
            ))}
          </dd>
        </div>
      </dl>
    </li>
  );
};

const ObservedFacts = ({ facts }: { readonly facts: readonly ObservedFact[] }) => (
  <>
    {facts.map((fact) => (
      <div>
        <HeadName head={fact} /> {fact.is}
      </div>
    ))}
  </>
);

const Remedy = ({ children }: { readonly children: string | undefined }) =>
  children === undefined ? null : (
    <em>
      <Text>{children}</Text>
    </em>
  );

const UndecidedItem = ({ experiment }: { readonly experiment: ExperimentView }) => {
  const found = undecidedIn(experiment);
  if (!found) return null;
  return (
    <li class="inconclusive">
      <b>
        {verdictMarks.inconclusive} <Text>{found.claim ?? found.what}</Text>
      </b>{' '}
      {found.claim === undefined ? '' : found.what} (<a href={hashOf({ target: experiment.id })}>{experiment.id}</a>)
      {found.why === '' ? '' : ': '}
      <Text>{found.why}</Text>
    </li>
  );
};

const NotRunItems = ({
  what,
  status,
  all,
}: {
  readonly what: string;
  readonly status: string;
  readonly all: readonly ReasonGroup[];
}) => (
  <>
    {all.map(({ reason, remedy, cells }) => (
      <li class={status}>
        <b>
          <NumberLink target="_exceptions" query={`status:${status}`}>
            {plural(cells.length, 'cell')}
          </NumberLink>{' '}
          {what}
        </b>
        : <Text>{sentence(reason)}</Text> <Remedy>{remedy}</Remedy> <Text>{someOf(cells, mark, 2, 'cell')}</Text>
      </li>
    ))}
  </>
);

const LateItem = ({ overview: { late } }: { readonly overview: Overview }) =>
  late ? (
    <li class="warned">
      {sentence(lateResultsText(late))} In <Text>{someOf(late.cells, mark, 2, 'cell')}</Text>.
    </li>
  ) : null;

/** Each question with its headline, by group. */
const Contents = ({
  report: { groups },
  byId,
}: {
  readonly report: Report;
  readonly byId: ReadonlyMap<string, ExperimentView>;
}) => (
  <section id="_index" aria-labelledby="index-title">
    <h2 id="index-title">Experiments</h2>
    {groups.map(({ name, experiments: ids }) => (
      <div class="index-group">
        {name === '' ? null : <h3>{name}</h3>}
        <ul>
          {ids
            .flatMap((id) => byId.get(id) ?? [])
            .map(({ id, question, answer, claims, verdicts }) => (
              <li>
                <a class="id" href={hashOf({ target: id })}>
                  {id}
                </a>
                <span>
                  <b class={answer.isOpen ? 'plain' : ''}>
                    <Text>{answer.headline}</Text>
                  </b>
                  <small>{question}</small>
                </span>
                <span class="count">
                  {verdicts.confirmed === claims.length
                    ? `${claims.length} ✓`
                    : verdictOrder
                        .flatMap((each) => (verdicts[each] > 0 ? [`${verdicts[each]} ${verdictMarks[each]}`] : []))
                        .join(' ')}
                </span>
              </li>
            ))}
        </ul>
      </div>
    ))}
  </section>
);

const HowToRead = () => (
  <section id="_reading" aria-labelledby="reading-title">
    <h2 id="reading-title">How to read</h2>
    <p class="lead">
      A number opens the results that it rests on. A mark is one result. A state's edge is drawn as sharply as it is
      known.
    </p>
    <LanesKey />
    <dl class="js">
      {shortcuts.map(([keys, text]) => (
        <>
          <dt>
            {keys.split(' ').map((key) => (
              <kbd>{key}</kbd>
            ))}
          </dt>
          <dd>{text}</dd>
        </>
      ))}
    </dl>
  </section>
);

const TheRun = ({ report: { run, overview } }: { readonly report: Report }) => (
  <section id="_run" aria-labelledby="run-title">
    <h2 id="run-title">The run</h2>
    <Scroll name="When and how it ran">
      <table class="run">
        <tbody>
          {runRows(run, overview).map(({ name, says }) => (
            <tr>
              <th scope="row">{name}</th>
              <td>
                <ProseText says={says} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
    {run.settings.length > 0 ? (
      <details class="block">
        <summary>{settingsTitle(run.settings)}</summary>
        <Scroll name="Settings">
          <pre>{run.settings.map(settingText).join('\n')}</pre>
        </Scroll>
      </details>
    ) : null}
    <p class="note">
      In this file: Preact (MIT), d3-scale and d3-shape (ISC). The run folder beside it has the record of each cell.
    </p>
  </section>
);
