import type { Evidence, Guide, KnobSection, Said, SymptomSection } from './guide.ts';

/** A name as a title: what begins with a word begins with a capital. */
export const titleOf = (name: string): string =>
  /^[a-z]+ /.test(name) ? `${name.charAt(0).toUpperCase()}${name.slice(1)}` : name;

/** The anchor of a title: as GitHub makes it of a heading. */
export const anchorOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

/** What the sentences of a kind are called. */
export const kindWords: Readonly<Record<(KnobSection | SymptomSection)['measured'][number]['kind'], string>> = {
  measured: 'Measured',
  costs: 'Costs',
  risks: 'Risks',
  'look at': 'What happens',
  helps: 'Helps',
  'cannot help': 'Cannot help',
};

/** The experiments that show a section's knob or symptom and of which it has no sentence. */
export function notSaidBy({ measured, shownBy }: KnobSection | SymptomSection): string[] {
  const told = new Set(measured.flatMap(({ said }) => said.map(({ experiment }) => experiment)));
  return shownBy.filter((id) => !told.has(id));
}

/** `Not run here: load-ports, which measures more`; a command that runs them goes on after it. */
export const notRunText = (more: readonly string[]): string =>
  `Not run here: ${listed(more)}, which ${more.length === 1 ? 'measures' : 'measure'} more`;

/** `6.1`, `6.1 and 6.12`, `5.10, 6.1 and 6.12` */
const listed = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

const shareOf = ({ held, of }: Evidence): string => `${held} of ${of}`;

/** How a statement stands in these runs, where that is not the usual: on which kernels it holds and on which not, what it lacks. */
export function standingText(said: Said, { runs }: Pick<Guide, 'runs'>): string {
  const { holds, evidence } = said;
  const labelOf = ({ run }: Evidence): string => runs[run]?.label ?? '';
  const on = (each: Evidence): string => (runs.length === 1 ? '' : ` on ${labelOf(each)}`);
  const shares = evidence.map((each) => `${shareOf(each)}${on(each)}`).join(', ');
  const lacking = evidence.filter((each) => each.lacking > 0).map((each) => `${each.lacking} more${on(each)}`);
  return [
    holds === 'nowhere' && `differs here: it holds in ${shares}`,
    holds === 'partly' && partly(said, labelOf),
    evidence.length < runs.length && `tested on ${listed(evidence.map(labelOf))} only`,
    lacking.length > 0 && `of its cells, ${listed(lacking)} did not run or decided nothing`,
  ]
    .filter(Boolean)
    .join('; ');
}

/** `since 6.1 of these kernels (5.10: 0 of 2)`; of a known change by its own release. */
function partly({ evidence, known }: Said, labelOf: (each: Evidence) => string): string {
  const yes = evidence.filter(({ holds }) => holds);
  const no = evidence.filter(({ holds }) => !holds);
  const [firstYes, lastYes] = [yes[0]!, yes.at(-1)!];
  const releases = known?.map(({ since, stable }) =>
    stable ? `${since} (in stable kernels of ${stable}, too)` : since,
  );
  const others = no.map((each) => `${labelOf(each)}: ${shareOf(each)}`).join(', ');
  const where =
    firstYes.run > no.at(-1)!.run
      ? releases
        ? `since Linux ${listed(releases)}`
        : `since ${labelOf(firstYes)} of these kernels`
      : lastYes.run < no[0]!.run
        ? releases
          ? `before Linux ${listed(releases)}`
          : `up to ${labelOf(lastYes)} of these kernels`
        : `on ${listed(yes.map(labelOf))}`;
  return `${where} (${others})`;
}
