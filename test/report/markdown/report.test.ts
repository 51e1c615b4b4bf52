import { describe, expect, test } from 'vitest';
import { described, kind } from '../../../src/facts/kinds.ts';
import { declarations } from '../../../src/facts/table.ts';
import type { Run } from '../../../src/record/schema.ts';
import { reportFiles } from '../../../src/report/markdown/beside.ts';
import { markdownReport as draw } from '../../../src/report/markdown/report.ts';
import { reportOf } from '../../../src/report/model/report.ts';
import { cellOf, claimOf, experimentOf, path, runOf, sampleRun, saved, told } from '../fixture.ts';
import { oldDuplicate } from '../wire-fixture.ts';

const markdownReport = (run: Run): string => draw(reportOf(run));

const section = (report: string, from: string): string => {
  const rest = report.slice(report.indexOf(from));
  return rest.slice(0, rest.indexOf('\n### ', 5) + 1 || undefined);
};

test('the same folder gives the same report: nothing but the run is read', () => {
  const stored = JSON.parse(JSON.stringify(sampleRun())) as Run;
  const deep = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deep);
    return value;
  };
  expect(markdownReport(deep(stored) as Run)).toBe(markdownReport(sampleRun()));
});

test('the setting, a warning and the findings come first', () => {
  const report = markdownReport(sampleRun());
  expect(report.slice(0, report.indexOf('\n## Closing'))).toMatchInlineSnapshot(`
    "# How TCP connections close on Linux 6.18.19

    - Run: 2 experiments, 12 cells, 18 results, in 1 min 4 s, \`lingerlab run\`
    - On: Linux 6.18.19 · HZ 250 · Node 24.21.0 · iproute2 6.1.0 · as root · 2 × AMD EPYC 7763
    - By: lingerlab 0.1.0, 2025-11-20 09:00:00 UTC to 2025-11-20 09:01:04 UTC

    _A cell is one combination of settings; a result is one run of a cell. A claim is ✓ confirmed, ✗ refuted or ? inconclusive (the cells that ran do not decide it). The number before a finding counts results, such as 2 of 2, or is what was measured. An orphan is a socket that no process holds any more; the kernel still serves it. A mini-socket is the kernel's small object for a handshake, TIME-WAIT or an orphan's FIN-WAIT-2; any other socket is a full socket. A slot of the timer wheel is how late the kernel's timer may expire. The wire is a process between both ends that can delay, lose and forge segments. The harness is lingerlab's main process; its peers are the client's and the server's process._

    > [!WARNING]
    > 1 cell of 12 errored.

    ## Exceptions

    3 claims: 1 refuted, 1 inconclusive, 1 confirmed; 11 warnings, 1 cell errored, 2 cells unsupported.

    - ✗ **a reset closes without a word to the application | whatever it reads** does not hold ([close-order](#close-order)): in all 4 cells with \`linger=zero\`
    - ? **crossing FINs leave TIME-WAIT at both ends** is inconclusive ([racing-closes](#racing-closes)): client.miniSocket not observed
    - Warning \`NO_MINI_TIMERS\`: this kernel refuses to trace tw_timer_handler. _Use 6.12 or newer._
    - Warning \`SLOW_SAMPLES\` × 10: ss sampled every 80 ms (and 9 similar warnings). _Use --jobs 1._ In \`racing-closes/data=0\`.
    - 1 cell errored: STEP_DEADLINE: close() of "client" did not answer | within 13 s. \`racing-closes/data=1000\`
    - 2 cells did not run: this kernel cannot make veth devices. _Load the module with \`modprobe veth\`._ \`racing-closes/data=2000\`, \`racing-closes/data=3000\`

    ## Contents

    **Closing**

    - [Which end is left in TIME-WAIT?](#close-order)<br>**The end that closes first keeps TIME-WAIT, unless it resets.** ✗ 1 ✓ 1
    - [What if both ends close at once?](#racing-closes)<br>**Mostly both ends keep TIME-WAIT.** ? 1
    "
  `);
});

