import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readEvents, readRun } from '../../src/record/read.ts';
import { type CellRecord, runRecord, schemaVersion } from '../../src/record/schema.ts';
import { upgradeFrom, upgrades } from '../../src/record/upgrade.ts';
import { compareRuns } from '../../src/report/compare/compare.ts';
import { markdownReport } from '../../src/report/markdown/report.ts';
import { reportOf } from '../../src/report/model/report.ts';
import { reasonText } from '../../src/report/reason.ts';
import { earlierRun } from '../kept.ts';
import { exampleCell, exampleRun } from './example.ts';

const fixture = fileURLToPath(new URL('../fixtures/run-version-1', import.meta.url));
const ids = {
  linger: 'linger/linger=0,by=destroy,sending=empty,unread=below,closer=client',
  lost: 'lost-last-ack/lost=once,left=TIME-WAIT,second=close,family=4',
  unreachable: 'handshake/opening=unreachable,family=4',
};
const { cell: cellUpgraded, event: eventUpgraded, run: runUpgraded } = upgrades[1]!;

describe('a folder of version 1', () => {
  const cellOf = async (id: string): Promise<CellRecord> =>
    (await readRun(fixture)).cells.find((cell) => cell.id === id) as CellRecord;

  test('is read whole: no cell and no warning is lost', async () => {
    const { cells, run, warnings, writtenAs } = await readRun(fixture);
    expect(cells.map(({ id }) => id).toSorted()).toEqual(Object.values(ids).toSorted());
    // the fixture has three of its cells
    expect(warnings.map(({ code }) => code)).toEqual(['other-results']);
    expect(run).toMatchObject({ schemaVersion: 3, status: 'complete' });
    expect(run).not.toHaveProperty('seed');
    expect(run.experiments.map(({ answered }) => answered)).toEqual(['all', 'all', 'all']);
    expect(writtenAs).toBe(1);
  });

  test('has its deeds, its options and its closing calls as data', async () => {
    const { segments = [], asides } = await cellOf(ids.lost);
    expect(segments.map(({ deed }) => deed)).toEqual(
      expect.arrayContaining([{ do: 'carried' }, { do: 'dropped' }, { do: 'replay', of: expect.any(Number) }]),
    );
    expect(segments[0]?.options?.map(({ kind }) => kind)).toEqual(['mss', 'sackOK', 'timestamps', 'wscale']);
    expect(asides).toContainEqual(expect.objectContaining({ what: 'close', by: 'destroy' }));
    expect((await cellOf(ids.unreachable)).asides).toEqual([
      { what: 'unreachable', t: expect.any(Number), end: 'client', label: '', of: 1 },
    ]);
  });

  test('has codes for what is unknown', async () => {
    expect((await cellOf(ids.lost)).unknown).toEqual({
      'client.stateMs.TIME-WAIT': {
        code: 'not-over',
        text: 'it was still in this state when the scenario ended',
      },
    });
    expect((await cellOf(ids.unreachable)).unknown['server.retransmits']?.code).toBe('no-socket');
  });

  test.each(Object.entries(ids))('has events that fit the schema: %s', async (_, id) => {
    const events = (await readEvents(fixture, id, 1))!;
    const path = join(fixture, 'cells', id, '1', 'events.ndjson.gz');
    expect(events).toHaveLength(gunzipSync(readFileSync(path)).toString().trimEnd().split('\n').length);
    const calls = events.filter((event) => event.kind === 'call');
    expect(calls.every(({ verb }) => !verb.startsWith('close '))).toBe(true);
  });

  test('is reported and compared', async () => {
    const run = await readRun(fixture);
    expect(markdownReport(reportOf(run))).toContain('# ');
    expect(compareRuns([run, run]).behaviour).toBe(0);
  });
});

test('a whole run of version 2 is read, reported and compared', async () => {
  const run = await readRun(earlierRun);
  expect(run.cells.length).toBeGreaterThan(1000);
  expect(run.warnings).toEqual([]);
  expect(markdownReport(reportOf(run))).toContain('close-order');
  expect(compareRuns([run, run]).behaviour).toBe(0);
}, 60_000);

