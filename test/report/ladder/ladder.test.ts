import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CellRecord, SegmentRecord } from '../../../src/record/schema.ts';
import { ladderOf, storyOf } from '../../../src/report/ladder/ladder.ts';
import type { Ladder, LadderRow, StateRow } from '../../../src/report/ladder/parts.ts';
import { ladderSvg } from '../../../src/report/ladder/svg.ts';
import { cellOf, path } from '../fixture.ts';
import { blackHole, crossingFins, forgedReset, heldFins, lostLastAck, oldDuplicate, wire } from '../wire-fixture.ts';
import { anyRecord } from './anything.ts';

/** A row in a word or two: `client FIN-WAIT-1`, `client FIN ACK`, `…FIN ACK` where it arrives later. */
function short(row: LadderRow): string {
  if (row.kind === 'state') return `${row.end} ${row.step.state}`;
  if (row.kind === 'arrival') return `…${row.of.segments[0].flags.join(' ')}`;
  if (row.kind === 'segment') return `${row.segments[0].from} ${row.segments[0].flags.join(' ')}`;
  if (row.kind === 'run' || row.kind === 'omitted') return `${row.kind} ${row.segments.length}`;
  return row.kind;
}
const shorts = (record: CellRecord): string[] => ladderOf(record).rows.map(short);

/** The segments of a ladder's rows, each as often as it is drawn. */
const drawn = ({ rows }: Ladder): SegmentRecord[] => rows.flatMap((row) => ('segments' in row ? row.segments : []));

const byNumber = (a: number, b: number): number => a - b;
const nameOf = ({ label, end }: StateRow): string => (label === '' ? end : `${label}.${end}`);
/** Records that can be drawn: any, and each story. */
function holdsFor(check: (record: CellRecord) => void): void {
  for (const story of Object.values(stories)) check(story());
  fc.assert(fc.property(anyRecord, check), { numRuns: 60 });
}
const stories = { lostLastAck, oldDuplicate, heldFins, crossingFins, blackHole, forgedReset };

describe('any record', () => {
  test('has every segment in one row', () => {
    holdsFor((record) => {
      const numbers = drawn(ladderOf(record)).map(({ n }) => n);
      expect(numbers.sort(byNumber), record.id).toEqual(record.segments?.map(({ n }) => n).sort(byNumber));
    });
  });

  test('has at most 40 rows, no arrival before its segment left, each end in its order', () => {
    holdsFor((record) => {
      const { rows } = ladderOf(record);
      expect(rows.length, record.id).toBeLessThanOrEqual(40);
      for (const [index, row] of rows.entries()) {
        if (row.kind === 'arrival') expect(rows.indexOf(row.of), record.id).toBeLessThan(index);
        if (row.kind === 'arrival') expect(row.at).toBeGreaterThanOrEqual(row.of.at);
        if ('until' in row) expect(row.until).toBeGreaterThanOrEqual(row.at);
      }
      for (const [name, steps] of Object.entries(record.paths)) {
        const own = rows.flatMap((row) => (row.kind === 'state' && nameOf(row) === name ? [row.step] : []));
        // what the wire knows better is another step
        const places = own.map(({ state }) => steps.findIndex((step) => step.state === state));
        expect(places, record.id).toEqual(places.toSorted(byNumber));
      }
    });
  });
});

