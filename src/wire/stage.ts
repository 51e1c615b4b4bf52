import type { Answer, Step } from '../experiment/step.ts';
import type { End } from '../tcp/states.ts';
import { acceptedEnd, acceptedKeys, acceptedNumber, acceptedPacket } from '../experiment/accepted.ts';
import { largestPacket } from './capture.ts';
import { acceptedForgery, type Forgery } from './forge.ts';
import { acceptedPattern, dataOf, type PatternData } from '../experiment/patterns.ts';
import type { WireVerb, WireVerbs } from './protocol.ts';
import type { Sighting } from './report.ts';
import * as rules from '../experiment/rules.ts';
import { patternText, ruleText } from './say.ts';
import type { WireStatistics } from './statistics.ts';

/** A rule that the wire obeys. */
export interface RuleHandle {
  readonly rule: number;
  /** Carries what it holds now; how many. What it goes on to hold waits for the next call. */
  release(): Step<number>;
  /** Drops what it holds now; how many. What is held to the end of the cell, and neither released nor discarded, is a warning. */
  discard(): Step<number>;
  /** It decides nothing any more; what it holds stays held until it is released. */
  lift(): Step;
}

export interface InjectRawOptions {
  /** That the kernel takes no such bytes is no warning; default false. */
  readonly mayBeRefused?: boolean;
}

export interface SeenOptions {
  /** Only behind this packet, or packet number. Default: from the beginning of the cell. */
  readonly after?: Sighting | number;
}

/** What a scenario does with the wire. Every rule comes after those before it; the first that acts on a packet decides. */
export interface Wire {
  drop<N extends number = number>(pattern: PatternData, options?: rules.Times<N>): Step<RuleHandle>;
  carry<N extends number = number>(pattern: PatternData, options?: rules.Times<N>): Step<RuleHandle>;
  hold<N extends number = number>(pattern: PatternData, options?: rules.Times<N>): Step<RuleHandle>;
  delay<N extends number = number>(pattern: PatternData, ms: number, options?: rules.Times<N>): Step<RuleHandle>;
  duplicate<N extends number = number>(pattern: PatternData, options?: rules.DuplicateOptions<N>): Step<RuleHandle>;
  reorder<N extends number = number>(pattern: PatternData, options?: rules.ReorderOptions<N>): Step<RuleHandle>;
  blackhole(pattern: PatternData): Step<RuleHandle>;
  rate(pattern: PatternData, bytesPerSecond: number, options?: rules.RateOptions): Step<RuleHandle>;
  loss(pattern: PatternData, probability: number, options: { readonly seed: number }): Step<RuleHandle>;
  /** A rule as data. */
  rule(rule: rules.Rule): Step<RuleHandle>;
  /** No rule is left; what they held stays held. */
  lift(): Step;
  /** Carries everything that is held; how many. */
  release(): Step<number>;
  /** Drops everything that is held; how many. */
  discard(): Step<number>;
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
  /** Sends any bytes, 65,535 at most, as if they came from an end. */
  injectRaw(from: End, bytes: Uint8Array, options?: InjectRawOptions): Step<number>;
  /** Sends the bytes of a packet once more. */
  replay(packet: Sighting | number): Step<number>;
  /**
   * Answers a packet with ICMP "host unreachable", as a router on its way would, from an address of the link that is neither
   * end's; the answer's number in the capture.
   */
  unreachable(packet: Sighting | number): Step<number>;
  statistics(): Step<WireStatistics>;
}

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
  const discard = (which: WireVerbs['discard']['ask']) => wire.ask('discard', which).then(({ discarded }) => discarded);

  const add = (rule: rules.Rule): Step<RuleHandle> =>
    step(
      ruleText(rule),
      wire.ask('rule', { rule }).then(({ rule: id }) => ({
        rule: id,
        release: () => step('release', release({ rule: id })),
        discard: () => step('discard', discard({ rule: id })),
        lift: () => step('lift', wire.ask('lift', { rule: id })),
      })),
    );

  return {
    rule: (rule) => add(rules.acceptedRule(rule)),
    drop: (pattern, options) => add(rules.drop(pattern, options as rules.Times)),
    carry: (pattern, options) => add(rules.carry(pattern, options as rules.Times)),
    hold: (pattern, options) => add(rules.hold(pattern, options as rules.Times)),
    delay: (pattern, ms, options) => add(rules.delay(pattern, ms, options as rules.Times)),
    duplicate: (pattern, options) => add(rules.duplicate(pattern, options as rules.DuplicateOptions)),
    reorder: (pattern, options) => add(rules.reorder(pattern, options as rules.ReorderOptions)),
    blackhole: (pattern) => add(rules.blackhole(pattern)),
    rate: (pattern, bytesPerSecond, options) => add(rules.rate(pattern, bytesPerSecond, options)),
    loss: (pattern, probability, options) => add(rules.loss(pattern, probability, options)),
    lift: () => step('lift', wire.ask('lift', {})),
    release: () => step('release', release({})),
    discard: () => step('discard', discard({})),
    seen: (given, options = {}) => {
      const pattern = dataOf(acceptedPattern('seen()', given));
      acceptedKeys('seen()', options, ['after']);
      const after = acceptedPacket('seen(): after', options.after ?? 0, 0);
      return step(`seen ${patternText(pattern)}`, wire.ask('seen', { pattern, after }));
    },
    answers: (packet) =>
      step(
        'answers',
        wire.ask('answers', { n: acceptedPacket('answers()', packet) }).then(({ segments }) => segments),
      ),
    count: (given) => {
      const pattern = dataOf(acceptedPattern('count()', given));
      return step(
        'count',
        wire.ask('count', { pattern }).then(({ count }) => count),
      );
    },
    inject: (forgery) =>
      step(
        'inject',
        wire.ask('inject', { forgery: acceptedForgery(forgery) }).then(({ n }) => n),
      ),
    injectRaw: (from, bytes, options = {}) => {
      acceptedKeys('injectRaw()', options, ['mayBeRefused']);
      if (!(bytes instanceof Uint8Array))
        throw new TypeError('injectRaw(): the bytes of a packet must be a Uint8Array');
      acceptedNumber('injectRaw(): bytes of a packet', bytes.length, { least: 0, most: largestPacket });
      const mayBeRefused = options.mayBeRefused ?? false;
      const ask = {
        from: acceptedEnd('injectRaw(): from', from),
        hex: Buffer.from(bytes).toString('hex'),
        mayBeRefused,
      };
      return step(
        'injectRaw',
        wire.ask('injectRaw', ask).then(({ n }) => n),
      );
    },
    replay: (packet) =>
      step(
        'replay',
        wire.ask('replay', { n: acceptedPacket('replay()', packet) }).then(({ n }) => n),
      ),
    unreachable: (packet) =>
      step(
        'unreachable',
        wire.ask('unreachable', { n: acceptedPacket('unreachable()', packet) }).then(({ n }) => n),
      ),
    statistics: () => step('statistics', wire.ask('statistics', {})),
  };
}
