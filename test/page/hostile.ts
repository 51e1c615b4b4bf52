import type { CellRecord, Run } from '../../src/record/schema.ts';
import { cellOf, claimOf, experimentOf, runOf } from '../report/fixture.ts';

/** What a run folder may say to break a page, a drawing or a terminal. */
export const hostile = [
  '<img src=x onerror="globalThis.broken=1">',
  '</script><script>globalThis.broken=1</script>',
  '"><svg onload=globalThis.broken=1>',
  '<!-- <b>bold</b>',
  "javascript:alert(1) & 'quotes'",
] as const;

const [image, script, attribute, comment, quotes] = hostile;

/** What would set a terminal's title, clear its screen, or turn the order of what follows. */
export const escapes = '\u001b]0;title\u0007\u009b2J\u202e';
/** How a page and a report show it. */
export const escapesShown = '\\u001b]0;title\\u0007\\u009b2J\\u202e';
/** Any character that acts on a terminal, or turns the order of what follows. */
export const acting = /(?![\n\t])[\p{Cc}\p{Cf}]/u;

const step = (
  state: CellRecord['paths'][string][number]['state'],
  at: number,
): CellRecord['paths'][string][number] => ({
  state,
  at,
  evidence: 'exact',
  source: 'trace',
});

/** A run in which every text is hostile. */
export const hostileRun = runOf(
  [
    experimentOf({
      id: 'hostile',
      group: comment,
      question: `question ${image} ${escapes}`,
      factors: { way: ['a', 'b'] },
      words: { way: { text: `factor ${script}`, values: { a: quotes, b: attribute } } },
      shows: ['timeWait.holder', 'note'],
      facts: { ...experimentOf({ id: 'x' }).facts, note: { type: 'word', compare: 'exact', text: script } },
      answer: {
        headline: `headline ${script} ${escapes}`,
        findings: [{ number: '1 of 1', text: `finding ${image}`, cells: [{ id: 'hostile/way=a', repeats: [1] }] }],
      },
      guide: [
        {
          id: `first ${attribute}`,
          about: [
            { name: 'SO_LINGER', kind: 'risks' },
            { name: 'close() blocks', kind: 'helps' },
          ],
          number: `${attribute} of 2`,
          text: `sentence ${script} ${escapes}`,
          held: 1,
          of: 2,
          cells: [{ id: 'hostile/way=a', repeats: [1] }],
        },
      ],
      claims: [claimOf({ id: 'first', text: `claim ${attribute}`, source: `source ${script} ${escapes}` })],
    }),
  ],
  [
    cellOf(
      'hostile',
      { way: 'a' },
      { 'timeWait.holder': 'client', note: `${comment}; ${quotes}${escapes}` },
      {
        paths: {
          client: [step('ESTABLISHED', 10), step('FIN-WAIT-1', 1e6), step('FIN-WAIT-2', 2e6), step('TIME-WAIT', 3e6)],
          server: [step('ESTABLISHED', 12), step('CLOSE-WAIT', 1.5e6), step('LAST-ACK', 2.5e6), step('CLOSED', 4e6)],
        },
        ends: { client: { calls: [{ t: 9e5, ns: 1000, verb: 'close', by: 'end', andThen: script }] } },
        claims: [{ id: 'first', verdict: 'confirmed', detail: { on: 'text', parts: [`${attribute} ${escapes}`] } }],
        warnings: [{ code: 'torn-line', text: `${image} ${escapes}`, remedy: script }],
        files: ['../../escape<b>.log'],
      },
    ),
    cellOf('hostile', { way: 'b' }, {}, { status: 'errored', reason: { message: `${script} ${escapes}` } }),
  ],
);

/** Another one, which differs from it. */
export const otherHostileRun: Run = {
  ...hostileRun,
  folder: 'results/<b>',
  run: {
    ...hostileRun.run,
    experiments: hostileRun.run.experiments.map((experiment) => ({
      ...experiment,
      answer: { headline: hostile[0], findings: [] },
      claims: experiment.claims.map((claim) => ({ ...claim, verdict: 'refuted' as const })),
    })),
  },
  cells: hostileRun.cells.map((cell) => ({
    ...cell,
    ...(cell.status === 'ran' ? { facts: { ...cell.facts, note: hostile[0] } } : {}),
  })),
};