describe('time goes down', () => {
  const untimed = new Set(['pause', 'gap', 'omitted', 'begins']);
  /** Times that are drawn, in ns, in the order of the rows: a state's range has no time of its own. */
  const timesIn = (record: CellRecord): number[] =>
    ladderOf(record).rows.flatMap((row) =>
      untimed.has(row.kind) || (row.kind === 'state' && row.step.evidence !== 'exact') ? [] : [row.at],
    );
  test('in every story', () => {
    for (const story of Object.values(stories)) expect(timesIn(story())).toEqual(timesIn(story()).toSorted(byNumber));
  });

  test('in any record, but for a cause that its observer told so late that its effect has an earlier time', () => {
    // as late as the wire may tell an arrival: src/report/ladder/causes.ts
    const slackNs = 10e6;
    holdsFor((record) => {
      const times = timesIn(record);
      for (const [index, at] of times.entries())
        expect(at).toBeGreaterThanOrEqual(Math.max(...times.slice(0, index), 0) - slackNs);
    });
  });

  test('where both ends open and the wire holds their SYN-ACKs', () => {
    const record = cellOf(
      'x',
      {},
      {},
      {
        segments: wire([
          'client S. 0:1 @113.7-240.96 held',
          'server S. 0:1 @113.95-241.09 held',
          'client . 1:1 @241.18-241.22',
          'server . 1:1 @241.6-241.65',
        ]),
        paths: {
          client: path('SYN-SENT 1', 'SYN-RECEIVED 113.6', 'ESTABLISHED 241.1'),
          server: path('SYN-SENT 1.1', 'SYN-RECEIVED 113.8', 'ESTABLISHED 241'),
        },
      },
    );
    expect(timesIn(record)).toEqual(timesIn(record).toSorted(byNumber));
    expect(shorts(record).slice(-6)).toEqual([
      '…SYN ACK',
      'server ESTABLISHED',
      '…SYN ACK',
      'client ESTABLISHED',
      'client ACK',
      'server ACK',
    ]);
  });
});

describe('what the wire knows', () => {
  test('TIME-WAIT ends below the RST of a new incarnation', () => {
    const server = path('ESTABLISHED 1', 'TIME-WAIT 12', 'CLOSED 50.2').map((step) =>
      step.state === 'CLOSED' ? { ...step, source: 'wire' as const } : step,
    );
    const record = cellOf(
      'x',
      {},
      { 'old.timeWait.holder': 'server', 'old.timeWait.endedBy': 'rst' },
      {
        segments: [
          ...wire(['client F. 1:2 @11-11.05', 'server . 2:2 @12.1-12.15'], 'old'),
          ...wire(['client S 0: @50-50.05', 'server . 2:2 @50.1-50.12', 'client R 2: @50.15-50.2'], '', 2, 3),
        ],
        paths: { 'old.server': server },
      },
    );
    expect(shorts(record).slice(-2)).toEqual(['client RST', 'server CLOSED']);
  });
});

describe('causes come before effects', () => {
  const waits = fc.array(fc.integer({ min: 0, max: 999 }), { minLength: 14, maxLength: 14 });
  const lates = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 });
  /** A close by the client, so long between all that happens; the wire's own times are late by up to half a ms. */
  function close(waits: readonly number[], lates: readonly boolean[]): CellRecord {
    let now = 10;
    const [nextWait, nextLate] = [waits.values(), lates.values()];
    const soon = (): number => (now += 0.001 + (nextWait.next().value ?? 0) / 1e4);
    const wait: string[] = [];
    const states = { client: ['ESTABLISHED 1'], server: ['ESTABLISHED 1.1'] };
    const send = (end: 'client' | 'server', what: string, ...led: ['client' | 'server', string][]): void => {
      const sent = soon();
      const real = soon();
      for (const [at, state] of led) states[at].push(`${state} ${soon()}`);
      // told after the state that it led to
      wait.push(`${end} ${what} @${sent}-${nextLate.next().value ? now + 0.5 : real}`);
      now += 1;
    };
    states.client.push(`FIN-WAIT-1 ${soon()}`);
    send('client', 'F. 1:1', ['server', 'CLOSE-WAIT']);
    send('server', '. 1:2', ['client', 'FIN-WAIT-2']);
    states.server.push(`LAST-ACK ${soon()}`);
    send('server', 'F. 1:2', ['client', 'TIME-WAIT']);
    send('client', '. 2:2', ['server', 'CLOSED']);
    const paths = { client: path(...states.client), server: path(...states.server) };
    return cellOf('close', {}, {}, { segments: wire(wait), paths });
  }
  test('of a close whose arrivals are told late', () => {
    const inOrder = [
      'client FIN-WAIT-1',
      'client FIN ACK',
      'server CLOSE-WAIT',
      'server ACK',
      'client FIN-WAIT-2',
      'server LAST-ACK',
      'server FIN ACK',
      'client TIME-WAIT',
      'client ACK',
      'server CLOSED',
    ];
    fc.assert(
      fc.property(waits, lates, (between, told) => {
        expect(shorts(close(between, told)).slice(2)).toEqual(inOrder);
      }),
    );
  });

  test('a state known between two times stands where its segment arrived, before what it sent', () => {
    const record = cellOf(
      'x',
      {},
      {},
      {
        segments: wire([
          'client F. 1:1 @10-10.05',
          'server . 1:2 @10.1-10.15',
          'server F. 1:2 @20-20.05',
          'client . 2:2 @20.1-20.15',
        ]),
        paths: {
          client: path('ESTABLISHED 1', 'FIN-WAIT-1 5-90~', 'TIME-WAIT 19-95~'),
          server: path('ESTABLISHED 1', 'CLOSE-WAIT 2-80~', 'LAST-ACK 12-90~', 'CLOSED 91-99~'),
        },
      },
    );
    expect(shorts(record).slice(2)).toEqual([
      'client FIN-WAIT-1',
      'client FIN ACK',
      'server CLOSE-WAIT',
      'server ACK',
      'server LAST-ACK',
      'server FIN ACK',
      'client TIME-WAIT',
      'client ACK',
      'server CLOSED',
    ]);
  });

  test('an end that resets is CLOSED before its RST, the other after', () => {
    const record = cellOf(
      'x',
      {},
      {},
      {
        segments: wire(['client R. 1:1 @10-10.05']),
        paths: { client: path('ESTABLISHED 1', 'CLOSED 9.9'), server: path('ESTABLISHED 1', 'CLOSED 10.04') },
      },
    );
    expect(shorts(record).slice(2)).toEqual(['client CLOSED', 'client RST ACK', 'server CLOSED']);
  });
});

