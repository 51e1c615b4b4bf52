import fc from 'fast-check';
import type { Sight } from '../../src/facts/connections.ts';
import type { Deed } from '../../src/record/deed.ts';
import type { Event, WireEvent } from '../../src/record/event.ts';
import { type End, otherEnd, type State } from '../../src/tcp/states.ts';
import {
  call,
  closedInTurn,
  closedTogether,
  type Flow,
  flow,
  node,
  ns,
  onWire,
  opened,
  orphaned,
  queues,
  sample,
  scenarioEnds,
  segment,
  shown,
  timerExpire,
  went,
} from './handmade.ts';

/** A segment as an end sends it; `bytes` from `seq` on. */
interface Sent {
  readonly from: End;
  readonly at: number;
  readonly flags: WireEvent['segment'] extends infer S | undefined ? (S extends { flags: infer F } ? F : never) : never;
  readonly seq: number;
  readonly ack?: number;
  readonly bytes?: number;
  readonly deed?: Deed;
}

/** What a life of a connection is made of; times are ms. */
interface Life {
  readonly closing: 'in turn' | 'orphaned' | 'together' | 'reset' | 'given up' | 'none';
  readonly first: End;
  readonly closesAt: number;
  readonly gap: number;
  readonly written: number;
  readonly read: number;
  readonly forged: number;
  /** How much sooner than otherwise the wire takes the time of a segment: never before it is sent. */
  readonly early: number;
  readonly expires: boolean;
  readonly looksAt: readonly number[];
  /** Its data and a FIN that is lost are sent again. */
  readonly resent: boolean;
  /** Of the wire's packets the record has those up to here, and later ones that open, close or reset. */
  readonly toldUpTo: number;
  /** A connection with the same addresses and ports follows. */
  readonly again: boolean;
}

const lives: fc.Arbitrary<Life> = fc.record({
  closing: fc.constantFrom('in turn', 'orphaned', 'together', 'reset', 'given up', 'none'),
  first: fc.constantFrom('client', 'server'),
  closesAt: fc.integer({ min: 40, max: 60 }),
  gap: fc.integer({ min: 1, max: 2000 }),
  written: fc.integer({ min: 0, max: 20 }),
  read: fc.integer({ min: 0, max: 20 }),
  forged: fc.constantFrom(0, 0, 4),
  early: fc.constantFrom(0, 0.001, 0.004),
  expires: fc.boolean(),
  looksAt: fc.array(fc.integer({ min: 12, max: 70_000 }), { maxLength: 6 }),
  resent: fc.boolean(),
  toldUpTo: fc.constantFrom(2, 4, 5, 7, 100),
  again: fc.boolean(),
});

const closingEvents = (of: Flow, { closing, first, closesAt, gap, resent }: Life): Event[] => {
  const other = otherEnd(first);
  switch (closing) {
    case 'in turn':
      return closedInTurn(of, first, closesAt, closesAt + gap);
    case 'orphaned':
      return orphaned(of, first, closesAt, closesAt + gap);
    case 'together':
      return closedTogether(of, closesAt);
    case 'reset':
      return [
        went(of, first, closesAt, 'ESTABLISHED', 'CLOSED'),
        segment('reset-sent', of, first, closesAt + 0.01),
        segment('reset-received', of, other, closesAt + 0.02),
        went(of, other, closesAt + 0.03, 'ESTABLISHED', 'CLOSED'),
      ];
    case 'given up':
      return [
        went(of, first, closesAt, 'ESTABLISHED', 'FIN-WAIT-1'),
        ...(resent ? [segment('retransmit', of, first, closesAt + 200)] : []),
        went(of, first, closesAt + 900, 'FIN-WAIT-1', 'CLOSED'),
      ];
    case 'none':
      return [];
  }
};

/** The segments of a life in their order, as both ends' kernels send them. */
function sentIn({ closing, first, closesAt, gap, written, forged, resent, early }: Life): Sent[] {
  const other = otherEnd(first);
  const next = { client: 1 + written, server: 1 };
  const fin = (from: End, at: number, deed?: Deed): Sent => ({
    from,
    at: at - early,
    flags: ['FIN', 'ACK'],
    seq: next[from],
    ack: next[otherEnd(from)],
    ...(deed && { deed }),
  });
  const ack = (from: End, at: number, own: number, others: number): Sent => ({
    from,
    at: at - early,
    flags: ['ACK'],
    seq: next[from] + own,
    ack: next[otherEnd(from)] + others,
  });
  const opening: Sent[] = [
    { from: 'client', at: 10.001, flags: ['SYN'], seq: 0 },
    { from: 'server', at: 10.01, flags: ['SYN', 'ACK'], seq: 0, ack: 1 },
    { from: 'client', at: 10.021, flags: ['ACK'], seq: 1, ack: 1 },
  ];
  const own = { from: 'client', flags: ['PSH', 'ACK'], seq: 1, ack: 1, bytes: written } as const;
  const answer = { from: 'server', flags: ['ACK'], seq: 1 } as const;
  const data: Sent[] = [
    ...(forged > 0 && forged <= written
      ? [
          { ...own, at: 20, bytes: forged, deed: { do: 'forged' } } as const,
          { ...answer, at: 20.1, ack: 1 + forged } as const,
        ]
      : []),
    ...(written > 0 ? [{ ...own, at: 25 } as const] : []),
    ...(written > 0 && resent ? [{ ...own, at: 25.05 } as const] : []),
    ...(written > 0 ? [{ ...answer, at: 25.1, ack: 1 + written } as const] : []),
  ];
  const ending: Record<Life['closing'], readonly Sent[]> = {
    'in turn': [
      fin(first, closesAt + 0.005),
      ack(other, closesAt + 0.015, 0, 1),
      fin(other, closesAt + gap + 0.005),
      ack(first, closesAt + gap + 0.025, 1, 1),
    ],
    orphaned: [
      fin(first, closesAt + 0.005),
      ack(other, closesAt + 0.015, 0, 1),
      fin(other, closesAt + gap + 0.005),
      ack(first, closesAt + gap + 0.025, 1, 1),
    ],
    together: [
      fin('client', closesAt + 0.005),
      fin('server', closesAt + 0.006),
      ack('client', closesAt + 0.012, 1, 1),
      ack('server', closesAt + 0.013, 1, 1),
    ],
    reset: [{ from: first, at: closesAt + 0.01, flags: ['RST', 'ACK'], seq: next[first], ack: next[other] }],
    'given up': [
      fin(first, closesAt + 0.005, { do: 'lost', rule: 1 }),
      ...(resent ? [fin(first, closesAt + 200, { do: 'lost', rule: 1 })] : []),
    ],
    none: [],
  };
  return [...opening, ...data, ...ending[closing]].sort((a, b) => a.at - b.at);
}