test('the end says what ran where, how long, and how much did not', () => {
  const report = markdownReport(sampleRun());
  expect(
    report.slice(report.indexOf('## The run'), report.indexOf('<details>\n<summary>The kernel')),
  ).toMatchInlineSnapshot(`
    "## The run

    |  |  |
    |---|---|
    | tool | lingerlab 0.1.0 (commit \`0123456789ab\`) |
    | kernel | Linux 6.18.19, HZ 250 |
    | distribution | Debian GNU/Linux 12 |
    | machine | x86_64, 2 × AMD EPYC 7763, 3.83 GiB |
    | with | Node 24.21.0, iproute2 6.1.0 |
    | privilege | root |
    | when | 2025-11-20 09:00:00 UTC to 2025-11-20 09:01:04 UTC, status complete |
    | cells | 12: 9 ran, 18 results with their repeats; 2 unsupported; 1 errored |
    | time | 1 min 4 s; the longest cell took 1 min 2 s: \`close-order/closes=client,linger=off,family=4\` |
    | CPU | 3.75 s: harness 1.25, observers 0.500, peers 2.00; a short cell: 103 ms of CPU (mean of 16 results under 1 s: harness 12.5, observers 10.0, peers 80.0); from the first cell on, CPU time that belongs to no single result is divided evenly among the results, and that of no single peer evenly among the peers |
    | command | \`lingerlab run\` |

    "
  `);
});

test('facts come as a table without the factor that makes no difference', () => {
  expect(section(markdownReport(sampleRun()), '### close-order').split('<details>')[0]).toMatchInlineSnapshot(`
    "### close-order

    _Which end is left in TIME-WAIT?_

    **The end that closes first keeps TIME-WAIT, unless it resets.**

    - **[4 of 4](report/close-order.md#finding-1)**: A reset leaves no TIME-WAIT.

    | closes | linger | \`timeWait.holder\` | \`timeWait.seconds\` | \`client.closedWith\` | \`server.closedWith\` |
    |---|---|---|---:|---|---|
    | \`client\` | \`off\` | client | 61.2 s | FIN | FIN |
    | \`client\` | \`zero\` | none | – | RST | none |
    | \`server\` | \`off\` | server | 61.2 s | FIN | FIN |
    | \`server\` | \`zero\` | none | – | none | RST |

    \`family\` (4, 6) changes none of these facts, and is left out.

    |  | claim | source | in |
    |---|---|---|---|
    | ✗ **refuted** | a reset closes without a word to the application \\| whatever it reads (\`reset-is-silent\`) | said often | all 4 results |
    | ✓ | the end that closes first keeps TIME-WAIT (\`first-closer-waits\`) | RFC 9293 §3.6.1 | all 4 results |

    ✗ \`reset-is-silent\` is refuted in all 4 cells with \`linger=zero\`: read answered ECONNRESET

    "
  `);
});

test('a race is a distribution, an unknown fact has its reason, what did not run its reason and remedy', () => {
  expect(section(markdownReport(sampleRun()), '### racing-closes').split('## The run')[0]).toMatchInlineSnapshot(`
    "### racing-closes

    _What if both ends close at once?_

    **Mostly both ends keep TIME-WAIT.**

    |  | results | \`timeWait.holder\` | \`together\` | \`client.miniSocket\` |
    |---|---|---|---|---|
    | **A** | 9 of 10 | both | 17.0 µs (12.0 µs to 21.0 µs) | TIME-WAIT |
    | **B** | 1 of 10 | client | 15.0 µs | unknown |

    In all cells that ran: \`data=0\`.

    |  | claim | source | in |
    |---|---|---|---|
    | ? **inconclusive** | crossing FINs leave TIME-WAIT at both ends (\`both-wait\`) | RFC 9293 §3.6.1 | 1 of 10 results, 9 confirmed |

    ? \`both-wait\` is inconclusive in \`racing-closes/data=0\`: client.miniSocket not observed

    **Errored**

    - \`racing-closes/data=1000\`: STEP_DEADLINE: close() of "client" did not answer | within 13 s.

    **Unsupported here**

    - both cells with \`data=2000,3000\`: this kernel cannot make veth devices. _Load the module with \`modprobe veth\`._

    More: [what the columns say](report/racing-closes.md#columns) · [which facts are unknown, and why](report/racing-closes.md#unknown).

    "
  `);
});

