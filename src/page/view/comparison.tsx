import type { Verdict } from '../../record/schema.ts';
import type { Known } from '../../report/compare/known.ts';
import type { MatrixPart, MatrixRow, RowKind } from '../../report/compare/matrix.ts';
import type { NotComparableIn, ToldExperiment } from '../../report/compare/told.ts';
import { instructionsText, othersText, whatText } from '../../report/compare/words.ts';
import { plural } from '../../report/format.ts';
import { verdictMarks } from '../../report/model/claims.ts';
import type { CellExample, Column, ComparisonInput, SameClaim } from '../comparison.ts';
import { hashOf, targetOf } from '../query.ts';
import { rangeOf, stretchesOf } from '../stretches.ts';
import { Definitions, LanesKey } from './lanes.tsx';
import { Command, mark, Scroll, Text } from './text.tsx';

const titles: Readonly<Record<RowKind, string>> = {
  claim: 'A claim has another verdict',
  cell: 'A cell ran in some runs only',
  fact: 'A fact has another value',
  race: 'A race has other odds',
  measured: 'A time or a rate is another',
  unstable: 'A fact varied within one run',
  flip: 'A cell that ran again came out otherwise: no difference',
};

/** The part of a comparison's page that is the same with and without its script. */
export const ComparisonPage = (input: ComparisonInput) => {
  const { told, matrix, columns } = input;
  const rows = matrix.parts.reduce((sum, part) => sum + part.rows.length, 0);
  return (
    <>
      <a class="skip" href="#_answers">
        Skip to the comparison
      </a>
      <Definitions />
      <div id="_bar">
        <Bar runs={columns.length} />
      </div>
      <div class="frame">
        <Rail input={input} />
        <main id="_main">
          <section class="mast" id="_answers" aria-label="The comparison">
            <h1 class="sentence">
              <Text>{told.headline}</Text>
            </h1>
            {told.cautions.map((caution) => (
              <p class="alert" role="note">
                <Text>{caution}</Text>
              </p>
            ))}
            <Runs {...input} />
          </section>
          <section id="_matrix" aria-labelledby="matrix-title">
            <h2 id="matrix-title">What differs</h2>
            <p class="lead">
              {rows === 0
                ? 'No row differs.'
                : `${rows === 1 ? '1 row differs' : `${rows} rows differ`}; what does not differ is not shown. A thick line is a change.`}
            </p>
            <Switch columns={columns} />
            {/* what is wider than the page scrolls under its first column */}
            <Scroll name="Matrix of what differs">
              <table class={`matrix ${isOfKernels(columns) ? 'of-kernels' : ''}`} style={widthOf(columns)}>
                <Head columns={columns} />
                {matrix.parts.map((part) => (
                  <Part part={part} columns={columns} />
                ))}
                <Same {...input} />
              </table>
            </Scroll>
            <p class="note" id="_none" hidden={true}>
              No row differs between the shown runs, and has these words.
            </p>
          </section>
          <Environment {...input} />
          <Instructions {...input} />
          <Evidence {...input} />
          <Changes changes={told.changes} />
          <NotCompared {...input} />
        </main>
      </div>
    </>
  );
};

/** Columns that are called by their kernels stand in the order of these: a change has come with one. */
const isOfKernels = (columns: readonly Column[]): boolean => columns.every(({ title, label }) => title !== label);

const Bar = ({ runs }: { readonly runs: number }) => (
  <header class="bar">
    <a class="brand" href="#_answers">
      lingerlab <span>{runs} runs</span>
    </a>
    <search class="find js">
      <input
        type="text"
        aria-label="Rows that have these words"
        placeholder="timeWait.holder new"
        autocomplete="off"
        spellcheck={false}
      />
      <span class="hits" role="status" hidden={true} />
      <kbd>/</kbd>
    </search>
    <div class="tools js">
      <button type="button" class="menu" aria-label="Contents" data-do="menu">
        ☰
      </button>
      <button type="button" aria-label="Colours: light, dark, or the system's" data-do="theme">
        ◐
      </button>
    </div>
  </header>
);

const Rail = ({ input: { told, matrix } }: { readonly input: ComparisonInput }) => (
  <nav class="rail" aria-label="Contents">
    <a href="#_answers">The sentence</a>
    <a href="#_matrix">
      What differs <span>{matrix.parts.reduce((sum, { rows }) => sum + rows.length, 0)}</span>
    </a>
    {told.environment.length > 0 ? (
      <a href="#_environment">
        Machines and settings <span>{told.environment.length}</span>
      </a>
    ) : null}
    {told.experiments.length > 0 ? (
      <a class="of-group" href="#_evidence">
        Evidence <span>{told.experiments.length}</span>
      </a>
    ) : null}
    {told.experiments.map(({ id }) => (
      <a class="sub" href={hashOf({ target: id })}>
        {id}
      </a>
    ))}
    {told.changes.length > 0 ? (
      <a class="of-group" href="#_changes">
        Known changes <span>{told.changes.length}</span>
      </a>
    ) : null}
    <a href="#_not-compared">Not compared</a>
  </nav>
);