test('what is held leaves in one row and arrives in another, with the pause between', () => {
  expect(shorts(heldFins()).slice(2, 9)).toEqual([
    'client FIN-WAIT-1',
    'client FIN ACK',
    'server FIN-WAIT-1',
    'server FIN ACK',
    'pause',
    '…FIN ACK',
    '…FIN ACK',
  ]);
});

test('what is held has two rows even where nothing else happened', () => {
  const held = (ms: number): string[] =>
    shorts(cellOf('x', {}, {}, { segments: wire([`client F. 1:1 @10-${10 + ms} held`]) }));
  expect(held(5)).toEqual(['client FIN ACK', '…FIN ACK']);
  expect(held(300)).toEqual(['client FIN ACK', 'pause', '…FIN ACK']);
});

test('segments that cross have both their rows between each other', () => {
  expect(shorts(crossingFins()).slice(4, 10)).toEqual([
    'client FIN ACK',
    'server FIN ACK',
    '…FIN ACK',
    'server CLOSING',
    '…FIN ACK',
    'client CLOSING',
  ]);
});

test('one that passes what is sent behind it is one row', () => {
  const record = cellOf(
    'x',
    {},
    {},
    {
      segments: wire(['client P. 1:1+5 @1-1.3', 'client F. 6:1 @1.1-1.4', 'server . 1:7 @1.5-1.6']),
    },
  );
  expect(shorts(record)).toEqual(['client PSH ACK', 'client FIN ACK', 'server ACK']);
});

test('on a slow path what is sent behind another leaves before that arrives', () => {
  const segments = wire([
    'client P. 1:1+5 @1-31 delayed',
    'client F. 6:1 @1.1-31.1 delayed',
    'server . 1:7 @32-62 delayed',
  ]);
  const rows = ['client PSH ACK', 'client FIN ACK', '…PSH ACK', '…FIN ACK', 'server ACK'];
  expect(shorts(cellOf('x', {}, {}, { segments }))).toEqual(rows);
});

test('minutes do not vanish: a silence is a row with its length, a range where its end is not exact', () => {
  const pauses = ladderOf(lostLastAck()).rows.filter(({ kind }) => kind === 'pause');
  expect(pauses).toMatchObject([
    { least: 206_510_000, most: 206_510_000 },
    { least: expect.closeTo(61.04e9, -7), most: expect.closeTo(61.095e9, -7) },
  ]);
});

test('a slow path has no pauses while segments are on their way', () => {
  const slow = Array.from(
    { length: 5 },
    (_, n) => `${n % 2 ? 'server' : 'client'} . 1:1 @${n * 151}-${n * 151 + 150} delayed`,
  );
  expect(shorts(cellOf('x', {}, {}, { segments: wire(slow) }))).not.toContain('pause');
});