describe("version 1's text", () => {
  const deedOf = (deed: string) => eventUpgraded({ kind: 'deed', t: 1, n: 1, deed }).deed;
  test.each([
    ['carried', { do: 'carried' }],
    ['dropped (rule 1)', { do: 'dropped', rule: 1 }],
    ['black hole (rule 12)', { do: 'black hole', rule: 12 }],
    ['queue full (rule 2)', { do: 'queue full', rule: 2 }],
    ['held (rule 2)', { do: 'held', rule: 2 }],
    ['held 412.000 ms', { do: 'held', heldNs: 412e6 }],
    ['held 5.000 ms, then dropped', { do: 'held', heldNs: 5e6, discarded: true }],
    ['overtaken 0.123 ms', { do: 'delayed', heldNs: 123_000 }],
    [
      'delayed 5.000 ms, then refused by the kernel: EIO',
      { do: 'delayed', heldNs: 5e6, refusedBy: 'kernel', errno: 'EIO' },
    ],
    ['duplicate of #7 (rule 3)', { do: 'copy', of: 7, rule: 3 }],
    ['replay of #7', { do: 'replay', of: 7 }],
    ['forged', { do: 'forged' }],
    ['forged, refused by the kernel: EINVAL', { do: 'forged', refusedBy: 'kernel', errno: 'EINVAL' }],
    ['forged: host unreachable, of #9', { do: 'forged', as: 'unreachable', of: 9 }],
    ['echo request, behind #4', { do: 'forged', as: 'echo', of: 4 }],
    ['refused by the kernel: EINVAL', { do: 'refused', refusedBy: 'kernel', errno: 'EINVAL' }],
  ])('of a packet: %s', (text, deed) => {
    expect(deedOf(text)).toEqual(deed);
  });

  test('of a packet that is no segment', () => {
    const event = { kind: 'segment', n: 1, text: 'no TCP segment: truncated', deed: 'forged' };
    expect(eventUpgraded(event)).toEqual({ kind: 'segment', n: 1, why: 'truncated', deed: { do: 'forged' } });
  });

  test.each([
    [{ verb: 'close by end' }, { verb: 'close', by: 'end' }],
    [
      { verb: 'close by close(2)', bytes: 9 },
      { verb: 'close', by: 'close(2)', sending: 9 },
    ],
    [{ verb: 'close by end then resetAndDestroy' }, { verb: 'close', by: 'end', andThen: 'resetAndDestroy' }],
    [
      { verb: 'shutdown', bytes: 3 },
      { verb: 'shutdown', sending: 3 },
    ],
    [
      { verb: 'write', bytes: 3 },
      { verb: 'write', bytes: 3 },
    ],
    [{ verb: 'set' }, { verb: 'set' }],
  ])('of a call: %o', (before, after) => {
    expect(eventUpgraded({ kind: 'call', ...before })).toEqual({ kind: 'call', ...after });
  });

  test('of options and asides', () => {
    const segment = { n: 1, t: 1, arrived: 5, deed: 'held', options: 'mss 1460,sackOK,TS val 1 ecr 2,wscale 7' };
    const sack = { n: 2, t: 1, deed: 'carried', options: 'TS val 1 ecr 2,sack 2 {5:9}{12:20},unknown-34 0xabcd' };
    const asides = [
      { what: 'close', t: 1, until: 2, end: 'client', label: '', how: 'end then destroy' },
      { what: 'forged', t: 1, until: 2, end: 'client', label: '', how: 'refused by the kernel: EIO', of: 3, count: 1 },
    ];
    const upgraded = cellUpgraded({ segments: [segment, sack], asides });
    expect(upgraded.segments).toEqual([
      {
        n: 1,
        t: 1,
        arrived: 5,
        deed: { do: 'held', heldNs: 4 },
        options: [
          { kind: 'mss', value: 1460 },
          { kind: 'sackOK' },
          { kind: 'timestamps', value: 1, echo: 2 },
          { kind: 'wscale', shift: 7 },
        ],
      },
      {
        n: 2,
        t: 1,
        deed: { do: 'carried' },
        options: [
          { kind: 'timestamps', value: 1, echo: 2 },
          {
            kind: 'sack',
            blocks: [
              [5, 9],
              [12, 20],
            ],
          },
          { kind: 'other', code: 34, hex: 'abcd' },
        ],
      },
    ]);
    expect(upgraded.asides).toEqual([
      { what: 'close', t: 1, until: 2, end: 'client', label: '', by: 'end', andThen: 'destroy' },
      { what: 'forged', t: 1, until: 2, end: 'client', label: '', of: 3, count: 1, kinds: [{ errno: 'EIO' }] },
    ]);
  });

  test('of answers', () => {
    const answers = ['Yes.', 'no answer: no cell ran', 'Yes; 1 of 5 results left out: x not observed.', null];
    const { experiments } = runUpgraded({ experiments: answers.map((answer) => ({ answer })) });
    expect((experiments as { answered: string }[]).map(({ answered }) => answered)).toEqual([
      'all',
      'none',
      'some',
      null,
    ]);
  });
});