test('every table has as many cells in each row as in its head', () => {
  const rows = markdownReport(sampleRun())
    .split('\n')
    .filter((line) => line.startsWith('|'));
  const widths = rows.map((row) => row.replaceAll('\\|', '').split('|').length);
  const heads = rows.flatMap((row, index) => (/^\|(-+:?\|)+$/.test(row) ? [index] : []));
  expect(heads.length).toBeGreaterThan(4);
  for (const [n, head] of heads.entries()) {
    const table = widths.slice(head - 1, (heads[n + 1] ?? rows.length + 1) - 1);
    expect(new Set(table).size, rows[head - 1]).toBe(1);
  }
});

test('warnings are gathered by code with their number and remedy', () => {
  expect(section(markdownReport(sampleRun()), '## Exceptions').split('\n## ')[0]).toContain(
    '- Warning `SLOW_SAMPLES` × 10: ss sampled every 80 ms (and 9 similar warnings). _Use --jobs 1._ In `racing-closes/data=0`.',
  );
});

test('results that were late are a line under the warnings, with where', () => {
  const late = { harnessMs: 3, observersMs: 900, peersMs: { client: 1020 } };
  const run = runOf([experimentOf({ id: 'x' })], [cellOf('x', { a: 1 }, {}, { late }), cellOf('x', { a: 2 }, {})]);
  expect(section(markdownReport(run), '## Exceptions')).toContain(
    "- 1 of 2 results was delayed; in the worst case the client's process did not run for 1.02 s. A delayed result does not refute a claim. In `x/a=1`.",
  );
});

describe('a run that did not end', () => {
  const unfinished = (status: 'running' | 'interrupted'): string => {
    const experiment = experimentOf({ id: 'x', answer: null });
    const cells = [cellOf('x', { a: 1 }, { 'timeWait.holder': 'client' })];
    return markdownReport(runOf([experiment], cells, { status, plan: ['x/a=1', 'x/a=2'] }));
  };
  test('says so on top, with what is missing', () => {
    expect(unfinished('interrupted')).toContain(
      '> [!WARNING]\n> This run was interrupted. 1 cell of its plan has no result.',
    );
    expect(unfinished('running')).toContain('> This run had not ended when the report was made.');
  });
  test('has no answer to show', () =>
    expect(unfinished('running')).toContain('**No answer yet: the run is not complete.**'));
});

describe('claims', () => {
  const report = markdownReport(
    runOf(
      [
        experimentOf({
          id: 'x',
          claims: [
            claimOf({ id: 'good' }),
            claimOf({ id: 'open', verdict: 'inconclusive', cells: { confirmed: 0, refuted: 0, inconclusive: 9 } }),
            claimOf({ id: 'bad', verdict: 'refuted', cells: { confirmed: 1, refuted: 8, inconclusive: 0 } }),
            claimOf({ id: 'over-all', across: true }),
          ],
        }),
      ],
      Array.from({ length: 9 }, (_, a) =>
        cellOf(
          'x',
          { a },
          { 'timeWait.holder': 'none' },
          { claims: [{ id: 'bad', verdict: a === 0 ? 'confirmed' : 'refuted', detail: told(`saw ${a}`) }] },
        ),
      ),
    ),
  );
  test('refuted come first, then inconclusive, then confirmed', () => {
    expect(report.match(/\(`(good|open|bad|over-all)`\)/g)).toEqual([
      '(`bad`)',
      '(`open`)',
      '(`good`)',
      '(`over-all`)',
    ]);
  });
  test('the refuting cells are named, at most some of them', () => {
    expect(report).toContain('✗ `bad` is refuted in all 8 cells with `a=1,2,3,4,5,6,7,8`');
    expect(report).toContain('- saw 6: `x/a=6`\n- and 2 more');
    expect(report).toContain('8 of 9 results, 1 confirmed');
  });
});