describe('folding', () => {
  test('a flood is one row; what began and ended it is drawn', () => {
    expect(shorts(oldDuplicate()).slice(7, 20)).toEqual([
      'client PSH ACK',
      'server PSH ACK',
      '…PSH ACK',
      '…PSH ACK',
      'run 18',
      // what comes again later
      'client PSH ACK',
      'server PSH ACK',
      '…PSH ACK',
      '…PSH ACK',
      'run 698',
      'client CLOSED',
      'client RST ACK',
      'server CLOSED',
    ]);
  });

  test('a window that closes, and what opens it again, is drawn whatever streams around it', () => {
    const data = (from: number, at: number) =>
      Array.from(
        { length: 20 },
        (_, index) => `client . ${from + index * 100}:1+100 @${at + index}-${at + index + 0.03}`,
      );
    const segments = wire([
      ...data(1, 10),
      'server . 1:1001 @30.1-30.13 win=0',
      'server . 1:1801 @30.2-30.23 win=0',
      'server . 1:2001 @30.3-30.33 win=0',
      'server . 1:2001 @30.4-30.43 win=300',
      ...Array.from(
        { length: 8 },
        (_, index) => `server . 1:2001 @${30.5 + index / 100}-${30.6 + index / 100} win=400`,
      ),
      ...data(2001, 31),
    ]);
    const windows = ladderOf(cellOf('closed-window', {}, {}, { segments })).rows.flatMap((row) =>
      row.kind === 'segment' && row.segments[0].from === 'server' ? row.segments[0].window : [],
    );
    expect(windows).toEqual([0, 0, 0, 300]);
  });

  test('a run ends where an end enters a state', () => {
    const data = Array.from({ length: 40 }, (_, n) => `client P. ${1 + n * 100}:1+100 @${n}-${n + 0.05}`);
    const record = cellOf(
      'x',
      {},
      {},
      {
        segments: wire(data),
        paths: { client: path('ESTABLISHED 0'), server: path('FIN-WAIT-1 19.5') },
      },
    );
    expect(shorts(record)).toEqual(['client ESTABLISHED', 'client PSH ACK', 'run 19', 'server FIN-WAIT-1', 'run 20']);
  });

  test('many that were on their way when an end entered a state leave together and arrive together', () => {
    const data = Array.from({ length: 20 }, (_, n) => `client P. ${1 + n * 100}:1+100 @${n / 10}-${5 + n / 10}`);
    const record = cellOf('x', {}, {}, { segments: wire(data), paths: { server: path('FIN-WAIT-1 3') } });
    const { rows } = ladderOf(record);
    expect(rows.map(short)).toEqual(['client PSH ACK', 'run 19', 'server FIN-WAIT-1', '…PSH ACK', '…PSH ACK']);
  });

  test('a run ends where nothing is sent for long', () => {
    const data = Array.from({ length: 21 }, (_, n) => {
      const at = n < 11 ? n : 60_000 + n;
      return `client P. ${1 + n}:1+1 @${at}-${at + 0.05}`;
    });
    expect(shorts(cellOf('x', {}, {}, { segments: wire(data) }))).toEqual([
      'client PSH ACK',
      'run 10',
      'pause',
      'run 10',
    ]);
  });

  test('what the wire lost of a flood is drawn for itself', () => {
    const data = Array.from(
      { length: 30 },
      (_, n) => `client P. ${1 + n}:1+1 @${n}${n === 15 ? ' lost' : `-${n + 0.05}`}`,
    );
    expect(shorts(cellOf('x', {}, {}, { segments: wire(data) }))).toEqual([
      'client PSH ACK',
      'run 14',
      'client PSH ACK',
      'run 14',
    ]);
  });

  test('packets that only the capture has are told among what is folded', () => {
    const data = Array.from(
      { length: 30 },
      (_, n) => `client P. ${1 + n}:1+1 @${n}-${n + 0.05} n=${n < 15 ? n + 1 : n + 101}`,
    );
    const { rows } = ladderOf(cellOf('x', {}, {}, { segments: wire(data) }));
    expect(rows.map(short)).toEqual(['client PSH ACK', 'run 29']);
    expect(rows[1]).toMatchObject({ absent: 100 });
  });

  test('packets that only the capture has last from the last segment before them to the first behind', () => {
    const data = Array.from({ length: 30 }, (_, n) => {
      const at = n < 15 ? n : 65 + n;
      return `client P. ${1 + n}:1+1 @${at}-${at + 0.05} n=${n < 15 ? n + 1 : n + 101}`;
    });
    const { rows } = ladderOf(cellOf('x', {}, {}, { segments: wire([...data.slice(0, 15), ...data.slice(15, 16)]) }));
    expect(rows.map(short)).toEqual(['client PSH ACK', 'run 15']);
    // from 14 to 80 ms there are packets, and the run began at 1
    expect(rows[1]).toMatchObject({ span: 79.05e6 });
    const late = ladderOf(
      cellOf('x', {}, {}, { segments: wire(['client S 0: @1-1.1', 'client R 9: @950-951 n=812']) }),
    );
    expect(late.rows.map(short)).toEqual(['client SYN', 'gap', 'client RST']);
    expect(late.rows[1]).toMatchObject({ since: 1e6, at: 950e6 });
  });

  test('packets that only the capture has are told', () => {
    const record = cellOf('x', {}, {}, { segments: wire(['client S 0: @1-1.1', 'client R 9: @50-50.1 n=812']) });
    expect(ladderOf(record).rows[1]).toMatchObject({ kind: 'gap', count: 810 });
  });
});

