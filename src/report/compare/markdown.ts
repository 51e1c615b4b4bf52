import { alert, blocks, code, details, plain, table } from '../markdown/text.ts';
import { someOf, whichText } from '../which-cells.ts';
import type { NotComparableIn, Told, ToldExperiment } from './told.ts';
import { howText, instructionsText, othersText, whatText } from './words.ts';

/** A comparison as GitHub renders it. */
export function comparisonMarkdown(told: Told): string {
  const { runs, cautions } = told;
  return `${blocks(
    `# ${plain(told.headline)}`,
    cautions.length > 0 && alert('WARNING', cautions.map(plain).join('\n\n')),
    table(
      ['run', 'folder', 'setting', 'began'],
      runs.map((run) => [run.label, code(run.folder), plain(run.setting.join(', ')), run.startedAt ?? '–']),
    ),
    environment(told),
    ...told.experiments.map((experiment) => experimentBlock(experiment, labels(told))),
    instructions(told),
    again(told),
    changesTable(told),
    notComparable(told),
    told.extent.map(plain).join(' '),
  )}\n`;
}

const labels = ({ runs }: Told): string[] => runs.map(({ label }) => label);

function environment(told: Told): string {
  const shown = (value: string | null): string => (value === null || value === '' ? '–' : plain(value));
  const rows = told.environment.map(({ name, values }) => [code(name), ...values.map(shown)]);
  if (rows.length === 0) return 'The machines, programs and settings do not differ.';
  return details(
    `The runs differ in ${rows.length} of their machines' properties and settings`,
    table(['', ...labels(told)], rows),
  );
}

const experimentBlock = (experiment: ToldExperiment, runs: readonly string[]): string =>
  blocks(
    `## ${experiment.id}`,
    `_${plain(experiment.question)}_`,
    raceTable(experiment, runs),
    behaviourTable(experiment, runs),
    performanceTable(experiment),
    unstableList(experiment),
    verdictTable(experiment, runs),
    headlineTable(experiment, runs),
  );

/** The runs' headlines side by side. */
const headlineTable = ({ headlines }: ToldExperiment, runs: readonly string[]): string =>
  titled(['', ...runs], headlines.length === 0 ? [] : [['headline', ...headlines.map((text) => plain(text ?? '–'))]]);

const titled = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : table(head, rows);

function raceTable({ races, otherOdds }: ToldExperiment, runs: readonly string[]): string {
  const rows = races.map(({ fact, values, where, how, alike, mark }) => {
    const also = alike.length === 0 ? '' : `; the same for ${someOf(alike, code, 2)}`;
    return [code(fact), ...values.map(plain), `in ${whichText(where, code)} (${how}${also})${markOf(mark)}`];
  });
  return blocks(
    titled(['race', ...runs, ''], rows),
    otherOdds.length > 0 && `Other odds, too: ${otherOdds.map(code).join(', ')}.`,
  );
}

function behaviourTable({ behaviour }: ToldExperiment, runs: readonly string[]): string {
  const rows = behaviour.map(({ fact, values, how, where, alike, mark }) => [
    code(fact),
    ...values.map(plain),
    `in ${whichText(where, code)}${howText(how, alike, code)}${markOf(mark)}`,
  ]);
  return titled(['fact', ...runs, ''], rows);
}

function performanceTable({ performance, otherMeasured }: ToldExperiment): string {
  const rows = performance.map(({ fact, runs, text, cell }) => [code(fact), runs.join(' → '), plain(text), code(cell)]);
  return blocks(titled(['measured', 'runs', 'medians', 'in'], rows), otherMeasured > 0 && othersText(otherMeasured));
}

const unstableList = ({ unstable }: ToldExperiment): string =>
  unstable
    .map(({ fact, run, cells }) => `- Unstable in run ${run}: ${code(fact)} in ${someOf(cells, code, 2)}`)
    .join('\n');

function verdictTable({ verdicts: all }: ToldExperiment, runs: readonly string[]): string {
  const rows = all.map(({ claims, text, verdicts, mark }) => {
    const names = claims.map(code).join(', ');
    return [
      `${text === undefined ? names : `${plain(text)} (${names})`}${markOf(mark)}`,
      ...verdicts.map((verdict) => verdict ?? '–'),
    ];
  });
  return titled(['claim', ...runs], rows);
}

/** A mark behind what it is of: what is new stands out. */
const markOf = (mark: string): string => (mark === '' ? '' : `; ${mark === 'new' ? '**new**' : plain(mark)}`);

/** What a connection costs each kernel. */
const instructions = (told: Told): string =>
  told.instructions.length === 0
    ? ''
    : blocks(
        '## Instructions for each connection',
        plain(instructionsText),
        table(
          ['', ...labels(told)],
          told.instructions.map(({ way, values }) => [code(way), ...values]),
        ),
      );

/** What the cells that ran again came to. */
const again = ({ again: ran }: Told): string =>
  ran === undefined
    ? ''
    : blocks(
        '## Run again',
        plain(ran.text),
        titled(
          ['flipped', 'run', 'first', 'again', 'in'],
          ran.flips.map(({ fact = 'cell', run, first, again: then, cell }) => [
            code(fact),
            run,
            plain(first),
            plain(then),
            code(cell),
          ]),
        ),
      );

/** The changes of the kernel that explain what differs. */
const changesTable = ({ changes }: Told): string =>
  changes.length === 0
    ? ''
    : blocks(
        '## Known changes of Linux that explain these differences',
        table(
          ['since', 'before → since', 'commits'],
          changes.map(({ since, stable, note, commits = [] }) => [
            stable === undefined ? since : `${since}, stable kernels from ${stable} on`,
            plain(note),
            commits.map(code).join(', '),
          ]),
        ),
      );

function notComparable({ oneSided, notComparable: { count, experiments: others } }: Told): string {
  return blocks(
    ...oneSided.flatMap(({ text, experiments }) => [
      `**${plain(text)}**`,
      details('Which, and why', byExperiment(experiments)),
    ]),
    count > 0 && details(`Not comparable (${count})`, byExperiment(others)),
  );
}

const byExperiment = (folded: readonly NotComparableIn[]): string =>
  blocks(
    ...folded.map(({ experiment, count, items }) =>
      details(
        `${experiment} (${count})`,
        items.map((item) => `- ${whatText(item, code)}: ${plain(item.reason)}`).join('\n'),
      ),
    ),
  );