describe('courses of states', () => {
  const cells = Array.from({ length: 20 }, (_, a) =>
    cellOf(
      'x',
      { a },
      { 'client.closedWith': ['FIN'], 'server.closedWith': ['FIN'] },
      {
        paths: {
          client: path(
            'ESTABLISHED 1',
            ...Array.from({ length: a % 15 }, (_, n) => `${n % 2 ? 'FIN-WAIT-1' : 'CLOSE-WAIT'} ${n + 2}`),
          ),
          server: path('ESTABLISHED 1'),
        },
      },
    ),
  );
  test('one drawing for each different one', () => {
    const { report, beside } = reportFiles(reportOf(runOf([experimentOf({ id: 'x' })], cells)));
    expect([...beside.keys()].filter((name) => name.endsWith('.svg'))).toHaveLength(14);
    expect(report).toContain('<summary><b>What the two ends went through</b>: 14 sequences of states</summary>');
    expect(report).toContain('- [2 results, both cells with `a=1,16`](report/x-1.svg)');
    expect(beside.get('x.md')).toContain('The times are those of `x/a=1`.');
  });
  test('connections with labels have one for each different course, and none where nothing happens', () => {
    const closed = path('ESTABLISHED 1', 'FIN-WAIT-1 2');
    const paths = { 'one.client': closed, 'two.client': closed, 'three.client': path('SYN-SENT 9') };
    const { report, beside } = reportFiles(
      reportOf(runOf([experimentOf({ id: 'x' })], [cellOf('x', {}, {}, { paths })])),
    );
    expect([...beside.keys()]).toEqual(['x.md', 'x-1.svg']);
    expect(report).toContain('[`one`, `two`: `x`](report/x-1.svg)');
    expect(beside.get('x.md')).toContain('The times are those of `x`, connection `one`.');
  });
});

test('a cell that ran over a wire has one ladder with its segments, whatever its connections', () => {
  const { report, beside } = reportFiles(reportOf(runOf([experimentOf({ id: 'old-duplicate' })], [oldDuplicate()])));
  expect(report).not.toContain('```mermaid');
  expect([...beside.keys()]).toEqual(['old-duplicate.md', 'old-duplicate-1.svg']);
  expect(beside.get('old-duplicate-1.svg')).toContain('The client sends new: SYN seq 0 at +309.1 ms');
  expect(beside.get('old-duplicate.md')).toContain(
    '`new`: client unknown; server unknown. The times are those of `old-duplicate/',
  );
});

test('every link of a report leads to a file or a heading that is there', () => {
  const { report, beside } = reportFiles(reportOf(sampleRun()));
  const anchors = (text: string) =>
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-'));
  const links = [...report.matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)];
  expect(links.length).toBeGreaterThan(5);
  for (const [link, file = '', anchor] of links) {
    const text = file === '' ? report : beside.get(file.replace('report/', ''));
    expect(text, link).toBeDefined();
    if (anchor) expect(anchors(text ?? ''), link).toContain(anchor);
  }
});

test('the number of a finding leads to the results that it rests on', () => {
  const cells = [1, 2, 3].flatMap((a) =>
    [1, 2].map((repeat) => cellOf('x', { a }, { 'timeWait.holder': 'client' }, { repeat })),
  );
  const findings = [
    {
      number: '4 of 6',
      text: 'Text.',
      cells: [
        { id: 'x/a=1', repeats: [1, 2] },
        { id: 'x/a=2', repeats: [1, 2] },
      ],
    },
    { number: '1 | 6', text: 'Part.', cells: [{ id: 'x/a=3', repeats: [2] }] },
  ];
  const x = experimentOf({ id: 'x', factors: { a: [1, 2, 3] }, answer: { headline: 'So.', findings } });
  const { report, beside } = reportFiles(reportOf(runOf([x], cells)));
  expect(report).toContain('- **[4 of 6](report/x.md#finding-1)**: Text.\n- **[1 | 6](report/x.md#finding-2)**: Part.');
  expect(beside.get('x.md')).toContain(
    '## Finding 1\n\n**4 of 6**: Text.\n\nIt rests on 4 of 6 results: both cells with `a=1,2`.',
  );
  expect(beside.get('x.md')).toContain('It rests on 1 of 6 results:\n\n- `x/a=3`, repeat 2');
});

test('what its columns say stands on the page of each experiment', () => {
  const own = (id: string, text: string) =>
    experimentOf({
      id,
      shows: ['timeWait.holder', 'waited'],
      facts: saved({ ...declarations(), waited: described(text, kind.seconds()) }),
    });
  const { report, beside } = reportFiles(
    reportOf(runOf([own('a', 'until the client closed'), own('b', 'until the port was free')], [])),
  );
  expect(report).toContain('More: [what the columns say](report/b.md#columns)');
  expect(beside.get('a.md')).toContain(
    '## Columns\n\n- `timeWait.holder`: the end that keeps TIME-WAIT; compared exactly\n',
  );
  expect(beside.get('a.md')).toContain('- `waited`: until the client closed; ');
  expect(beside.get('b.md')).toContain('- `waited`: until the port was free; ');
});