test('packets of the wire that are no segments are drawn, and not taken for what only the capture has', () => {
  const of = (asides: NonNullable<CellRecord['asides']>): CellRecord =>
    cellOf('x', {}, {}, { segments: wire(['client S 0: @1-1.1', 'client R 9: @50-50.1 n=312']), asides });
  const forged = {
    what: 'forged',
    t: 9e6,
    until: 40e6,
    end: 'server',
    label: '',
    kinds: [{ why: 'truncated' }],
    of: 2,
  } as const;
  expect(shorts(of([{ ...forged, count: 310 }]))).toEqual(['client SYN', 'aside', 'client RST']);
  expect(ladderOf(of([{ ...forged, count: 10 }])).rows[2]).toMatchObject({ kind: 'gap', count: 300 });
  expect(storyOf(of([{ ...forged, count: 310 }]))).not.toBe(storyOf(of([])));
  expect(ladderSvg(of([{ ...forged, count: 310 }]))).toContain('>310 × no TCP segment<');
  expect(ladderSvg(of([{ ...forged, count: 1 }]))).toContain('At the server: no TCP segment, forged: truncated.');
});

describe('connections', () => {
  test('have their labels for names, where there are several', () => {
    const { nameOf, labels } = ladderOf(oldDuplicate());
    expect(labels).toEqual(['old', 'new']);
    expect([nameOf({ label: 'old', incarnation: 1 }), nameOf({ label: 'new', incarnation: 2 })]).toEqual([
      'old',
      'new',
    ]);
    expect(ladderOf(lostLastAck()).nameOf({ label: '', incarnation: 1 })).toBe('');
  });

  test('without labels are numbered', () => {
    const segments = [...wire(['client S 0: @1-1.1']), ...wire(['client S 0: @2-2.1'], '', 2, 2)];
    const { nameOf } = ladderOf(cellOf('x', {}, {}, { segments }));
    expect(nameOf({ label: '', incarnation: 2 })).toBe('#2');
  });
});

test('a record without segments or paths has no rows', () =>
  expect(ladderOf(cellOf('x', {}, {}))).toMatchObject({ rows: [], origin: 0, labels: [] }));

