import type { CellRecord, SegmentRecord } from '../../src/record/schema.ts';
import { cellOf, path } from './fixture.ts';

type Flag = SegmentRecord['flags'][number];
const letters: Readonly<Record<string, Flag>> = { S: 'SYN', F: 'FIN', R: 'RST', P: 'PSH', '.': 'ACK' };
const deeds = ['dropped', 'lost', 'held', 'delayed', 'copy', 'replay', 'forged', 'black hole', 'queue full'] as const;

const deedOf = (what: (typeof deeds)[number] | 'carried', of: number | undefined): SegmentRecord['deed'] =>
  what === 'copy' || what === 'replay' ? { do: what, of: of ?? 1 } : { do: what };

/**
 * Segments, numbered from 1, each as `client F. 1:1 @10-10.05 held`: who, flags as tcpdump(8) has them, relative numbers
 * with `+payload`, sent and arrived in ms (without the second: never), what the wire did, `of=3`, `n=40`, `win=0`.
 */
export function wire(lines: readonly string[], label = '', incarnation = 1, from = 1): SegmentRecord[] {
  return lines.map((line, index) => {
    const [end, flags = '', numbers = '', time = '', ...rest] = line.split(' ');
    const [, seq, ack, length] = /^(\d*):?(\d*)(?:\+(\d+))?$/.exec(numbers) ?? [];
    const [sent = 0, arrived] = time
      .slice(1)
      .split('-')
      .map((ms) => Math.round(Number(ms) * 1e6));
    const named = (name: string): number | undefined => {
      const found = rest.find((word) => word.startsWith(`${name}=`));
      return found === undefined ? undefined : Number(found.slice(name.length + 1));
    };
    const of = named('of');
    return {
      n: named('n') ?? from + index,
      t: sent,
      ...(arrived !== undefined && { arrived }),
      from: end === 'server' ? 'server' : 'client',
      label,
      incarnation,
      flags: flags.split('').map((letter) => letters[letter] ?? 'URG'),
      ...(seq && { seq: Number(seq) }),
      ...(ack && { ack: Number(ack) }),
      length: Number(length ?? 0),
      window: named('win') ?? 502,
      deed: deedOf(deeds.find((deed) => rest.join(' ').includes(deed)) ?? 'carried', of),
    };
  });
}

const opening = (at: number): string[] => [
  `client S 0: @${at}-${at + 0.03}`,
  `server S. 0:1 @${at + 0.06}-${at + 0.09}`,
  `client . 1:1 @${at + 0.12}-${at + 0.15}`,
];

/** The client closes first; the last ACK is lost once, and the server sends its FIN again. */
export const lostLastAck = (): CellRecord =>
  cellOf(
    'lost-last-ack',
    { timeWait: 'kept' },
    {
      'timeWait.holder': 'client',
      'client.closedWith': ['FIN'],
      'server.closedWith': ['FIN', 'FIN'],
    },
    {
      segments: wire([
        ...opening(5),
        'client F. 1:1 @16.31-16.34',
        'server . 1:2 @16.41-16.44',
        'server F. 1:2 @28.02-28.05',
        'client . 2:2 @28.11 dropped',
        'server F. 1:2 @234.62-234.65',
        'client . 2:2 @234.7-234.73',
      ]),
      paths: {
        client: path(
          'SYN-SENT 4.96',
          'ESTABLISHED 5.1',
          'FIN-WAIT-1 16.27',
          'FIN-WAIT-2 16.46',
          'TIME-WAIT 28.0-28.1*',
          'CLOSED 61275-61330~',
        ),
        server: path('SYN-RECEIVED 5.16', 'ESTABLISHED 5.17', 'CLOSE-WAIT 16.37', 'LAST-ACK 27.98', 'CLOSED 234.75'),
      },
    },
  );

