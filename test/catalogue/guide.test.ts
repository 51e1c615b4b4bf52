import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { builtins } from '../../src/catalogue/registry.ts';
import { knobs, statementId, symptoms } from '../../src/experiment/guide.ts';
import { cellsOf } from '../../src/plan/cells.ts';
import { readRun } from '../../src/record/read.ts';
import type { CellRecord, StatementRecord } from '../../src/record/schema.ts';
import { knobTexts } from '../../src/report/guide/knobs.ts';
import { symptomTexts } from '../../src/report/guide/symptoms.ts';
import { judgeCell } from '../../src/verdict/claims.ts';
import { guideOf } from '../../src/verdict/guide.ts';
import { keptRun } from '../kept.ts';

const kept = (folder: string) => readRun(fileURLToPath(new URL(folder, import.meta.url)));
const runs = await Promise.all([
  readRun(keptRun),
  // what runs only where it is named
  kept('../fixtures/runs/named-loads'),
  // what needs a kernel of its own
  kept('../fixtures/runs/too-many-orphans'),
]);
const cells = runs.flatMap((run) => run.cells);
const ratios = runs.flatMap(({ run }) =>
  run.experiments.flatMap(({ load }) => (load?.against ?? []).map(({ ratio }) => ratio)),
);
const catalogue = (await builtins()).map(({ definition }) => definition);
const byId = new Map(cells.map((cell) => [`${cell.id} ${cell.repeat}`, cell]));

/** A sentence of the guide as it is declared. */
interface Declared {
  readonly id?: string;
  readonly claim?: string;
  readonly text: string;
  readonly about: object;
}
const declaredIn = (definition: (typeof catalogue)[number]): Declared[] => [
  ...((definition.guide ?? []) as readonly Declared[]),
  ...((definition.kind === 'load' ? (definition.rates ?? []) : []) as readonly Declared[]),
];
const stating = catalogue.filter((definition) => declaredIn(definition).length > 0);
const defaultsOf = (definition: (typeof catalogue)[number]) =>
  cellsOf(definition)
    .filter(({ isDefault }) => isDefault)
    .map(({ factors }) => factors);
const evaluated = new Map(
  stating.map((definition) => [definition.id, guideOf(definition, cells, defaultsOf(definition))]),
);

const restsOf = ({ cells: rests }: StatementRecord): CellRecord[] =>
  rests.flatMap(({ id, repeats }) => repeats.map((repeat) => byId.get(`${id} ${repeat}`) as CellRecord));

/** The numbers of a text, but the whole of a share: `172,411` of `up to 172,411 of 300,000 bytes`. */
const numbersIn = (text: string): string[] =>
  [...text.replace(/ of [\d,]+/g, '').matchAll(/\d[\d,]*(\.\d+)?/g)].map(([number]) => number.replaceAll(',', ''));

/** Whether a number is a value of these, in a unit a thousand or a million times as large perhaps, rounded as it is written. */
const isOf = (written: string, values: readonly number[]): boolean => {
  const digits = written.split('.')[1]?.length ?? 0;
  return values.some((value) => [1, 1e-3, 1e-6].some((unit) => (value * unit).toFixed(digits) === written));
};

const numbersOf = ({ facts }: CellRecord): number[] => {
  const values = Object.values(facts).flat();
  const numbers = values.filter((value): value is number => typeof value === 'number');
  // by so many times connect(2) became slower
  return 'slowUs' in facts && 'emptyUs' in facts ? [...numbers, Number(facts.slowUs) / Number(facts.emptyUs)] : numbers;
};

describe.each(stating)('the sentences of $id, by the results of kept runs', (definition) => {
  const statements = evaluated.get(definition.id) ?? [];

  test('each has evidence and holds', () => {
    expect(statements.map(({ id }) => id)).toEqual(declaredIn(definition).map(statementId));
    expect(statements.filter(({ held, of }) => held !== of)).toEqual([]);
    const notRun = runs.flatMap(({ run }) => run.notRun.filter(({ id }) => id.startsWith(`${definition.id}/`)));
    expect(statements.filter(({ lacking = 0 }) => lacking > notRun.length)).toEqual([]);
    expect(statements.filter(({ cells: rests }) => rests.length === 0)).toEqual([]);
  });

  test('each is short enough to be read, and is whole', () => {
    expect(statements.filter(({ text }) => text.length > 160).map(({ text }) => text)).toEqual([]);
    expect(statements.filter(({ text }) => !/^\S.*\.$/.test(text) || /[{}]|undefined|NaN/.test(text))).toEqual([]);
  });

  test('each number is one of the facts of its cells, or how many of them confirm its claim', () => {
    const untraced = statements.filter((statement) => {
      const { number, held, of, claim } = statement;
      const rests = restsOf(statement);
      if (claim === undefined) return !numbersIn(number).every((each) => isOf(each, ratios));
      const confirmed = rests.filter((cell) =>
        cell.claims.some(({ id, verdict }) => id === claim && verdict === 'confirmed'),
      );
      if (held !== confirmed.length || of !== rests.length) return true;
      if (number === `${held} of ${of}`) return false;
      return !numbersIn(number).every((each) => isOf(each, rests.flatMap(numbersOf)));
    });
    expect(untraced.map(({ id, number }) => `${id}: ${number}`)).toEqual([]);
  });
});

/** Facts for experiments whose cells are all alike: that is the finding. */
const handMade: Readonly<Record<string, CellRecord['facts']>> = {
  'linger-on-a-real-path': { closed: 'EWOULDBLOCK' },
  'time-wait-length': { 'timeWait.seconds': 3 },
};

test('sentences change when facts do: with the facts of other cells, fewer hold or numbers are others', () => {
  const fixed = stating.flatMap((definition) => {
    const own = cells.filter(({ experiment, status }) => experiment === definition.id && status === 'ran');
    const before = evaluated.get(definition.id) ?? [];
    const moved = new Set<string>();
    for (const shift of own.keys()) {
      const others = own.map((cell, at) => {
        const { facts, unknown } = own[(at + shift) % own.length] as CellRecord;
        const changed = { ...cell, facts: { ...facts, ...(shift === 1 && handMade[definition.id]) }, unknown };
        return { ...changed, claims: judgeCell(definition, changed) };
      });
      const after = new Map(guideOf(definition, others).map((each) => [each.id, each]));
      for (const { id, held, of, number } of before) {
        const other = after.get(id);
        if (other === undefined || other.held < other.of || other.number !== number || other.of !== of || held !== of)
          moved.add(id);
      }
      if (moved.size === before.length || shift > 40) break;
    }
    return before.filter(({ id }) => !moved.has(id)).map(({ id }) => `${definition.id}: ${id}`);
  });
  expect(fixed).toEqual([]);
});

test('each knob and each symptom has a measured sentence', () => {
  const about = new Set([...evaluated.values()].flat().flatMap((statement) => statement.about.map(({ name }) => name)));
  expect([...knobs, ...symptoms].filter((name) => !about.has(name))).toEqual([]);
});

test('the experiments that a knob or a symptom names exist and speak of it', () => {
  const wrong = Object.entries({ ...knobTexts, ...symptomTexts }).flatMap(([name, { shownBy }]) =>
    shownBy.filter((id) => !(evaluated.get(id) ?? []).some(({ about }) => about.some((each) => each.name === name))),
  );
  expect(wrong).toEqual([]);
});