const isNotable = ({ flags, deed }: Sent): boolean =>
  deed !== undefined || flags.some((flag) => flag === 'SYN' || flag === 'FIN' || flag === 'RST');

function wireEvents(of: Flow, life: Life): Event[] {
  const sent = sentIn(life);
  return sent.flatMap((each, index) => {
    const { from, at, flags, ...more } = each;
    const n = index + 1;
    return n <= life.toldUpTo || isNotable(each) ? [onWire(of, from, at, flags, { n, ...more })] : [];
  });
}

/** How many packets the wire had carried by then. */
const packets = (life: Life, at: number): Event => ({
  t: ns(at),
  source: 'wire',
  kind: 'packets',
  count: sentIn(life).filter((each) => each.at <= at).length,
});

/** What the closing end's mini-socket is in at a time, as `ss` shows it. */
function miniAt({ closing, closesAt, gap, expires }: Life, at: number): State | undefined {
  const begins = closing === 'together' ? closesAt + 1 : closesAt + gap + 1;
  const ends = begins + 60_100;
  if (at < begins || (expires && at + 5 > ends)) return undefined;
  return ['in turn', 'orphaned', 'together'].includes(closing) && at > begins && at < ends - 100
    ? 'TIME-WAIT'
    : undefined;
}

function looks(of: Flow, life: Life): Event[] {
  const begins = life.closesAt + life.gap + 5;
  return life.looksAt
    .filter((at) => at > begins || at < 30)
    .map((at) => {
      if (at < 30) return sample(at, shown(of, 'client', 'ESTABLISHED'), shown(of, 'server', 'ESTABLISHED'));
      const state = miniAt(life, at);
      const whose = life.closing === 'together' ? (['client', 'server'] as const) : ([life.first] as const);
      return sample(at, ...(state ? whose.map((end) => shown(of, end, state, 60_000 - (at - begins))) : []));
    });
}

function recordOf(life: Life, isWired: boolean): Event[] {
  const of = flow({ label: life.again ? 'old' : '' });
  const read = Math.min(life.read, life.written);
  const events: Event[] = [
    ...opened(of, 10),
    call(of, 'client', 15, { verb: 'write', bytes: life.written }),
    ...(read > 0 ? [node(of, 'server', 30, 'data', { bytes: read })] : []),
    ...(life.resent && life.written > 0 ? [segment('retransmit', of, 'client', 25.04)] : []),
    queues(of, 'client', 35, { sent: life.written, acked: life.written + 1, state: 'CLOSED' }),
    queues(of, 'server', 36, { read: life.written }),
    ...closingEvents(of, life),
    ...(isWired ? wireEvents(of, life) : []),
    ...looks(of, life),
    node(of, 'client', 79_000, 'close', { hadError: false }),
  ];
  const isLong = ['in turn', 'orphaned', 'together'].includes(life.closing);
  const expired = life.expires && isLong ? [timerExpire(life.closesAt + life.gap + 60_100)] : [];
  const next = flow({ label: 'new', socket: { client: 'c1', server: '51' }, endpoint: { client: 3, server: 4 } });
  return [...events, ...expired, ...(life.again && !isWired ? opened(next, 71_000) : [])];
}

const sights: fc.Arbitrary<Sight> = fc.record({
  transitions: fc.boolean(),
  miniTimers: fc.boolean(),
  resets: fc.boolean(),
  retransmits: fc.boolean(),
});

/** A record of one life, of which some observers saw nothing, or which ends too early; and what they could see at all. */
export const records: fc.Arbitrary<{ readonly events: Event[]; readonly sight: Sight }> = fc
  .record({
    life: lives,
    isWired: fc.boolean(),
    sight: sights,
    absent: fc.subarray<Event['kind']>(['node', 'queues', 'sample', 'call']),
    endsAt: fc.constantFrom(30, 45, 500, 3000, 65_000, 90_000),
  })
  .map(({ life, isWired, sight, absent, endsAt }) => {
    const unseen = new Set<Event['kind']>([
      ...absent,
      ...(sight.transitions
        ? []
        : (['transition', 'mini-socket', 'reset-sent', 'reset-received', 'retransmit'] as const)),
      ...(sight.miniTimers ? [] : (['mini-socket', 'mini-timer-expire'] as const)),
      ...(sight.resets ? [] : (['reset-sent', 'reset-received'] as const)),
      ...(sight.retransmits ? [] : (['retransmit'] as const)),
    ]);
    const events = recordOf(life, isWired).filter(({ kind }) => !unseen.has(kind));
    return { events: [...events, ...(isWired ? [packets(life, endsAt)] : []), scenarioEnds(endsAt)], sight };
  });