describe('a folder of version 2 that was written before its release', () => {
  const upgrade = upgradeFrom(2, 'folder', upgrades);

  test.each([
    [
      'errored',
      'STEP_DEADLINE: close() did not answer: 13 s',
      { code: 'STEP_DEADLINE', message: 'close() did not answer: 13 s' },
    ],
    ['errored', 'no code at all: here', { message: 'no code at all: here' }],
    ['unsupported', 'no veth; load it', { message: 'no veth; load it' }],
  ])('has its reasons as data: %s, %s', (status, reason, expected) => {
    const upgraded = upgrade.cell({ ...exampleCell(), status, reason });
    expect(upgraded.reason).toEqual(expected);
    expect(reasonText(upgraded as unknown as CellRecord)).toBe(reason);
  });

  test('has what its verdicts rest on in parts', () => {
    const claims = [{ id: 'c', verdict: 'refuted', detail: 'a = 1, b = 2; 3 more' }];
    const parts = ['a = 1', ', b = 2', '; 3 more'];
    expect(upgrade.cell({ ...exampleCell(), claims }).claims).toMatchObject([{ detail: { on: 'text', parts } }]);
    const experiments = [{ ...exampleRun().experiments[0], builtin: undefined, claims }];
    expect(upgrade.run({ ...exampleRun(), experiments }).experiments).toMatchObject([
      { claims: [{ detail: { on: 'text', parts } }] },
    ]);
  });

  test('knows which experiments came with the program', () => {
    const [{ builtin: _, ...experiment } = { builtin: true }] = exampleRun().experiments;
    const files = ['builtin', 'builtin:closing/close-order', '/tmp/mine.ts'];
    const upgraded = upgrade.run({ ...exampleRun(), experiments: files.map((file) => ({ ...experiment, file })) });
    expect(upgraded.experiments).toMatchObject([{ builtin: true }, { builtin: true }, { builtin: false }]);
  });

  test('what has them as data stays as it is', () => {
    const cell = exampleCell({ status: 'errored', reason: { code: 'X', message: 'y' } });
    expect(upgrade.cell(cell)).toEqual(cell);
    expect(upgradeFrom(schemaVersion, 'folder', upgrades).run(exampleRun())).toEqual(exampleRun());
  });
});

describe('a folder of version 2', () => {
  const upgrade = upgradeFrom(2, 'folder', upgrades);
  const [example] = exampleRun().experiments;
  const upgraded = upgrade.run({
    ...exampleRun(),
    schemaVersion: 2,
    groups: undefined,
    experiments: [
      { ...example, id: 'a', group: 'Closing', answer: 'It does; 1 of 5 results left out: x not observed.' },
      { ...example, id: 'b', group: 'Opening', answer: null },
      { ...example, id: 'c', group: 'Closing', answer: 'no answer: no cell ran' },
    ],
  });

  test('has its answers as the paragraphs that they were', () => {
    const answers = (upgraded.experiments as { answer: unknown }[]).map(({ answer }) => answer);
    expect(answers).toEqual([
      { paragraph: 'It does; 1 of 5 results left out: x not observed.' },
      null,
      { paragraph: 'no answer: no cell ran' },
    ]);
  });

  test('has its groups in the order in which they came, without headlines', () => {
    expect(upgraded.groups).toEqual([
      { title: 'Closing', experiments: ['a', 'c'], headline: null },
      { title: 'Opening', experiments: ['b'], headline: null },
    ]);
  });

  test('is shown as it was written then, and fits the schema', () => {
    const run = runRecord.parse(upgraded);
    const shown = markdownReport(reportOf({ folder: 'a', run, cells: [] }));
    expect(shown).toContain('It does; 1 of 5 results left out: x not observed. _(as written then)_');
  });
});
