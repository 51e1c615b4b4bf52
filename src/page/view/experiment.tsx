import { plural, sentence } from '../../report/format.ts';
import { writtenThen } from '../../report/model/answer.ts';
import { type OpenClaims, verdictMarks } from '../../report/model/claims.ts';
import type { CellTable, FactColumn, FactsView, Head, Said } from '../../report/model/facts.ts';
import { constantText, foldedText, leftText, openingsText } from '../../report/model/facts-wording.ts';
import type { Matrix, Spot } from '../../report/model/matrix.ts';
import { comparedHow, type ExperimentView, type NotRun } from '../../report/model/report.ts';
import { placeText, whichText } from '../../report/which-cells.ts';
import { examplesOf } from '../examples.ts';
import { hashOf, targetOf } from '../query.ts';
import { LoadFigure, LoadTables } from './load.tsx';
import { Command, mark, NumberLink, Scroll, Text } from './text.tsx';

/** One experiment: its answer, every result, what decides its claims, what did not run. */
export const Experiment = ({ experiment }: { readonly experiment: ExperimentView }) => {
  const { id, question, answer, facts, load, matrix } = experiment;
  return (
    <section class="experiment" id={id} aria-labelledby={`${id}-title`}>
      <header>
        <p class="id">
          <a href={hashOf({ target: id })}>{id}</a>
        </p>
        <Command>{`npx lingerlab run ${id}`}</Command>
        <h3 id={`${id}-title`} class={answer.isOpen || answer.asWrittenThen ? 'plain' : ''}>
          <Text>{answer.headline}</Text>
        </h3>
        {answer.asWrittenThen ? <p class="dim">{writtenThen}</p> : null}
        <p class="question">{question}</p>
      </header>
      <Findings experiment={experiment} />
      {answer.without === undefined ? null : <p class="dim">{answer.without}.</p>}
      {load ? <LoadFigure load={load} /> : null}
      {load ? <LoadTables load={load} /> : null}
      {matrix && facts.cells > 0 ? <Grid experiment={experiment} matrix={matrix} /> : null}
      {experiment.isSilent ? <p>No cell ran.</p> : null}
      <Examples experiment={experiment} />
      <Claims experiment={experiment} />
      <NotRunList title="Errored" all={experiment.errored} />
      <NotRunList title="Unsupported here" all={experiment.unsupported} />
      <More experiment={experiment} />
    </section>
  );
};

const Findings = ({ experiment: { id, answer, rests } }: { readonly experiment: ExperimentView }) =>
  answer.findings.length === 0 ? null : (
    <ul class="findings">
      {answer.findings.map(({ number, text }, index) => (
        <li>
          {rests[index]?.results ? (
            <NumberLink target={id} query={`finding:${id}.${index + 1}`}>
              {number}
            </NumberLink>
          ) : (
            <b class="num">{number}</b>
          )}
          <span>
            <Text>{text}</Text>
          </span>
        </li>
      ))}
    </ul>
  );

/** A colour and a shade for each outcome, by its place among the most frequent. */
export const ranksOf = (classes: FactsView['classes']): ReadonlyMap<string, number> =>
  new Map(classes.toSorted((a, b) => b.results - a.results).map(({ letter }, rank) => [letter, rank]));

/** More outcomes share a colour; their letters tell them apart. */
const mostColours = 9;

export const spotClass = (rank: number): string => `o${rank < mostColours ? rank : mostColours}`;

/** Marks of one square that stand beside each other. */
const mostBeside = 10;

