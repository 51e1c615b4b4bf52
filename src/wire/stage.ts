import type { Answer, Step } from '../experiment/stage.ts';
import type { End } from '../facts/states.ts';
import type { Forgery } from './forge.ts';
import { dataOf, type PatternData } from './patterns.ts';
import type { WireVerb, WireVerbs } from './protocol.ts';
import type { Sighting } from './report.ts';
import * as rules from './rules.ts';
import type { WireStatistics } from './statistics.ts';

/** A rule that the wire obeys. */
export interface RuleHandle {
  readonly rule: number;
  /** Carries what it holds now; how many. What it goes on to hold waits for the next call. */
  release(): Step<number>;
  /** It decides nothing any more; what it holds stays held until it is released. */
  lift(): Step;
}

export interface SeenOptions {
  /** Only behind this packet, or packet number. Default: from the beginning of the cell. */
  readonly after?: Sighting | number;
}

/** What a scenario does with the wire. Every rule comes after those before it; the first that acts on a packet decides. */
export interface Wire {
  drop(pattern: PatternData, options?: rules.Times): Step<RuleHandle>;
  carry(pattern: PatternData, options?: rules.Times): Step<RuleHandle>;
  hold(pattern: PatternData, options?: rules.Times): Step<RuleHandle>;
  delay(pattern: PatternData, ms: number, options?: rules.Times): Step<RuleHandle>;
  duplicate(pattern: PatternData, options?: rules.DuplicateOptions): Step<RuleHandle>;
  reorder(pattern: PatternData, options?: rules.ReorderOptions): Step<RuleHandle>;
  blackhole(pattern: PatternData): Step<RuleHandle>;
  rate(pattern: PatternData, bytesPerSecond: number, options?: rules.RateOptions): Step<RuleHandle>;
  loss(pattern: PatternData, probability: number, options: { readonly seed: number }): Step<RuleHandle>;
  /** A rule as data. */
  rule(rule: rules.Rule): Step<RuleHandle>;
  /** No rule is left; what they held stays held. */
  lift(): Step;
  /** Carries everything that is held; how many. */
  release(): Step<number>;
  /** Resolves with the first such packet from a peer: one that came already, or one to come. */
  seen(pattern: PatternData, options?: SeenOptions): Step<Sighting>;
  /**
   * The TCP segments that the end which was given this one, carried or forged, has sent since: what its kernel says to it at
   * once, if anything. Resolves when that end has answered an echo request (ping) sent behind it, so that none is a silence that
   * was observed. What its kernel delays, an acknowledgement of data, may come later.
   */
  answers(packet: Sighting | number): Step<readonly Sighting[]>;
  /** How many such packets came from the peers so far, as far as memory has them; of an nth one, 1 or 0. */
  count(pattern: PatternData): Step<number>;
  /** Sends a segment that no peer sent; its number in the capture. */
  inject(forgery: Forgery): Step<number>;
  /** Sends any bytes as if they came from an end. */
  injectRaw(from: End, bytes: Uint8Array): Step<number>;
  /** Sends the bytes of a packet once more. */
  replay(packet: Sighting | number): Step<number>;
  /** Answers a packet with ICMP "host unreachable", as a router on its way would; the answer's number in the capture. */
  unreachable(packet: Sighting | number): Step<number>;
  statistics(): Step<WireStatistics>;
}

const numberOf = (packet: Sighting | number): number => (typeof packet === 'number' ? packet : packet.n);

/** What carries a request to the wire's process. */
export interface Asked {
  ask<V extends WireVerb>(verb: V, ask: WireVerbs[V]['ask']): Promise<WireVerbs[V]['value']>;
}
/** The steps of a scenario, each awaited by whoever takes it. */
export interface Taking {
  take<T>(what: string, answer: Promise<Answer<T>>): Step<T>;
}

/** The wire of a cell as its scenario has it: every method is a step. */
export function makeWire(wire: Asked, steps: Taking): Wire {
  const began = () => performance.now();
  const step = <T>(what: string, value: Promise<T>): Step<T> => {
    const at = began();
    const answer = value.then((taken) => ({ ok: true as const, value: taken, ns: Math.round((began() - at) * 1e6) }));
    return steps.take(`wire.${what}`, answer);
  };
  const release = (which: WireVerbs['release']['ask']) => wire.ask('release', which).then(({ released }) => released);

  const add = (rule: rules.Rule): Step<RuleHandle> =>
    step(
      rule.action.do,
      wire.ask('rule', { rule }).then(({ rule: id }) => ({
        rule: id,
        release: () => step('release', release({ rule: id })),
        lift: () => step('lift', wire.ask('lift', { rule: id })),
      })),
    );

  return {
    rule: add,
    drop: (pattern, options) => add(rules.drop(pattern, options)),
    carry: (pattern, options) => add(rules.carry(pattern, options)),
    hold: (pattern, options) => add(rules.hold(pattern, options)),
    delay: (pattern, ms, options) => add(rules.delay(pattern, ms, options)),
    duplicate: (pattern, options) => add(rules.duplicate(pattern, options)),
    reorder: (pattern, options) => add(rules.reorder(pattern, options)),
    blackhole: (pattern) => add(rules.blackhole(pattern)),
    rate: (pattern, bytesPerSecond, options) => add(rules.rate(pattern, bytesPerSecond, options)),
    loss: (pattern, probability, options) => add(rules.loss(pattern, probability, options)),
    lift: () => step('lift', wire.ask('lift', {})),
    release: () => step('release', release({})),
    seen: (pattern, { after = 0 } = {}) =>
      step('seen', wire.ask('seen', { pattern: dataOf(pattern), after: numberOf(after) })),
    answers: (packet) =>
      step(
        'answers',
        wire.ask('answers', { n: numberOf(packet) }).then(({ segments }) => segments),
      ),
    count: (pattern) =>
      step(
        'count',
        wire.ask('count', { pattern: dataOf(pattern) }).then(({ count }) => count),
      ),
    inject: (forgery) => {
      // an endpoint has methods, which are no data
      const { on } = forgery;
      const bare = typeof on === 'number' ? on : { local: on.local, remote: on.remote };
      return step(
        'inject',
        wire.ask('inject', { forgery: { ...forgery, on: bare } }).then(({ n }) => n),
      );
    },
    injectRaw: (from, bytes) =>
      step(
        'injectRaw',
        wire.ask('injectRaw', { from, hex: Buffer.from(bytes).toString('hex') }).then(({ n }) => n),
      ),
    replay: (packet) =>
      step(
        'replay',
        wire.ask('replay', { n: numberOf(packet) }).then(({ n }) => n),
      ),
    unreachable: (packet) =>
      step(
        'unreachable',
        wire.ask('unreachable', { n: numberOf(packet) }).then(({ n }) => n),
      ),
    statistics: () => step('statistics', wire.ask('statistics', {})),
  };
}
