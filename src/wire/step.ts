import type { Action, Rule } from '../experiment/rules.ts';
import type { Ns } from '../record/event.ts';
import { draw } from '../stats/random.ts';
import type { Seen } from './history.ts';
import { matches } from './match.ts';

/** State of a rule. */
export interface RuleState {
  /** Number that identifies the rule when it is lifted, and in the record. */
  readonly id: number;
  readonly rule: Rule;
  /** Packets that matched, and of those the ones it acted on. */
  readonly matched: number;
  readonly acted: number;
  /** Of its random numbers. */
  readonly chance: number;
  /** When the line that it models has sent all that waits. */
  readonly freeAt: Ns;
}

/** Everything that decides what becomes of the next packet. */
export interface WireState {
  readonly rules: readonly RuleState[];
}

/** What the wire is to do with a packet now; the first order says what becomes of it, the rest are copies. */
export type Order =
  | { readonly deed: 'carry' }
  | { readonly deed: 'drop'; readonly why: 'dropped' | 'black hole' | 'lost' | 'queue full' | 'no mapping' }
  | { readonly deed: 'hold' }
  | { readonly deed: 'wait'; readonly until: Ns }
  | { readonly deed: 'behind'; readonly count: number; readonly until: Ns }
  | { readonly deed: 'copy'; readonly at: Ns };

export interface Decision {
  readonly state: WireState;
  readonly deeds: readonly [Order, ...Order[]];
  /** The rule that decided; absent: none did, it is carried. */
  readonly rule?: number;
}

export const noRules: WireState = { rules: [] };

/** The state with one more rule, last. */
export const withRule = (state: WireState, id: number, rule: Rule): WireState => ({
  rules: [
    ...state.rules,
    {
      id,
      rule,
      matched: 0,
      acted: 0,
      chance: rule.action.do === 'loss' ? rule.action.seed >>> 0 : 0,
      freeAt: 0,
    },
  ],
});

/** The state without a rule, or without any. */
export const withoutRule = (state: WireState, id?: number): WireState => ({
  rules: id === undefined ? [] : state.rules.filter((each) => each.id !== id),
});

interface Acted {
  readonly after: RuleState;
  /** None: it leaves the packet to later rules. */
  readonly deeds?: readonly [Order, ...Order[]];
}

const nsOf = (ms: number): Ns => Math.round(ms * 1e6);

function onLine(state: RuleState, action: Action & { do: 'rate' }, { length }: Seen, now: Ns): Acted {
  const begins = Math.max(now, state.freeAt);
  const waitingBytes = ((begins - now) / 1e9) * action.bytesPerSecond;
  if (waitingBytes + length > action.queueBytes && waitingBytes > 0) {
    return { after: state, deeds: [{ deed: 'drop', why: 'queue full' }] };
  }
  const freeAt = begins + Math.round((length / action.bytesPerSecond) * 1e9);
  return { after: { ...state, freeAt }, deeds: [{ deed: 'wait', until: freeAt + nsOf(action.delayMs) }] };
}

function act(state: RuleState, seen: Seen, now: Ns): Acted {
  const { action } = state.rule;
  const always = (...deeds: [Order, ...Order[]]): Acted => ({ after: state, deeds });
  switch (action.do) {
    case 'carry':
      return always({ deed: 'carry' });
    case 'drop':
      return always({ deed: 'drop', why: 'dropped' });
    case 'black-hole':
      return always({ deed: 'drop', why: 'black hole' });
    case 'hold':
      return always({ deed: 'hold' });
    case 'delay':
      return always({ deed: 'wait', until: now + nsOf(action.ms) });
    case 'duplicate': {
      const copies = Array.from(
        { length: action.copies },
        (_, index): Order => ({ deed: 'copy', at: now + nsOf(action.everyMs) * (index + 1) }),
      );
      return always({ deed: 'carry' }, ...copies);
    }
    case 'reorder':
      return always({ deed: 'behind', count: action.behind, until: now + nsOf(action.withinMs) });
    case 'rate':
      return onLine(state, action, seen, now);
    case 'loss': {
      const drawn = draw(state.chance);
      const after = { ...state, chance: drawn.state };
      return drawn.value < action.probability ? { after, deeds: [{ deed: 'drop', why: 'lost' }] } : { after };
    }
  }
}

/** What one rule does with a packet, and what it is afterwards. */
function tryRule(state: RuleState, seen: Seen, now: Ns): Acted {
  const { pattern, times } = state.rule;
  if (times !== undefined && state.acted >= times) return { after: state };
  if (!matches(pattern.match, seen)) return { after: state };
  const counted = { ...state, matched: state.matched + 1 };
  if (pattern.ordinal !== undefined && counted.matched !== pattern.ordinal) return { after: counted };
  const { after, deeds } = act(counted, seen, now);
  return deeds ? { after: { ...after, acted: after.acted + 1 }, deeds } : { after };
}

/** What becomes of a packet: the first rule that acts decides. Pure: the same state, packet and time give the same. */
export function step(state: WireState, seen: Seen, now: Ns): Decision {
  const before: RuleState[] = [];
  for (const [index, each] of state.rules.entries()) {
    const { after, deeds } = tryRule(each, seen, now);
    before.push(after);
    if (deeds) return { state: { rules: [...before, ...state.rules.slice(index + 1)] }, deeds, rule: each.id };
  }
  return { state: { rules: before }, deeds: [{ deed: 'carry' }] };
}

/** Whether a rule can act on anything any more: one that cannot costs nothing. */
export const idle = ({ rules }: WireState): boolean =>
  rules.every(
    ({ rule: { times, pattern }, acted, matched }) =>
      (times !== undefined && acted >= times) || (pattern.ordinal !== undefined && matched >= pattern.ordinal),
  );