/** Two incarnations of one connection: both flood, the first is reset, a segment of it comes again in the second. */
export function oldDuplicate(): CellRecord {
  const flood = (at: number, count: number): string[] =>
    Array.from({ length: count }, (_, index) => {
      const [sent, seq] = [at + index * 0.8, index * 8948 + 1];
      return [
        `client P. ${seq}:${seq}+8948 @${sent}-${sent + 0.06}`,
        `server P. ${seq}:${seq}+8948 @${sent + 0.02}-${sent + 0.08}`,
      ];
    }).flat();
  const old = wire([...opening(2), ...flood(4, 360), 'client R. 3221281:3221281 @300-300.05'], 'old', 1);
  const young = wire(
    [
      ...opening(311),
      'server P. 1:1+7300 @311.9-311.96',
      'client . 1:7301 @312.01-312.04',
      'client P. 5369:1+8948 @330-330.02 replay of=24',
      'server . 7301:7321 @330.1-330.13',
      'client . 1:7301 @330.2-330.24',
      'client R. 1:7301 @350-350.03',
    ],
    'new',
    2,
    old.length + 1,
  );
  return cellOf(
    'old-duplicate',
    { timestamps: 0, timeWait: 'none' },
    {},
    {
      segments: [...old, ...young],
      paths: {
        'old.client': path('SYN-SENT 1.9', 'ESTABLISHED 2.11', 'CLOSED 299.97'),
        'old.server': path('SYN-RECEIVED 2.16', 'ESTABLISHED 2.17', 'CLOSED 300.07'),
        'new.client': path('SYN-SENT 310.9', 'ESTABLISHED 311.11', 'CLOSED 349.98'),
        'new.server': path('SYN-RECEIVED 311.16', 'ESTABLISHED 311.17', 'CLOSED 350.06'),
      },
    },
  );
}

/** Both ends close at once: the wire holds both FINs, then lets them go. */
export const heldFins = (): CellRecord =>
  cellOf(
    'crossing-fins',
    { linger: 'off' },
    {},
    {
      segments: wire([
        'client F. 1:1 @10-210 held',
        'server F. 1:1 @10.4-210.01 held',
        'client . 2:2 @210.1-210.15',
        'server . 2:2 @210.12-210.17',
      ]),
      paths: {
        client: path('ESTABLISHED 1', 'FIN-WAIT-1 9.95', 'CLOSING 210.03', 'TIME-WAIT 210.2*'),
        server: path('ESTABLISHED 1.1', 'FIN-WAIT-1 10.35', 'CLOSING 210.02', 'TIME-WAIT 210.18*'),
      },
    },
  );

/** FINs that cross by themselves. */
export const crossingFins = (): CellRecord =>
  cellOf(
    'crossing-fins',
    { linger: 'crossing' },
    {},
    {
      segments: wire([
        'client F. 1:1 @10-10.05',
        'server F. 1:1 @10.01-10.06',
        'client . 2:2 @10.1-10.15',
        'server . 2:2 @10.12-10.17',
      ]),
      paths: {
        client: path('ESTABLISHED 1', 'FIN-WAIT-1 9.95', 'CLOSING 10.07', 'TIME-WAIT 10.2*'),
        server: path('ESTABLISHED 1.1', 'FIN-WAIT-1 9.97', 'CLOSING 10.055', 'TIME-WAIT 10.18*'),
      },
    },
  );

/** An orphan's FIN is sent again and again into a path that is dead. */
export const blackHole = (): CellRecord =>
  cellOf(
    'dead-path',
    { retries: 8 },
    {},
    {
      segments: wire([
        'client P. 1:1+100 @5-5.04',
        'server . 1:101 @5.06-5.1',
        ...Array.from({ length: 9 }, (_, nth) => `client F. 101:1 @${10 + 204 * (2 ** nth - 1)} black hole`),
      ]),
      paths: {
        client: path('ESTABLISHED 1', 'FIN-WAIT-1 9.97', 'CLOSED 104300'),
        server: path('ESTABLISHED 1.1'),
      },
    },
  );

/** The wire forges a reset in the server's name, and repeats a FIN. */
export const forgedReset = (): CellRecord =>
  cellOf(
    'reset-in-time-wait',
    { rst: 'exact' },
    {},
    {
      segments: wire([
        'client F. 1:1 @10-10.05',
        'client F. 1:1 @10.3-10.3 copy of=1',
        'server F. 1:2 @10.4-10.45',
        'client . 2:2 @10.5-10.54',
        'server R 2: @500-500.01 forged',
        'client P. 2:2+1 @520-521.5 delayed',
      ]),
      paths: {
        client: path('ESTABLISHED 1', 'FIN-WAIT-1 9.97', 'TIME-WAIT 10.4-10.6*', 'CLOSED 499-520~'),
        server: path('ESTABLISHED 1.1', 'CLOSE-WAIT 10.06', 'LAST-ACK 10.35', 'CLOSED 10.56'),
      },
    },
  );