describe('what is known beside states and segments', () => {
  const placed = (record: CellRecord): string[] =>
    ladderOf(record).rows.map((row) => (row.kind === 'aside' ? `${row.end} ${row.says}` : short(row)));

  test('SYN-RECEIVED begins before the SYN-ACK leaves; a full socket is made of it later', () => {
    const { rows } = ladderOf(lostLastAck());
    const index = rows.findIndex((row) => short(row) === 'server SYN-RECEIVED');
    expect(rows.slice(index - 1, index + 2).map(short)).toEqual([
      'client SYN',
      'server SYN-RECEIVED',
      'server SYN ACK',
    ]);
    expect(rows[index]).toMatchObject({ step: { source: 'wire', at: 5.06e6 }, full: 5.16e6 });
  });

  test('a SYN cookie is no SYN-RECEIVED', () => {
    const record = lostLastAck();
    const cookies = { ...record, facts: { ...record.facts, 'counters.server.TcpExt.SyncookiesSent': 1 } };
    const row = ladderOf(cookies).rows.find((each) => short(each) === 'server SYN-RECEIVED');
    expect(row).toMatchObject({ step: { source: 'trace', at: 5.16e6 } });
  });

  test('a call that blocks stands where it returns; one that does not is told at the state that it led to', () => {
    const closing = (ms: number): CellRecord =>
      cellOf(
        'x',
        {},
        {},
        {
          segments: wire(['client F. 1:1 @10-10.05', 'server . 1:2 @60-60.1']),
          paths: { client: path('ESTABLISHED 1', 'FIN-WAIT-1 9.95', 'FIN-WAIT-2 60.2') },
          asides: [{ what: 'close', t: 9.9e6, until: (9.9 + ms) * 1e6, end: 'client', label: '', by: 'destroy' }],
        },
      );
    expect(placed(closing(50.4))).toEqual([
      'client ESTABLISHED',
      'client FIN-WAIT-1',
      'client FIN ACK',
      'server ACK',
      'client FIN-WAIT-2',
      'client returns',
    ]);
    expect(placed(closing(1))).not.toContain('client returns');
    const [, entered] = ladderOf(closing(1)).rows;
    expect(entered).toMatchObject({ call: { by: 'destroy' } });
  });

  const reused = (from: 'client' | 'server', numbers = '10.77.0.1:40001'): CellRecord =>
    cellOf(
      'x',
      {},
      {},
      {
        segments: [
          ...wire(['client F. 1:1 @10-10.05', 'server F. 1:2 @11-11.05', 'client . 2:2 @12-12.05'], 'old', 1),
          ...wire(['client S 0: @50-50.05', 'server S. 0:1 @50.1-50.2'], 'new', 2, 4),
        ],
        paths: { [`old.${from}`]: path('ESTABLISHED 1', 'TIME-WAIT 11.06') },
        incarnations: [
          { incarnation: 1, label: 'old', client: '10.77.0.1:40001', server: '10.77.0.2:80' },
          { incarnation: 2, label: 'new', client: numbers, server: '10.77.0.2:80' },
        ],
      },
    );
  test('TIME-WAIT that gave its numbers away ends with the SYN: of its own end, or of the other', () => {
    expect(placed(reused('client')).slice(-4)).toEqual(['begins', 'client CLOSED', 'client SYN', 'server SYN ACK']);
    expect(placed(reused('server')).slice(-4)).toEqual(['begins', 'client SYN', 'server CLOSED', 'server SYN ACK']);
  });
  test('a connection with other numbers leaves TIME-WAIT where it is', () => {
    expect(placed(reused('client', '10.77.0.1:40002'))).not.toContain('client CLOSED');
    expect(ladderOf(reused('client', '10.77.0.1:40002')).rows.filter(({ kind }) => kind === 'begins')).toMatchObject([
      { incarnation: { label: 'old' } },
      { incarnation: { label: 'new' } },
    ]);
    expect(ladderOf(reused('client')).rows.find((row) => row.kind === 'begins' && row.like)).toBeDefined();
  });

  test('of several attempts the last is drawn, and the others are told', () => {
    const record = reused('client');
    const { incarnations = [] } = record;
    const place = { client: '10.77.0.1:40003', server: '10.77.0.2:80' };
    const later = {
      ...record,
      segments: [
        ...(record.segments ?? []),
        ...wire(['client S 0: @90-90.05'], 'old', 3, 6),
        ...wire(['client S 0: @95-95.1'], 'new', 4, 7),
      ],
      incarnations: [
        ...incarnations,
        { incarnation: 3, label: 'old', ...place },
        { incarnation: 4, label: 'new', ...place },
      ],
      paths: {},
    };
    const { rows, origin } = ladderOf(later);
    expect(rows.map(short)).toEqual(['omitted 5', 'begins', 'client SYN', 'begins', 'client SYN']);
    expect(rows[0]).toMatchObject({ attempts: 1 });
    expect(origin).toBe(90e6);
  });
});
