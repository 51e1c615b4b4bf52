import {
  acceptedEnd,
  acceptedIcmp,
  acceptedKeys,
  acceptedNumber,
  acceptedPacket,
  acceptedWord,
} from '../experiment/accepted.ts';
import { succeeded } from '../experiment/answer.ts';
import { acceptedForgery } from '../experiment/forgery.ts';
import type { Answer, Step } from '../experiment/handles.ts';
import { acceptedPattern, dataOf, type PacketKind, type PatternData } from '../experiment/patterns.ts';
import * as rules from '../experiment/rules.ts';
import type { IcmpOptions, RuleHandle, SeenOptions, SightingOf, Wire } from '../experiment/wire.ts';
import type { Sighting } from '../record/event.ts';
import { type IcmpKind, icmpText } from '../tcp/icmp.ts';
import { largestPacket } from './capture.ts';
import type { WireVerb, WireVerbs } from './protocol.ts';
import { patternText, ruleText } from './say.ts';
import { mostPorts } from './translation.ts';

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
    const answer = value.then((taken) => succeeded(taken, Math.round((began() - at) * 1e6)));
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

  const icmp = (what: string, packet: Sighting | number, kind: IcmpKind, options?: IcmpOptions): Step<number> => {
    const n = acceptedPacket(what, packet);
    const said = acceptedIcmp(what, kind, options);
    return step(
      `icmp ${icmpText(said.kind)}`,
      wire.ask('icmp', { n, said }).then(({ n: answer }) => answer),
    );
  };

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
    seen: <K extends PacketKind, W extends number | undefined>(given: PatternData<K>, options: SeenOptions<W> = {}) => {
      const pattern = dataOf(acceptedPattern('seen()', given));
      acceptedKeys('seen()', options, ['after', 'within']);
      const after = acceptedPacket('seen(): after', options.after ?? 0, 0);
      const { within } = options;
      if (within !== undefined) acceptedNumber('seen(): within', within, { least: 0, whole: false });
      const ask = { pattern, after, ...(within !== undefined && { withinMs: within * 1000 }) };
      // a pattern of TCP segments matches nothing else: src/wire/match.ts
      type Found = W extends number ? SightingOf<K> | undefined : SightingOf<K>;
      return step(
        `seen ${patternText(pattern)}`,
        wire.ask('seen', ask).then(({ sighting }) => sighting as Found),
      );
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
    icmp: (packet, kind, ...[options]) => icmp('icmp()', packet, kind, options),
    unreachable: (packet) => icmp('unreachable()', packet, 'host-unreachable'),
    translate: (options = {}) => {
      acceptedKeys('translate()', options, ['forgetAfter', 'afterwards', 'ports']);
      const { forgetAfter, afterwards = 'drop', ports } = options;
      if (forgetAfter !== undefined)
        acceptedNumber('translate(): forgetAfter', forgetAfter, { least: 0.001, whole: false });
      const ask = {
        afterwards: acceptedWord('translate(): afterwards', afterwards, ['drop', 'reset']),
        ...(forgetAfter !== undefined && { forgetAfterMs: forgetAfter * 1000 }),
        ...(ports !== undefined && {
          ports: acceptedNumber('translate(): ports', ports, { least: 1, most: mostPorts }),
        }),
      };
      return step(
        'translate',
        wire.ask('translate', ask).then(({ outside: address }) => ({
          address,
          mappings: () =>
            step(
              'mappings',
              wire.ask('mappings', {}).then(({ mappings }) => mappings),
            ),
          forget: () =>
            step(
              'forget',
              wire.ask('forget', {}).then(({ forgotten }) => forgotten),
            ),
        })),
      );
    },
    statistics: () => step('statistics', wire.ask('statistics', {})),
  };
}