/** Which run a column is of, and what all of them have in common. */
const Runs = ({ told, columns }: ComparisonInput) => {
  const common = (told.runs[0]?.setting ?? []).filter((each) =>
    told.runs.every(({ setting }) => setting.includes(each)),
  );
  return (
    <>
      {common.length > 0 ? <p class="meta">All: {common.join(' · ')}</p> : null}
      <ul class="runs">
        {columns.map(({ run, label, href }) => {
          const compared = told.runs[run];
          if (!compared) return null;
          const began = compared.startedAt?.slice(0, 16).replace('T', ' ');
          return (
            <li data-run={run}>
              <b>{label}</b>
              <span>{href === undefined ? <code>{compared.folder}</code> : <a href={href}>{compared.folder}</a>}</span>
              <span>{compared.setting.filter((each) => !common.includes(each)).join(' · ')}</span>
              <span class="began">{began === undefined ? '' : `${began} UTC`}</span>
            </li>
          );
        })}
      </ul>
    </>
  );
};

/** Which runs are shown, and whether what they have in common is. */
const Switch = ({ columns }: Pick<ComparisonInput, 'columns'>) => (
  <div class="switch js">
    <fieldset>
      <legend>Runs</legend>
      {columns.map(({ run, title, subtitle }) => (
        <button type="button" class="chip" aria-pressed="true" data-switch={run}>
          {title} <i>{subtitle}</i>
        </button>
      ))}
    </fieldset>
    <label>
      <input type="checkbox" id="_only" checked={true} /> only what differs
    </label>
  </div>
);

const widthOf = ({ length }: readonly Column[]): string => `--columns:${length}`;

const Head = ({ columns }: { readonly columns: readonly Column[] }) => (
  <thead>
    <tr>
      <th class="what" scope="col">
        <span class="sr">What differs</span>
      </th>
      {columns.map(({ run, title, subtitle }) => (
        <th scope="col" data-run={run}>
          <b>{title}</b>
          <small>{subtitle}</small>
        </th>
      ))}
    </tr>
  </thead>
);

const Part = ({
  part: { kind, rows },
  columns,
}: {
  readonly part: MatrixPart;
  readonly columns: readonly Column[];
}) => (
  <tbody data-part={kind}>
    <tr class="part">
      <th scope="rowgroup" colSpan={columns.length + 1}>
        {titles[kind]}
      </th>
    </tr>
    {rows.map((row) => (
      <Row row={row} kind={kind} columns={columns} />
    ))}
  </tbody>
);

const Row = ({
  row,
  kind,
  columns,
}: {
  readonly row: MatrixRow;
  readonly kind: RowKind;
  readonly columns: readonly Column[];
}) => (
  <tr class={`of-${kind}`} data-row="">
    <th scope="row" class="what">
      {row.text === undefined ? <code>{row.name}</code> : <Text>{row.text}</Text>}
      <small>
        <a href={hashOf({ target: row.experiment })}>{row.experiment}</a> {row.text === undefined ? null : row.name}{' '}
        <Text>{row.note}</Text>
      </small>
      <Mark>{row.mark}</Mark>
      {kind === 'flip' ? <span class="mark flip">⇄ flipped</span> : null}
    </th>
    <Values
      columns={columns}
      keys={row.alikeIn}
      values={row.values}
      {...(kind === 'claim' && { classes: row.alikeIn })}
    />
  </tr>
);

const Mark = ({ children }: { readonly children: string }) =>
  children === '' ? null : <span class={`mark ${children === 'new' ? 'new' : ''}`}>{children}</span>;

/** The values of a row, neighbours that do not differ as one. The page's script does the same for the runs that are shown. */
const Values = ({
  columns,
  keys,
  values,
  classes,
}: {
  readonly columns: readonly Column[];
  readonly keys: readonly (string | null)[];
  readonly values: readonly string[];
  /** Of each run: of a claim's verdict. */
  readonly classes?: readonly (string | null)[];
}) => {
  const own = columns.map(({ run }) => keys[run] ?? null);
  const numbers = [...new Set(own)];
  const stretches = new Map(
    stretchesOf(
      own,
      columns.map(() => true),
    ).map((each) => [each.from, each]),
  );
  return (
    <>
      {columns.map(({ run, title }, place) => {
        const stretch = stretches.get(place);
        const value = values[run] ?? '–';
        const isValue = own[place] !== null;
        return (
          <td
            data-k={isValue ? numbers.indexOf(own[place] as string) : ''}
            hidden={!stretch}
            colSpan={stretch?.columns.length ?? 1}
            class={`${isValue ? (classes?.[run] ?? '') : 'nothing'} ${stretch?.isChange ? 'change' : ''}`}
            data-of={rangeOf(stretch?.columns.map((at) => columns[at]?.title ?? '') ?? [title])}
            data-from={`from ${title}`}
          >
            <Text>{value}</Text>
          </td>
        );
      })}
    </>
  );
};

