import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { kind } from '../../../src/facts/kinds.ts';
import { declarations } from '../../../src/facts/table.ts';
import type { Run } from '../../../src/record/schema.ts';
import { compareRuns } from '../../../src/report/compare/compare.ts';
import { comparisonMarkdown } from '../../../src/report/compare/markdown.ts';
import { comparisonText } from '../../../src/report/compare/text.ts';
import { toldOf } from '../../../src/report/compare/told.ts';
import { cellOf, experimentOf, runOf, sampleRun, saved } from '../fixture.ts';

/** The sample on an older kernel, with one difference of each kind. */
function older(): Run {
  const { run, cells } = sampleRun();
  const [session] = run.sessions as [Run['run']['sessions'][number]];
  return {
    folder: 'results/b',
    run: {
      ...run,
      sessions: [{ ...session, environment: { ...session.environment, kernel: '6.1.192' } }],
      experiments: run.experiments.map((experiment) => ({
        ...experiment,
        claims: experiment.claims.map((claim) => ({ ...claim, verdict: 'refuted' as const })),
      })),
    },
    cells: cells.map((cell) => {
      const { linger } = cell.factors;
      if (cell.experiment === 'racing-closes' && cell.status === 'ran') {
        const together = Number(cell.facts.together) + 20;
        return { ...cell, facts: { ...cell.facts, together, 'timeWait.holder': cell.repeat < 8 ? 'server' : 'both' } };
      }
      if (linger === 'off') return { ...cell, facts: { ...cell.facts, 'timeWait.seconds': 65 } };
      if (linger === 'zero') return { ...cell, facts: { ...cell.facts, 'timeWait.holder': 'both' } };
      return cell;
    }),
  };
}

test('a comparison tells the differences by experiment, cells that share one together', () => {
  expect(
    comparisonText(toldOf(compareRuns([sampleRun(), older()])), { color: false, width: 90 }),
  ).toMatchInlineSnapshot(`
    "9 new differences in behaviour, among them 1 claim that one run confirms and another
    refutes; 1 fact of races with other odds, 1 measured fact with another performance.
    Compared: 51 facts of 9 cells in 2 experiments.
    ! The odds of a race move with the load of a machine, too: run both again, on quiet
      machines, before you blame a kernel.

    A  results/a · lingerlab 0.1.0 · Linux 6.18.19 · HZ 250 · Node 24.21.0 · iproute2 6.1.0 ·
       as root · 2025-11-20
    B  results/b · lingerlab 0.1.0 · Linux 6.1.192 · HZ 250 · Node 24.21.0 · iproute2 6.1.0 ·
       as root · 2025-11-20

    The runs differ in
      kernel  A 6.18.19 · B 6.1.192

    close-order  Which end is left in TIME-WAIT?
      ≠ timeWait.seconds  A 61.2 s · B 65.0 s
        in all 4 cells with linger=off (further apart than 2.05 s); new
      ≠ timeWait.holder  A none · B both
        in all 4 cells with linger=zero; new
      claim first-closer-waits  A confirmed · B refuted
        the end that closes first keeps TIME-WAIT; new

    racing-closes  What if both ends close at once?
      ~ timeWait.holder  A both 9/10, client 1/10 · B both 3/10, server 7/10
        in racing-closes/data=0 (other odds, p = 0.0037)
      ~ together  A → B 16.5 µs → 36.5 µs (+121 %), p < 0.0001, 10 and 10 repeats
        in racing-closes/data=0
      claim both-wait  A inconclusive · B refuted
        crossing FINs leave TIME-WAIT at both ends

    Not comparable (3)
      racing-closes/data=1000 (A, B: errored: STEP_DEADLINE: close() of "client" did not
        answer | within 13 s)
      racing-closes/data=2000, racing-closes/data=3000 (A, B: unsupported: this kernel
        cannot make veth devices)

    Not comparable: 3 cells.
    1 fact of races by permutation within their cells, all cells of an experiment together,
    corrected by Westfall and Young, at α = 0.05.
    Measurements by Mann–Whitney U (1 test), corrected by Holm, at α = 0.05.
    "
  `);
});

test('as Markdown, too', () => {
  const markdown = comparisonMarkdown(toldOf(compareRuns([sampleRun(), older()])));
  expect(markdown).toContain('| `timeWait.holder` | none | both | in all 4 cells with `linger=zero`; **new** |');
  expect(markdown).toContain('| `kernel` | 6.18.19 | 6.1.192 |');
});

