import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { reportOf } from '../../../src/report/model/report.ts';
import { terminalSummary } from '../../../src/report/terminal/summary.ts';
import { cellOf, claimOf, experimentOf, runOf, sampleRun, told } from '../fixture.ts';

const path = 'results/a/report.md';

test('the summary has each answer, refuted claims first, what did not run and why, and where the report is', () => {
  expect(terminalSummary(reportOf(sampleRun()), { color: false, width: 80, path })).toMatchInlineSnapshot(`
    "lingerlab 0.1.0 · Linux 6.18.19 · HZ 250 · Node 24.21.0 · iproute2 6.1.0 · as
    root

     ✗1 ✓1 close-order: The end that closes first keeps TIME-WAIT, unless it resets.
        4 of 4: A reset leaves no TIME-WAIT.
        ✗ reset-is-silent refuted in all 4 cells with linger=zero: a reset closes
          without a word to the application | whatever it reads (said often)
          read answered ECONNRESET
     ?1 racing-closes: Mostly both ends keep TIME-WAIT.
        ? both-wait inconclusive in racing-closes/data=0: crossing FINs leave
          TIME-WAIT at both ends (RFC 9293 §3.6.1)
          client.miniSocket not observed

    1 errored: STEP_DEADLINE: close() of "client" did not answer | within 13 s
      (racing-closes/data=1000)

    2 unsupported: this kernel cannot make veth devices (racing-closes/data=2000,
      racing-closes/data=3000)
      Load the module with \`modprobe veth\`.

    warning: this kernel refuses to trace tw_timer_handler [NO_MINI_TIMERS]
      Use 6.12 or newer.
    warning: ss sampled every 80 ms (10 times) [SLOW_SAMPLES]
      Use --jobs 1.

    9 cells ran (18 results) in 1 min 4 s; 2 cells unsupported, 1 cell errored
      the longest cell took 1 min 2 s: close-order/closes=client,linger=off,family=4
      a short cell: 103 ms of CPU (mean of 16 results under 1 s: harness 12.5,
        observers 10.0, peers 80.0)
    Claims: ✗ 1 refuted, ? 1 inconclusive, ✓ 1 confirmed; 11 warnings, 1 cell
      errored, 2 cells unsupported
    Report: results/a/report.md
    "
  `);
});

test('the page beside the report is named in the same line', () => {
  const text = terminalSummary(reportOf(sampleRun()), { color: false, width: 80, path, page: 'report.html' });
  expect(text).toContain('\nReport: results/a/report.md, report.html\n');
});

test('color adds nothing but color', () => {
  const colored = terminalSummary(reportOf(sampleRun()), { color: true, path });
  expect(colored).toContain('\x1b[31m');
  expect(stripVTControlCharacters(colored)).toBe(terminalSummary(reportOf(sampleRun()), { color: false, path }));
});

test('no line is longer than the terminal is wide', () => {
  for (const width of [80, 120]) {
    const lines = terminalSummary(reportOf(sampleRun()), { color: false, width, path }).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
  }
});

test('where nothing is claimed, no claims are counted', () => {
  const run = runOf([experimentOf({ id: 'x' })], [cellOf('x', {}, { 'timeWait.holder': 'client' })]);
  expect(terminalSummary(reportOf(run), { color: false, path })).not.toContain('Claims:');
});

test('claims that no cell bears on are one line', () => {
  const none = { confirmed: 0, refuted: 0, inconclusive: 0 };
  const claims = ['a', 'b', 'c'].map((id) =>
    claimOf({ id, verdict: 'inconclusive', cells: none, detail: told('applies to no cell that ran') }),
  );
  expect(terminalSummary(reportOf(runOf([experimentOf({ id: 'x', claims })], [])), { color: false, path })).toContain(
    '  ? 3 claims inconclusive, applies to no cell that ran: a, b, c\n',
  );
});

test('an interrupted run says so', () => {
  const run = sampleRun();
  const text = terminalSummary(reportOf({ ...run, run: { ...run.run, status: 'interrupted' } }), {
    color: false,
    path,
  });
  expect(text).toContain('Interrupted:');
});

test('experiments of which no cell ran are told once, before the reasons', () => {
  const errored = ['one', 'two'].map((id) =>
    cellOf(id, {}, {}, { status: 'errored', reason: { message: 'no TUN device' } }),
  );
  const experiments = [...errored, { experiment: 'three' }].map(({ experiment }) =>
    experimentOf({
      id: experiment,
      answer:
        experiment === 'three'
          ? { headline: 'It answers.', findings: [] }
          : { headline: null, findings: [], because: { code: 'no-cell-ran' } },
      claims: [claimOf({ id: 'c', verdict: 'inconclusive', cells: { confirmed: 0, refuted: 0, inconclusive: 0 } })],
    }),
  );
  const text = terminalSummary(reportOf(runOf(experiments, [...errored, cellOf('three', {}, {})])), {
    color: false,
    path,
  });
  expect(text.match(/no answer/g)).toHaveLength(1);
  expect(text.match(/no cell ran/g)).toHaveLength(1);
  expect(text).toMatch(/It answers\.[\s\S]*no answer: no cell ran of one, two\n\n2 errored: no TUN device/);
});

