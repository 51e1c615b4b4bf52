import type { FactValue } from '../record/fact.ts';
import type { Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import { type End, ends } from '../tcp/states.ts';
import { partsOf } from './roles.ts';

type Facts = Readonly<Record<string, FactValue | null>>;

/** Facts of one connection, or of one end of it, under their own names; absent: not tried or not observed. */
interface Own {
  number(name: string): number | undefined;
  words(name: string): readonly string[] | undefined;
  word(name: string): string | undefined;
  boolean(name: string): boolean | undefined;
  list(name: string): readonly unknown[] | undefined;
  /** Names of these facts that have a value. */
  readonly names: readonly string[];
}

/** What must hold between facts of one cell; where one of them is unknown nothing is said. */
export interface Invariant {
  readonly id: string;
  /** What holds, for the reader of the warning. */
  readonly text: string;
  /** Of each end, or of each connection, whose ends are `client` and `server`. */
  readonly of: 'end' | 'connection';
  /** Whether it holds; undefined: not enough is known. */
  readonly holds: (own: Own) => boolean | undefined;
}

/** Whether something holds of values that are all known. */
function known<const T extends readonly unknown[]>(
  values: T,
  holds: (...values: { [K in keyof T]: Exclude<T[K], undefined> }) => boolean,
): boolean | undefined {
  if (values.some((value) => value === undefined)) return undefined;
  return holds(...(values as { [K in keyof T]: Exclude<T[K], undefined> }));
}

const places = ['js', 'sendQueue', 'network', 'receiveQueue', 'readBuffer'] as const;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const has = (words: readonly string[], ...wanted: readonly string[]): boolean =>
  wanted.some((word) => words.includes(word));

/** States in the order of their being passed, RFC 9293 §3.3.2, with the mini-socket's; any may be followed by CLOSED. */
const next: Readonly<Record<string, readonly string[]>> = {
  'SYN-SENT': ['SYN-RECEIVED', 'ESTABLISHED'],
  'SYN-RECEIVED': ['ESTABLISHED', 'FIN-WAIT-1'],
  ESTABLISHED: ['FIN-WAIT-1', 'CLOSE-WAIT'],
  'FIN-WAIT-1': ['FIN-WAIT-2', 'CLOSING', 'TIME-WAIT'],
  'FIN-WAIT-2': ['TIME-WAIT'],
  'CLOSE-WAIT': ['LAST-ACK'],
  CLOSING: ['TIME-WAIT'],
  'LAST-ACK': [],
  'TIME-WAIT': [],
  CLOSED: [],
};

const isHolder = (own: Own, end: End): boolean | undefined =>
  known([own.word('timeWait.holder')], (holder) => holder === end || holder === 'both');

/** The path of the end whose TIME-WAIT the times are of: where both have one, either. */
const holdersPath = (own: Own): readonly string[] | undefined => {
  const holder = own.word('timeWait.holder');
  return holder === 'client' || holder === 'server' ? own.words(`${holder}.path`) : undefined;
};

/** Facts that exclude each other, and what must hold between them. */
export const invariants: readonly Invariant[] = [
  {
    id: 'delivered-was-written',
    text: 'no more is delivered, acknowledged or lost than was written',
    of: 'end',
    holds: (own) => {
      const written = own.number('written');
      const others = ['delivered', 'acked', 'lost'].flatMap((name) => own.number(name) ?? []);
      return known([written], (most) => others.every((bytes) => bytes >= 0 && bytes <= most));
    },
  },
  {
    id: 'lost-is-the-rest',
    text: 'lost is what was written and not delivered',
    of: 'end',
    holds: (own) =>
      known(
        [own.number('written'), own.number('delivered'), own.number('lost')],
        (written, delivered, lost) => lost === written - delivered,
      ),
  },
  {
    id: 'places-add-up',
    text: 'the places of lost bytes add up to lost',
    of: 'end',
    holds: (own) => {
      const amounts = places.flatMap((place) => own.number(`lost.${place}`) ?? []);
      return known([own.number('lost')], (lost) => {
        if (amounts.some((bytes) => bytes < 0)) return false;
        return amounts.length === places.length ? sum(amounts) === lost : sum(amounts) <= lost;
      });
    },
  },
  {
    id: 'lost-in-places',
    text: 'lostIn names each place in which bytes were lost, and none else',
    of: 'end',
    holds: (own) =>
      known([own.words('lostIn'), own.number('lost')], (lostIn, lost) => {
        const isNamed = (place: string): boolean => {
          const bytes = own.number(`lost.${place}`);
          return bytes === undefined || bytes > 0 === lostIn.includes(place);
        };
        return lostIn.length > 0 === lost > 0 && places.every(isNamed);
      }),
  },
  {
    id: 'path-is-legal',
    text: 'each state of a path can follow the one before it',
    of: 'end',
    holds: (own) =>
      known([own.words('path')], (path) =>
        path.slice(1).every((state, index) => state === 'CLOSED' || next[path[index] as string]?.includes(state)),
      ),
  },
  {
    id: 'mini-socket-on-path',
    text: 'what a mini-socket was in is on the path of its end; TIME-WAIT is never a full socket',
    of: 'end',
    holds: (own) =>
      known(
        [own.words('path'), own.words('miniSocket')],
        (path, mini) =>
          mini.every((state) => path.includes(state)) && path.includes('TIME-WAIT') === mini.includes('TIME-WAIT'),
      ),
  },
  {
    id: 'times-of-states-passed',
    text: 'an end has times of the states on its path only, and none is negative',
    of: 'end',
    holds: (own) =>
      known([own.words('path')], (path) =>
        own.names
          .filter((name) => name.startsWith('stateMs.'))
          .every((name) => path.includes(name.slice('stateMs.'.length)) && (own.number(name) ?? 0) >= 0),
      ),
  },
  {
    id: 'fin-of-who-closed',
    text: 'an end that passed FIN-WAIT-2 or TIME-WAIT sent a FIN; one that passed neither FIN-WAIT-1 nor LAST-ACK sent none',
    of: 'end',
    holds: (own) =>
      known([own.words('path'), own.words('closedWith')], (path, sent) => {
        if (has(path, 'FIN-WAIT-2', 'TIME-WAIT')) return sent.includes('FIN');
        return has(path, 'FIN-WAIT-1', 'LAST-ACK') || !sent.includes('FIN');
      }),
  },
  {
    id: 'resent-was-counted',
    text: 'what the wire saw sent again, the kernel counted',
    of: 'end',
    holds: (own) =>
      known([own.list('resentAt'), own.number('retransmits')], (resent, counted) => resent.length > 0 === counted > 0),
  },
  {
    id: 'times-go-on',
    text: 'times of what was sent again, of probes and of giving up are not negative',
    of: 'end',
    holds: (own) => {
      const lists = ['resentAt', 'probedAt'].map((name) => (own.list(name) ?? []) as readonly number[]);
      const gaveUp = own.number('gaveUpAfter');
      return lists.flat().every((seconds) => seconds >= 0) && (gaveUp === undefined || gaveUp >= 0);
    },
  },
  {
    id: 'events-of-node',
    text: "sawEnd and hadError are of Node's events",
    of: 'end',
    holds: (own) =>
      known([own.words('events')], (events) => {
        const ended = own.boolean('sawEnd');
        return (
          (ended === undefined || ended === events.includes('end')) &&
          (own.boolean('hadError') === undefined || events.includes('close'))
        );
      }),
  },
  {
    id: 'holder-passed-time-wait',
    text: 'the end that keeps TIME-WAIT has TIME-WAIT on its path, and no other end has',
    of: 'connection',
    holds: (own) => {
      const told = ends.map((end) =>
        known([isHolder(own, end), own.words(`${end}.path`)], (holds, path) => holds === path.includes('TIME-WAIT')),
      );
      return told.every((each) => each === undefined) ? undefined : told.every((each) => each !== false);
    },
  },
  {
    id: 'nobody-has-no-times',
    text: 'a TIME-WAIT that no end keeps has no times',
    of: 'connection',
    holds: (own) =>
      own.word('timeWait.holder') === 'none'
        ? own.names.every((name) => !name.startsWith('timeWait.') || name === 'timeWait.holder')
        : undefined,
  },
  {
    id: 'ended-once',
    text: 'TIME-WAIT lasted until its timer ended it, or was cut short by something else, or was not seen to end',
    of: 'connection',
    holds: (own) => {
      const by = own.word('timeWait.endedBy');
      const lasted = own.number('timeWait.seconds') !== undefined;
      const cut = own.number('timeWait.cutShort') !== undefined;
      if (lasted && cut) return false;
      if (by === undefined) return undefined;
      return by === 'timer' ? lasted : by === 'namespace' ? !lasted && !cut : cut;
    },
  },
  {
    id: 'ended-is-closed',
    text: 'the path of the end that keeps TIME-WAIT ends there, or goes on to CLOSED if TIME-WAIT was seen to end',
    of: 'connection',
    holds: (own) =>
      known([own.word('timeWait.endedBy'), holdersPath(own)], (by, path) =>
        by === 'timer' || by === 'rst' ? path.at(-1) === 'CLOSED' : by !== 'namespace' || path.at(-1) === 'TIME-WAIT',
      ),
  },
  {
    id: 'began-with-closing',
    text: 'TIME-WAIT began with the ACK of a FIN after CLOSING, and with the FIN of the other end otherwise',
    of: 'connection',
    holds: (own) =>
      known(
        [own.word('timeWait.beganWith'), holdersPath(own)],
        (began, path) => began === 'both' || path.includes('CLOSING') === (began === 'ACK of FIN'),
      ),
  },
  {
    id: 'times-of-time-wait',
    text: 'no time of TIME-WAIT is negative',
    of: 'connection',
    holds: (own) => ['seconds', 'cutShort', 'timer'].every((name) => (own.number(`timeWait.${name}`) ?? 0) >= 0),
  },
];

/** A violated invariant: of which end or connection, and what holds otherwise. */
export interface Violation {
  readonly id: string;
  /** `client`, `old.server`; of a connection its label. */
  readonly of: string;
  readonly text: string;
}

/** Facts that exclude each other, of a cell's facts by name. */
export function violations(facts: Facts): Violation[] {
  const byEnd = new Map<string, Record<string, FactValue>>();
  const byConnection = new Map<string, Record<string, FactValue>>();
  const under = (table: typeof byEnd, key: string) => {
    const own = table.get(key) ?? {};
    table.set(key, own);
    return own;
  };
  for (const [name, value] of Object.entries(facts)) {
    const { of, label, whose, own } = partsOf(name);
    if (value === null || (of !== 'end' && of !== 'connection')) continue;
    under(byConnection, label)[of === 'end' ? `${whose}.${own}` : own] = value;
    if (of === 'end') under(byEnd, label === '' ? whose : `${label}.${whose}`)[own] = value;
  }
  const violated = (of: Invariant['of'], table: typeof byEnd) =>
    [...table].flatMap(([key, own]) => {
      const read = ownOf(own);
      return invariants
        .filter((each) => each.of === of && each.holds(read) === false)
        .map(({ id, text }) => ({ id, of: key, text }));
    });
  return [...violated('end', byEnd), ...violated('connection', byConnection)];
}

function ownOf(facts: Readonly<Record<string, FactValue>>): Own {
  const list = (name: string) => {
    const value = facts[name];
    return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
  };
  return {
    names: Object.keys(facts),
    list,
    words: (name) => list(name) as readonly string[] | undefined,
    number: (name) => (typeof facts[name] === 'number' ? facts[name] : undefined),
    word: (name) => (typeof facts[name] === 'string' ? facts[name] : undefined),
    boolean: (name) => (typeof facts[name] === 'boolean' ? facts[name] : undefined),
  };
}

/** The warnings of a cell whose facts exclude each other. */
export const contradictoryFacts = (facts: Facts): Warning[] =>
  violations(facts).map(({ id, of, text }) => warn('facts-contradict', `${of === '' ? '' : `${of}: `}${id}: ${text}`));