/** Claims that all runs agree on, which are shown when they are asked for. */
const Same = ({ same, columns }: ComparisonInput) =>
  same.length === 0 ? null : (
    <tbody data-part="same" hidden={true}>
      <tr class="part">
        <th scope="rowgroup" colSpan={columns.length + 1}>
          A claim has the same verdict in all runs
        </th>
      </tr>
      {same.map((claim) => (
        <SameRow claim={claim} columns={columns.length} />
      ))}
    </tbody>
  );

const SameRow = ({
  claim: { experiment, claim, text, verdict },
  columns,
}: {
  readonly claim: SameClaim;
  readonly columns: number;
}) => (
  <tr class="of-claim" data-row="">
    <th scope="row" class="what">
      <Text>{text}</Text>
      <small>
        {experiment} {claim}
      </small>
    </th>
    <td class={verdict} data-all="" colSpan={columns} data-of="all">
      {verdictMarks[verdict]} {verdict}
    </td>
  </tr>
);

/** So many differences of machines are shown at once. */
const mostOpen = 12;

const Environment = ({ told, columns }: ComparisonInput) =>
  told.environment.length === 0 ? null : (
    <section id="_environment" aria-labelledby="environment-title">
      <h2 id="environment-title">How the machines and settings differ</h2>
      <details class="block" open={told.environment.length <= mostOpen}>
        <summary>{plural(told.environment.length, 'property or setting', 'properties and settings')}</summary>
        <Scroll name="Machines and settings">
          <table class="matrix" style={widthOf(columns)}>
            <Head columns={columns} />
            <tbody data-part="environment">
              {told.environment.map(({ name, values }) => (
                <tr data-row="">
                  <th scope="row" class="what">
                    <code>{name}</code>
                  </th>
                  <Values
                    columns={columns}
                    keys={values.map((value) => value ?? '')}
                    values={values.map((value) => (value === null || value === '' ? '–' : value))}
                  />
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </section>
  );

const Instructions = ({ told, columns }: ComparisonInput) =>
  told.instructions.length === 0 ? null : (
    <section id="_instructions" aria-labelledby="instructions-title">
      <h2 id="instructions-title">Instructions for each connection</h2>
      <p class="lead">{instructionsText}</p>
      <Scroll name="Table of instructions">
        <table class="matrix" style={widthOf(columns)}>
          <Head columns={columns} />
          <tbody data-part="instructions">
            {told.instructions.map(({ way, values }) => (
              <tr data-row="">
                <th scope="row" class="what">
                  <code>{way}</code>
                </th>
                <Values
                  columns={columns}
                  keys={values.map((value) => (value === '–' ? null : value))}
                  values={values}
                />
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );

const Evidence = (input: ComparisonInput) =>
  input.told.experiments.length === 0 ? null : (
    <section id="_evidence" aria-labelledby="evidence-title">
      <h2 id="evidence-title">Evidence</h2>
      {input.examples.size > 0 ? (
        <>
          <p class="lead">Of a few cells in which something differs, what each run saw: open one to see its states.</p>
          <div class="js">
            <LanesKey />
          </div>
        </>
      ) : null}
      {input.told.experiments.map((experiment) => (
        <ExperimentEvidence experiment={experiment} input={input} />
      ))}
    </section>
  );

const ExperimentEvidence = ({
  experiment,
  input: { matrix, columns, examples },
}: {
  readonly experiment: ToldExperiment;
  readonly input: ComparisonInput;
}) => {
  const { id, question, headlines, otherOdds, otherMeasured } = experiment;
  const rows = matrix.parts.flatMap(({ rows: all }) => all.filter((row) => row.experiment === id));
  const claims = rows.filter(({ details }) => details?.some(Boolean));
  return (
    <article class="experiment" id={id}>
      <header>
        <p class="id">
          <a href={hashOf({ target: id })}>{id}</a>
        </p>
        <h3 class="plain">
          <Text>{question}</Text>
        </h3>
      </header>
      {headlines.length > 0 ? <ByRun name="headline" columns={columns} texts={headlines} /> : null}
      {claims.map(({ name, text, details = [], alikeIn }) => (
        <ByRun
          name={text ?? name}
          columns={columns}
          texts={details.map((detail, run) => saidOf(alikeIn[run], detail))}
        />
      ))}
      <ul class="differing">
        {rows
          .filter(({ note }) => note !== '')
          .map(({ name, note, mark: known }) => (
            <li>
              <code>{name}</code> <Text>{note}</Text> <Mark>{known}</Mark>
            </li>
          ))}
      </ul>
      {otherOdds.length > 0 ? (
        <p class="note">
          <Text>{`Other odds, too: ${otherOdds.map(mark).join(', ')}.`}</Text>
        </p>
      ) : null}
      {otherMeasured > 0 ? (
        <p class="note">
          <Text>{othersText(otherMeasured)}</Text>
        </p>
      ) : null}
      {(examples.get(id) ?? []).map((example) => (
        <Example example={example} columns={columns} rows={rows.filter(({ cells }) => cells.includes(example.cell))} />
      ))}
    </article>
  );
};

const saidOf = (verdict: string | null | undefined, detail: string | null): string | null =>
  verdict == null ? null : `${verdictMarks[verdict as Verdict]} ${verdict}${detail ? `: ${detail}` : ''}`;

/** A text of each run, those that are the same together. */
const ByRun = ({
  name,
  columns,
  texts,
}: {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly texts: readonly (string | null)[];
}) => {
  const groups = [...Map.groupBy(columns, ({ run }) => texts[run] ?? '–')];
  return (
    <div class="by-run">
      <h4>
        <Text>{name}</Text>
      </h4>
      <dl>
        {groups.map(([text, own]) => (
          <div>
            <dt>
              {own.map(({ run, title }) => (
                <span data-run={run}>{title}</span>
              ))}
            </dt>
            <dd>
              <Text>{text}</Text>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
};

/** A cell as it went in each run: the page's script draws it when it is opened. */
const Example = ({
  example: { cell, places, targets },
  columns,
  rows,
}: {
  readonly example: CellExample;
  readonly columns: readonly Column[];
  /** What differs in it. */
  readonly rows: readonly MatrixRow[];
}) => (
  <details class="block example">
    <summary>
      What each run saw in <code>{cell}</code>
    </summary>
    <Command>{`npx lingerlab run '${cell}'`}</Command>
    {columns.map(({ run, title, subtitle, href }) => {
      const place = places[run] ?? null;
      const target = targets[run] ?? null;
      return (
        <div class="seen" data-run={run}>
          <h4>
            {href !== undefined && target !== null ? (
              <a href={`${href}${hashOf({ target: targetOf(target, 1) })}`}>{title}</a>
            ) : (
              title
            )}{' '}
            <small>{subtitle}</small>
          </h4>
          <p class="caption">
            <Text>{rows.map(({ name, values }) => `\`${name}\` ${values[run] ?? '–'}`).join(' · ')}</Text>
          </p>
          {place === null ? <p class="note">Nothing of it is recorded.</p> : <div class="drawn" data-place={place} />}
        </div>
      );
    })}
  </details>
);

const Changes = ({ changes }: { readonly changes: readonly Known[] }) =>
  changes.length === 0 ? null : (
    <section id="_changes" aria-labelledby="changes-title">
      <h2 id="changes-title">Known changes of Linux that explain these differences</h2>
      <Scroll name="Known changes of Linux">
        <table>
          <thead>
            <tr>
              <th scope="col">since</th>
              <th scope="col">before → since</th>
              <th scope="col">commits</th>
            </tr>
          </thead>
          <tbody>
            {changes.map(({ since, stable, note, commits = [] }) => (
              <tr>
                <td>{stable === undefined ? since : `${since}, stable kernels from ${stable} on`}</td>
                <td>
                  <Text>{note}</Text>
                </td>
                <td>
                  <Text>{commits.map(mark).join(', ')}</Text>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );

const NotCompared = ({ told: { oneSided, notComparable, extent, again } }: ComparisonInput) => (
  <section id="_not-compared" aria-labelledby="not-compared-title">
    <h2 id="not-compared-title">What was compared, and what was not</h2>
    {again ? (
      <p class="lead">
        <Text>{again.text}</Text>
      </p>
    ) : null}
    {extent.map((text) => (
      <p class="lead">
        <Text>{text}</Text>
      </p>
    ))}
    {oneSided.map(({ text, experiments }) => (
      <Reasons title={text} experiments={experiments} />
    ))}
    {notComparable.count > 0 ? (
      <Reasons title={`Not comparable (${notComparable.count})`} experiments={notComparable.experiments} />
    ) : null}
  </section>
);

const Reasons = ({
  title,
  experiments,
}: {
  readonly title: string;
  readonly experiments: readonly NotComparableIn[];
}) => (
  <details class="block">
    <summary>{title}</summary>
    <ul>
      {experiments.flatMap(({ items }) =>
        items.map((item) => (
          <li>
            <Text>{`${whatText(item, mark)}: ${item.reason}`}</Text>
          </li>
        )),
      )}
    </ul>
  </details>
);