test('no difference is said in the first sentence, with how much was compared', () => {
  const text = comparisonText(toldOf(compareRuns([sampleRun(), sampleRun()])), { color: false });
  expect(text).toContain('No difference in 51 facts of 9 cells in 2 experiments.');
  expect(text).toContain('Not comparable: 3 cells.');
});

test('runs with nothing in common are not said to be without difference', () => {
  const run = (a: number): Run =>
    runOf([experimentOf({ id: 'x' })], [cellOf('x', { a }, { 'timeWait.holder': 'none' })]);
  const text = comparisonText(toldOf(compareRuns([run(1), run(2)])), { color: false });
  expect(text).toContain('Nothing could be compared');
  expect(text).not.toContain('No difference');
});

test('an unfinished run, emulation and a changed experiment are cautioned against', () => {
  const run = runOf([experimentOf({ id: 'x', sourceHash: 'bb' })], [], {
    status: 'interrupted',
    environment: { accelerator: 'tcg' },
  });
  const text = comparisonText(toldOf(compareRuns([runOf([experimentOf({ id: 'x' })], []), run])), {
    color: false,
    width: 200,
  });
  expect(text).toContain('Run B is interrupted');
  expect(text).toContain('say nothing of the kernels');
  expect(text).toContain('used different source files of these experiments: x.');
});

test('what virtual time cannot show is said once', () => {
  const guest = () =>
    runOf([experimentOf({ id: 'x' })], [], { environment: { accelerator: 'tcg', clockRule: 'virtual' } });
  const host = runOf([experimentOf({ id: 'x' })], []);
  const said = (...runs: Run[]) => comparisonText(toldOf(compareRuns(runs)), { color: false, width: 200 });
  expect(said(host, guest(), guest()).match(/Runs in virtual time \(B, C\) cannot show/g)).toHaveLength(1);
  expect(said(host, guest())).toContain('A run in virtual time (B) cannot show');
  expect(said(host, host)).not.toContain('virtual time');
});

test('color adds nothing but color', () => {
  const comparison = toldOf(compareRuns([sampleRun(), older()]));
  expect(stripVTControlCharacters(comparisonText(comparison, { color: true }))).toBe(
    comparisonText(comparison, { color: false }),
  );
});

test('what only one run knows comes first, apart from what none knows; a long list is cut', () => {
  const experiments = Array.from({ length: 9 }, (_, n) =>
    experimentOf({ id: `x${n}`, facts: saved({ ...declarations(), seen: kind.word('a'), unseen: kind.word('a') }) }),
  );
  const run = (seen: 'a' | null, why: string) =>
    runOf(
      experiments,
      experiments.map(({ id }) =>
        cellOf(
          id,
          {},
          { seen, unseen: null },
          {
            unknown: {
              unseen: { code: 'not-shown', text: `never: ${id}` },
              ...(seen === null && { seen: { code: 'not-traced' as const, text: why } }),
            },
          },
        ),
      ),
    );
  const comparison = toldOf(compareRuns([run('a', ''), run(null, 'no tracepoints')]));
  const text = comparisonText(comparison, { color: false });
  expect(text).toContain('Known in A, unknown in B: 9 facts of 9 cells\n  seen in x0 (B: unknown: no tracepoints)');
  expect(text.indexOf('Known in A')).toBeLessThan(text.indexOf('Not comparable (9)'));
  expect(text).toContain('and 3 other groups of them: `--markdown` has all');
  const markdown = comparisonMarkdown(comparison);
  expect(markdown).toContain('**Known in A, unknown in B: 9 facts of 9 cells**');
  expect(markdown).toContain('<summary>x8 (1)</summary>\n\n- `unseen` in `x8`: A, B: unknown: never: x8');
});

test('headlines that differ are shown side by side, also where no fact does; equal ones are not', () => {
  const of = (headline: string) => runOf([experimentOf({ id: 'x', answer: { headline, findings: [] } })], []);
  const text = (a: Run, b: Run) => comparisonText(toldOf(compareRuns([a, b])), { color: false });
  expect(text(of('It does.'), of('It does not.'))).toContain('  headline A  It does.\n  headline B  It does not.\n');
  expect(comparisonMarkdown(toldOf(compareRuns([of('It does.'), of('It does not.')])))).toContain(
    '| headline | It does. | It does not. |',
  );
  expect(text(of('It does.'), of('It does.'))).not.toContain('It does.');
  // an older version wrote more than a headline
  const older = runOf([experimentOf({ id: 'x', answer: { paragraph: 'It does; so it is.' } })], []);
  expect(text(of('It does.'), older)).not.toContain('headline');
});