test('the summary says how many results were late, and by how much at the longest', () => {
  const late = (client: number) => ({ harnessMs: 3, observersMs: 900, peersMs: { client } });
  const cells = [20, 199, 250, 1020].map((ms, a) => cellOf('x', { a }, {}, { late: late(ms) }));
  const report = reportOf(runOf([experimentOf({ id: 'x' })], cells));
  expect(terminalSummary(report, { color: false, width: 200, path })).toContain(
    "delayed: 2 of 4 results were delayed; in the worst case the client's process did not run for 1.02 s. A delayed result does not refute a claim\n",
  );
  const punctual = reportOf(runOf([experimentOf({ id: 'x' })], cells.slice(0, 2)));
  expect(terminalSummary(punctual, { color: false, width: 200, path })).not.toContain('late');
});

describe('how detailed the summary is', () => {
  const finding = { number: '16 of 16', text: 'A finding of the experiment.', cells: [] };
  const headline = `${'The conclusion takes more than the rest of a line '.repeat(2)}says its end.`;
  const many = (experiments: number, refuted: number) =>
    runOf(
      Array.from({ length: experiments }, (_, at) =>
        experimentOf({
          id: `experiment-${at}`,
          group: `Group ${at % 8}`,
          answer: { headline, findings: [finding, finding] },
          claims: [
            claimOf({
              id: 'c',
              verdict: at < refuted ? 'refuted' : 'confirmed',
              cells: { confirmed: 0, refuted: 0, inconclusive: 0, [at < refuted ? 'refuted' : 'confirmed']: 1 },
            }),
          ],
        }),
      ),
      Array.from({ length: experiments }, (_, at) => cellOf(`experiment-${at}`, {}, {})),
    );
  const lines = (run: ReturnType<typeof many>, over: { verbose?: boolean } = {}) =>
    terminalSummary(reportOf(run), { color: false, path, ...over })
      .split('\n')
      .slice(0, -1);

  test('of a few experiments it has every finding', () => {
    const shown = lines(many(3, 1));
    expect(shown.filter((line) => line.includes('16 of 16: A finding of the experiment.'))).toHaveLength(6);
    expect(shown.join(' ')).toContain('says its end.');
  });

  test('of many it fits on two screens: a line for each, and the findings of those with a refuted claim, which come first', () => {
    const shown = lines(many(45, 2));
    expect(shown.length).toBeLessThanOrEqual(80);
    expect(shown.filter((line) => /^ [✗✓]1 experiment-\d+: The conclusion .*…$/.test(line))).toHaveLength(45);
    expect(shown.filter((line) => line.includes('16 of 16'))).toHaveLength(4);
    expect(shown.findIndex((line) => line.includes('experiment-1:'))).toBeLessThan(shown.indexOf('Group 0'));
  });

  test('of many that are refuted it fits on two screens', () => {
    const shown = lines(many(45, 40));
    expect(shown.length).toBeLessThanOrEqual(80);
    expect(shown.filter((line) => /^ [✗✓]1 /.test(line))).toHaveLength(45);
  });

  test('of very many, what is known besides is a line each, without remedies; late results are counted in the end', () => {
    const run = many(64, 0);
    const late = { harnessMs: 3, observersMs: 900, peersMs: { client: 900 } };
    const text = `it refused one thing, and did another instead, ${'which takes more than a line '.repeat(3)}`;
    const warning = { code: 'refused', text, remedy: 'Allow it.' };
    const cells = run.cells.map((each, at) => (at === 0 ? { ...each, warnings: [warning], late } : each));
    const shown = lines({ ...run, cells });
    expect(shown.length).toBeLessThanOrEqual(80);
    expect(shown.filter((line) => line.startsWith('warning: it refused one thing'))).toHaveLength(1);
    expect(shown.join('\n')).not.toContain('Allow it.');
    expect(shown.filter((line) => /delayed/.test(line))).toEqual([expect.stringContaining('1 warning, ')]);
    expect(lines({ ...run, cells }, { verbose: true }).join('\n')).toContain('Allow it.');
  });

  test('of so many that there is no room for them, the groups have no names, and stay together', () => {
    const shown = lines(many(72, 0));
    expect(shown.length).toBeLessThanOrEqual(80);
    expect(shown.filter((line) => line.startsWith('Group'))).toEqual([]);
    const groups = shown.flatMap((line) => /^ ✓1 experiment-(\d+):/.exec(line)?.[1] ?? []).map((at) => Number(at) % 8);
    expect(groups).toEqual(groups.toSorted((a, b) => a - b));
    expect(lines(many(60, 0)).filter((line) => line.startsWith('Group'))).toHaveLength(8);
  });

  test('it has everything where that is asked for', () => {
    const shown = lines(many(45, 40), { verbose: true });
    expect(shown.filter((line) => line.includes('16 of 16'))).toHaveLength(90);
  });
});

test('an answer of an older version is shown as it was written then', () => {
  const answer = { paragraph: 'It does so; 1 of 5 results left out.' };
  const run = runOf([experimentOf({ id: 'x', answer })], [cellOf('x', {}, {})]);
  const text = terminalSummary(reportOf(run), { color: false, path });
  expect(text).toContain('Each answer is one paragraph, as written then: an older version made this run.\n');
  expect(text).toContain('x: It does so; 1 of 5 results left out.');
});
