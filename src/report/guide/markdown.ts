import { relative } from 'node:path';
import { blocks, code, link, plain, table } from '../markdown/text.ts';
import { kernelWords } from '../model/wording.ts';
import { whichText } from '../which-cells.ts';
import type { Guide, KnobSection, Said, SymptomSection } from './guide.ts';
import { places } from './knobs.ts';
import { anchorOf, kindWords, notRunText, notSaidBy, standingText, titleOf } from './words.ts';

/** `guide.md`, as GitHub renders it: by symptom, by knob, then the evidence. `from`: the folder from which its links lead. */
export function guideMarkdown(guide: Guide, from: string): string {
  const evident = [...guide.symptoms, ...guide.knobs].flatMap(({ measured }) => measured.flatMap(({ said }) => said));
  const unique = [...new Map(evident.map((said) => [said.id, said])).values()];
  return `${blocks(
    `# Tuning guide: closing TCP connections on Linux ${guide.runs.map(({ label }) => label).join(', ')}`,
    introduction(guide),
    '## By symptom',
    guide.symptoms.map(({ name }) => `- ${toSection(name)}`).join('\n'),
    '## By knob',
    guide.knobs.map(({ name }) => toSection(name)).join(' · '),
    '## Symptoms',
    ...guide.symptoms.map((section) => symptom(section, guide)),
    '## Knobs',
    ...guide.knobs.map((section) => knob(section, guide)),
    unique.length > 0 && '## Evidence',
    ...evidence(unique, guide, from),
  )}\n`;
}

const heading = (name: string): string => `### ${plain(titleOf(name))}`;

const toSection = (name: string): string => link(plain(titleOf(name)), `#${anchorOf(name)}`);

const evidenceAnchor = (id: string): string => `evidence-${id.replaceAll('/', '-')}`;

function introduction({ runs }: Guide): string {
  const of = runs.map(
    ({ kernel, distribution, folder }) => `- Linux ${plain(kernel)}, ${plain(distribution)}: ${code(folder)}`,
  );
  const silent = runs.filter(({ isSilent }) => isSilent);
  return blocks(
    'Each sentence under **Measured**, **Costs**, **Risks**, **What happens**, **Helps** and **Cannot help** was measured in these runs: its number leads to the results that it rests on. `16 of 16`: it holds in 16 of 16 results; another number is what was measured there. Sentences without evidence in these runs are left out. All else is what manuals say, and was not measured.',
    `_${kernelWords}_`,
    runs.length > 1 &&
      'A sentence holds on all of these kernels unless it says on which. Its number is of the newest of them; the evidence has the number on each.',
    of.join('\n'),
    silent.length > 0 &&
      `No sentence was saved in ${silent.map(({ folder }) => code(folder)).join(', ')}: the run is not complete, or an older version made it. Run its experiments again.`,
  );
}

function sentence(said: Said, guide: Guide): string {
  const standing = standingText(said, guide);
  const mark = said.holds === 'nowhere' ? '✗ ' : '';
  const number = link(plain(said.number), `#${evidenceAnchor(said.id)}`);
  return `${mark}**${number}**: ${plain(said.text)}${standing === '' ? '' : ` _(${plain(standing)})_`}`;
}

/** What was said of something; and which of the experiments that show it have said nothing here. */
function measuredText(section: KnobSection | SymptomSection, guide: Guide): string[] {
  const { measured, shownBy } = section;
  if (measured.length === 0)
    return [`Nothing of this ran here: ${code(`lingerlab run ${shownBy.join(' ')}`)} shows it.`];
  const more = notSaidBy(section);
  return [
    ...measured.map(({ kind, said }) =>
      blocks(`**${kindWords[kind]}**`, said.map((each) => `- ${sentence(each, guide)}`).join('\n')),
    ),
    ...(more.length > 0 ? [`${notRunText(more)} (${code(`lingerlab run ${more.join(' ')}`)}).`] : []),
  ];
}

function symptom(section: SymptomSection, guide: Guide): string {
  const { name, text } = section;
  return blocks(
    heading(name),
    `_Seen as:_ ${plain(text.seen)}`,
    `**Look at** ${code(text.ss)}: ${plain(text.shows)}.${text.counters === '' ? '' : ` Counters: ${plain(text.counters)}.`}`,
    ...measuredText(section, guide),
    `Knobs: ${text.knobs.map(toSection).join(', ')}`,
  );
}

function knob(section: KnobSection, guide: Guide): string {
  const { name, text } = section;
  const set = places.filter((place) => text.settings[place] !== undefined);
  const unset = places.filter((place) => text.settings[place] === undefined);
  return blocks(
    heading(name),
    plain(text.what),
    `_People say:_ ${plain(text.said)}`,
    ...measuredText(section, guide),
    `**When to use it:** ${plain(text.use)}<br>**When not:** ${plain(text.avoid)}`,
    table(
      ['where', 'setting'],
      [
        ...set.map((place) => [place, plain(text.settings[place] ?? '')]),
        ...(unset.length > 0 ? [[unset.join(', '), 'no setting']] : []),
      ],
    ),
  );
}

/** The results on which each sentence rests, by experiment. */
function evidence(all: readonly Said[], guide: Guide, from: string): string[] {
  return [...Map.groupBy(all, ({ experiment }) => experiment)]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([experiment, said]) =>
      blocks(`### Experiment ${experiment}`, said.map((each) => rests(each, guide, from)).join('\n')),
    );
}

function rests({ id, experiment, text, evidence: own }: Said, { runs }: Guide, from: string): string {
  const parts = own.map(({ run, number, held, of, where, cell }) => {
    const { folder, label, isKept } = runs[run] as Guide['runs'][number];
    const path = relative(from, folder) || '.';
    const report = link('report', `${path}/report.md#${experiment}`);
    const share = `${held} of ${of}`;
    const measured = number === share ? share : `${number} (${share})`;
    const on = runs.length > 1 ? `${plain(label)}: ` : '';
    return `  - ${on}${plain(measured)}, ${whichText(where, code)}; ${report}, ${code(isKept ? `lingerlab run '${cell}'` : `lingerlab show ${path} ${cell}`)}`;
  });
  return [`- <a id="${evidenceAnchor(id)}"></a>${plain(text)}`, ...parts].join('\n');
}