test('of a sysctl that lingerlab sets, the report says so and what the kernel had made of it', () => {
  const pinned = {
    'net.ipv4.tcp_max_tw_buckets': { set: '65536', own: '131072' },
    'net.ipv4.conf.all.rp_filter': { set: '0', own: '0' },
    'net.ipv4.tcp_congestion_control': { set: 'bbr', own: 'bbr', refused: 'cubic' },
  };
  const sysctls = { 'net.ipv4.tcp_max_tw_buckets': '65536', 'net.ipv4.tcp_tw_reuse': '2' };
  const report = markdownReport(runOf([], [], { environment: { sysctls, pinned } }));
  expect(report).toContain("net.ipv4.tcp_max_tw_buckets = 65536, set by lingerlab; the kernel's own: 131072\n");
  expect(report).toContain("net.ipv4.conf.all.rp_filter = 0, set by lingerlab; the kernel's own is the same\n");
  expect(report).toContain('net.ipv4.tcp_tw_reuse = 2\n');
  expect(report).toContain('net.ipv4.tcp_congestion_control = bbr; the kernel refused cubic, which lingerlab sets\n');
});

test('settings that the user asked for stand beside the kernel, and in the list of all', () => {
  const pinned = {
    'net.ipv4.tcp_fin_timeout': { set: '10', own: '60', asked: '10' },
    'net.ipv4.tcp_max_tw_buckets': { set: '65536', own: '131072' },
  };
  const report = markdownReport(runOf([], [], { environment: { sysctls: {}, pinned } }));
  expect(report).toContain('as root · under net.ipv4.tcp_fin_timeout=10 · ');
  expect(report).toContain("net.ipv4.tcp_fin_timeout = 10, set as asked for; the kernel's own: 60\n");
  expect(report).toContain("net.ipv4.tcp_max_tw_buckets = 65536, set by lingerlab; the kernel's own: 131072\n");
});

test('a repeat that was run again after an error counts once', () => {
  const errored = cellOf('x', {}, {}, { status: 'errored', reason: { code: 'PEER_DIED', message: 'gone' } });
  const report = markdownReport(
    runOf([experimentOf({ id: 'x' })], [errored, cellOf('x', {}, { 'timeWait.holder': 'client' })]),
  );
  expect(report).toContain('| cells | 1: all ran |');
});

test('a run without cells, sessions or experiments still has a report', () => {
  expect(markdownReport(runOf([], [], { sessions: [] }))).toContain('| cells | none |');
});

test('what was lost is told by who lost it, and how far it had come', () => {
  const lost = (closer: 'client' | 'server', bytes: number) => {
    const other = closer === 'client' ? 'server' : 'client';
    const places = { js: 0, sendQueue: bytes, network: 0, receiveQueue: 0, readBuffer: 0 };
    const own = Object.entries(places).map(([place, of]) => [`${closer}.lost.${place}`, of]);
    const facts = { ...Object.fromEntries(own), [`${closer}.lost`]: bytes, [`${other}.lost`]: 0 };
    return cellOf('x', { closer }, facts, { roles: { closing: closer, other } });
  };
  const x = experimentOf({
    id: 'x',
    factors: { closer: ['client', 'server'] },
    roles: ['closing', 'other'],
    shows: ['closing.lost'],
  });
  const { report, beside } = reportFiles(reportOf(runOf([x], [lost('client', 700), lost('server', 900)])));
  expect(report).toContain('[what was lost](report/x.md#what-was-lost)');
  expect(beside.get('x.md')).toContain('How far the lost bytes of 2 results had come:');
  expect(beside.get('x.md')).toContain('| both | closing end | 700–900 B | 0 | 700–900 B | 0 | 0 | 0 |');
  expect(markdownReport(runOf([x], [lost('client', 0)]))).not.toContain('what was lost');
});

test('a run that was cut off before its claims were judged does not say that it made none', () => {
  const claimed = experimentOf({ id: 'x', answer: null, answered: null, claims: [] });
  const cut = runOf([claimed], [cellOf('x', {}, {})], { status: 'interrupted' });
  expect(markdownReport(cut)).toContain('No claim is judged: the run was cut off before; ');
  expect(markdownReport(runOf([claimed], [cellOf('x', {}, {})]))).toContain('No claim was made; ');
});