/** Every result as a mark, by two factors, with further ones as panels. */
const Grid = ({ experiment, matrix }: { readonly experiment: ExperimentView; readonly matrix: Matrix }) => {
  const { id, facts, words = {} } = experiment;
  const ranks = ranksOf(facts.classes);
  const { across, down, facets, within } = matrix;
  const explained = [across, down, ...facets, ...within].flatMap((factor) => {
    const text = factor === undefined ? undefined : words[factor]?.text;
    return factor === undefined || text === undefined ? [] : [{ factor, text }];
  });
  return (
    <figure class="results" aria-label={`Every result of ${id}`}>
      <h4>Every result</h4>
      <p class="caption">
        {plural(facts.cells, 'cell')}. A mark is one result; its letter is its outcome. Open one for what happened.
        {within.length > 0 ? (
          <>
            {' '}
            Side by side: <Text>{within.map(mark).join(', ')}</Text>.
          </>
        ) : null}
        {explained.map(({ factor, text }) => (
          <span class="factor">
            {' '}
            <code>{factor}</code>: {text}.
          </span>
        ))}
      </p>
      <div class="panels" data-roving="grid">
        {matrix.panels.map((panel) => (
          <div class="panel">
            {panel.values.length === 0 ? null : (
              <p class="facet">
                {panel.values.map((value, nth) => (
                  <code>{`${facets[nth]}=${value}`}</code>
                ))}
              </p>
            )}
            <div class="scroll">
              <table class="grid">
                {across === undefined ? null : (
                  <thead>
                    <tr>
                      <th>
                        {down === undefined ? null : <code>{`${down} ↓ `}</code>}
                        <code>{`${across} →`}</code>
                      </th>
                      {matrix.columns.map((column) => (
                        <th scope="col">
                          <code>{String(column)}</code>
                        </th>
                      ))}
                    </tr>
                  </thead>
                )}
                <tbody>
                  {panel.rows.map((row) => (
                    <tr>
                      {down === undefined ? (
                        <th scope="row" />
                      ) : (
                        <th scope="row">
                          <code>{String(row.value)}</code>
                        </th>
                      )}
                      {row.squares.map((spots) => (
                        <td>
                          {spots.map((spot, nth) => (
                            <>
                              {nth > 0 && nth % mostBeside === 0 ? <br /> : null}
                              <SpotMark spot={spot} ranks={ranks} />
                            </>
                          ))}
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </div>
        ))}
      </div>
      <OutcomeTable experiment={experiment} ranks={ranks} />
    </figure>
  );
};

const notRunMarks = { ran: '', unsupported: '∅', errored: '!', missing: '·' } as const;
const notRunWords = { ran: '', unsupported: 'unsupported', errored: 'errored', missing: 'no result' } as const;

const SpotMark = ({ spot, ranks }: { readonly spot: Spot; readonly ranks: ReadonlyMap<string, number> }) => {
  const { cell, repeat, letter, status } = spot;
  const own = status === 'ran' ? spotClass(ranks.get(letter) ?? 0) : `not ${status}`;
  return (
    <a class={`spot ${own}`} href={hashOf({ target: targetOf(cell, repeat === 0 ? undefined : repeat) })}>
      {status === 'ran' ? letter : notRunMarks[status]}
      {status === 'ran' ? null : <span class="sr">{notRunWords[status]}</span>}
    </a>
  );
};

const SaidText = ({ said }: { readonly said: Said }) => (
  <>
    {said.map(({ whose, text }, index) => (
      <>
        {index > 0 ? <br /> : null}
        {whose === undefined ? '' : <span class="dim">{whose} </span>}
        <Text>{text}</Text>
      </>
    ))}
  </>
);

/** What each letter stands for, and where it was seen. */
const OutcomeTable = ({
  experiment: { id, facts },
  ranks,
}: {
  readonly experiment: ExperimentView;
  readonly ranks: ReadonlyMap<string, number>;
}) => {
  const { classes, columns, outcomes } = facts;
  const places = new Map(outcomes?.rows.map((row) => [row.letter, row.places]));
  const shown = classes.slice(0, 12);
  const openings = outcomes?.openings ?? facts.table.openings;
  return (
    <>
      <Scroll name={`Outcomes of ${id}`}>
        <table class="outcomes">
          <thead>
            <tr>
              <th>outcome</th>
              <th class="number">results</th>
              {columns.map((column: FactColumn) => (
                <th>
                  <HeadName head={column} />
                </th>
              ))}
              {places.size > 0 ? <th>where</th> : null}
            </tr>
          </thead>
          <tbody>
            {shown.map(({ letter, results, values }) => (
              <tr>
                <td>
                  <b class={`spot still ${spotClass(ranks.get(letter) ?? 0)}`}>{letter}</b>
                </td>
                <td class="number">
                  <NumberLink target={id} query={`exp:${id} outcome:${letter}`}>
                    {results}
                  </NumberLink>
                </td>
                {values.map((said) => (
                  <td>
                    <SaidText said={said} />
                  </td>
                ))}
                {places.size > 0 ? (
                  <td class="where">
                    {places.get(letter)?.map((place) => (
                      <div>
                        <Text>{placeText(place, mark)}</Text>
                      </div>
                    ))}
                  </td>
                ) : null}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p class="note">
        <Text>
          {[leftText(classes.length - shown.length), openingsText(openings, mark), constantText(facts, mark)]
            .filter(Boolean)
            .join(' ')}
        </Text>
      </p>
    </>
  );
};

/** What a column is called: a name is code, a label is words. */
export const HeadName = ({ head: { name, label } }: { readonly head: Head }) =>
  label === undefined ? <code>{name}</code> : <span>{label}</span>;

/** Courses that the ends took, one result of each: the script draws it when it comes into view. */
const Examples = ({ experiment }: { readonly experiment: ExperimentView }) => {
  const { paths } = experiment;
  const examples = examplesOf(experiment);
  if (!paths || examples.length === 0) return null;
  const isWired = paths.kind === 'ladders';
  const count = isWired ? paths.ladders.length : paths.courses.length;
  return (
    <figure class="courses" aria-label={`Sequences of ${experiment.id}`}>
      <h4>{isWired ? 'What the wire carried' : 'What the two ends went through'}</h4>
      <p class="caption">
        One result each, with its times. Order is exact{isWired ? '' : '; distances are logarithmic'}.
        {count > examples.length
          ? ` ${plural(count - examples.length, isWired ? 'other sequence diagram' : 'other sequence of states', isWired ? 'other sequence diagrams' : 'other sequences of states')}: open a mark above.`
          : ''}
      </p>
      {examples.map(({ cell, repeat, label, results, letters }) => (
        <div class="course-row">
          <p class="course-head">
            {letters.map((letter) => (
              <b class="letter">{letter}</b>
            ))}
            <span>{plural(results, 'result')}</span>
            <a class="num" href={hashOf({ target: targetOf(cell, repeat) })}>
              {cell.slice(cell.indexOf('/') + 1)}
              {repeat > 1 ? `, repeat ${repeat}` : ''}
            </a>
          </p>
          <div class={`drawn js ${isWired ? 'wired' : ''}`} data-draw={targetOf(cell, repeat)} data-label={label} />
        </div>
      ))}
    </figure>
  );
};

const Claims = ({ experiment: { id, claims, open } }: { readonly experiment: ExperimentView }) => {
  if (claims.length === 0) return null;
  const observes = claims.some(({ observed }) => observed !== undefined);
  return (
    <div class="claims">
      <h4>Claims</h4>
      <Scroll name={`Claims of ${id}`}>
        <table>
          <thead>
            <tr>
              <th>
                <span class="sr">verdict</span>
              </th>
              <th>claim</th>
              <th>source</th>
              <th>in</th>
              {observes ? <th>observed</th> : null}
            </tr>
          </thead>
          <tbody>
            {claims.map((claim) => (
              <tr class={claim.verdict}>
                <td>
                  <span class={`verdict ${claim.verdict}`}>{verdictMarks[claim.verdict]}</span>
                  <span class="sr">{claim.verdict}</span>
                </td>
                <td>
                  <Text>{claim.text}</Text>
                  {claim.verdict === 'confirmed' ? null : <b class={claim.verdict}> {claim.verdict}</b>}
                </td>
                <td class="source">{claim.source}</td>
                <td>
                  <NumberLink target={id} query={`exp:${id} claim:${claim.id}`}>
                    {claim.share}
                  </NumberLink>
                </td>
                {observes ? (
                  <td>
                    {claim.observed?.map(({ is, ...fact }) => (
                      <div>
                        <HeadName head={fact} />
                        {fact.label === undefined ? '' : ':'} {is}
                      </div>
                    ))}
                  </td>
                ) : null}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {open.map((each) => (
        <WhyOpen open={each} />
      ))}
    </div>
  );
};

/** Why a claim is refuted or inconclusive. */
export const WhyOpen = ({ open: { verdict, claims, where, reasons } }: { readonly open: OpenClaims }) => (
  <div class={`why ${verdict}`}>
    <p>
      {verdictMarks[verdict]} <Text>{claims.map(({ id }) => mark(id)).join(', ')}</Text>{' '}
      {claims.length > 1 ? 'are' : 'is'} {verdict}
      {where ? (
        <>
          {' in '}
          <Text>{whichText(where, mark)}</Text>
        </>
      ) : null}
      {reasons.length === 1 && reasons[0]?.detail ? `: ${reasons[0].detail}` : ''}
    </p>
    {reasons.length > 1 ? (
      <ul>
        {reasons.slice(0, 6).map(({ detail, where: same }) => (
          <li>
            {detail}: <Text>{whichText(same, mark)}</Text>
          </li>
        ))}
        {reasons.length > 6 ? <li>and {reasons.length - 6} more</li> : null}
      </ul>
    ) : null}
  </div>
);

const NotRunList = ({ title, all }: { readonly title: string; readonly all: readonly NotRun[] }) =>
  all.length === 0 ? null : (
    <div class="not-run">
      <h4>{title}</h4>
      <ul>
        {all.map(({ where, reason, remedy }) => (
          <li>
            <Text>{whichText(where, mark)}</Text>: <Text>{sentence(reason)}</Text>
            {remedy === undefined ? null : (
              <em>
                {' '}
                <Text>{remedy}</Text>
              </em>
            )}
          </li>
        ))}
      </ul>
    </div>
  );

/** What is too long for a first reading. */
const More = ({ experiment }: { readonly experiment: ExperimentView }) => {
  const { facts, columns, words, unknown, options, losses, file, id } = experiment;
  return (
    <>
      {facts.cells > 0 && facts.outcomes === undefined && !experiment.load ? (
        <details class="block">
          <summary>The {plural(facts.cells, 'cell')} as a table</summary>
          <Cells table={facts.table} name={id} />
          <p class="note">
            <Text>{[openingsText(facts.table.openings, mark), foldedText(facts, mark)].filter(Boolean).join(' ')}</Text>
          </p>
        </details>
      ) : null}
      {losses ? (
        <details class="block">
          <summary>What was lost, in {plural(losses.results, 'result')}</summary>
          <Scroll name={`Losses of ${id}`}>
            <table>
              <thead>
                <tr>
                  <th>results</th>
                  <th>whose</th>
                  <th class="number">lost</th>
                  {losses.places.map((place) => (
                    <th class="number">
                      <code>{place}</code>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {losses.rows.map(({ where, whose, amounts }) => (
                  <tr>
                    <td>
                      <Text>{placeText(where, mark)}</Text>
                    </td>
                    <td>{whose}</td>
                    {amounts.map((amount) => (
                      <td class="number">{amount}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </details>
      ) : null}
      {columns.length > 0 || words ? (
        <details class="block">
          <summary>What the facts and factors mean</summary>
          <dl>
            {columns.map((column) => (
              <>
                <dt>
                  <HeadName head={column} /> {column.label === undefined ? null : <code>{column.name}</code>}
                </dt>
                <dd>
                  {column.text ?? 'it has no description'}; {comparedHow(column)}
                </dd>
              </>
            ))}
            {Object.entries(words ?? {}).map(([factor, { text, values }]) => (
              <>
                <dt>
                  <code>{factor}</code>
                </dt>
                <dd>
                  {text}
                  <ul>
                    {Object.entries(values).map(([value, own]) => (
                      <li>
                        <code>{value}</code>: {own}
                      </li>
                    ))}
                  </ul>
                </dd>
              </>
            ))}
          </dl>
        </details>
      ) : null}
      {unknown.length > 0 ? (
        <details class="block">
          <summary>Which facts are unknown, and why</summary>
          <ul>
            {unknown.map(({ fact, where, why }) => (
              <li>
                <code>{fact}</code> in <Text>{whichText(where, mark)}</Text>: {why}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      {options.length > 0 ? (
        <details class="block">
          <summary>Socket options set</summary>
          <ul>
            {options.map(({ fact, where, set }) => (
              <li>
                <code>{fact}</code> in <Text>{whichText(where, mark)}</Text>: {set}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      {file === undefined ? null : (
        <p class="note">
          Its file: <code>{file}</code>.
        </p>
      )}
    </>
  );
};

const Cells = ({
  table: { factors, facts, hasResults, rows },
  name,
}: {
  readonly table: CellTable;
  readonly name: string;
}) => {
  const withOutcomes = rows.some(({ outcome }) => outcome !== undefined);
  return (
    <Scroll name={`Cells of ${name}`}>
      <table>
        <thead>
          <tr>
            {factors.map((factor) => (
              <th>
                <code>{factor}</code>
              </th>
            ))}
            {withOutcomes ? <th>outcome</th> : null}
            {facts.map((fact) => (
              <th class={fact.isNumber ? 'number' : ''}>
                <HeadName head={fact} />
              </th>
            ))}
            {hasResults ? <th>results</th> : null}
            <th>
              <span class="sr">cells</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {row.factors.map((value) => (
                <td>
                  <code>{String(value)}</code>
                </td>
              ))}
              {withOutcomes ? <td>{row.outcome}</td> : null}
              {row.values.map((value, index) => (
                <td class={facts[index]?.isNumber ? 'number' : ''}>{value}</td>
              ))}
              {hasResults ? <td>{row.results}</td> : null}
              <td>
                {row.cells.length === 1 ? (
                  <a href={hashOf({ target: targetOf(row.cells[0] ?? '') })} aria-label={`open ${row.cells[0]}`}>
                    open
                  </a>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
};
