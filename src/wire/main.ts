/**
 * The wire: a process between two TUN devices, each in a namespace of its own, that carries every packet from one to the
 * other and does with it what the rules say; of one cell after the other.
 */
import { constants, setPriority } from 'node:os';
import type { ForgeryData } from '../experiment/forgery.ts';
import type { PatternData } from '../experiment/patterns.ts';
import type { Rule } from '../experiment/rules.ts';
import { runFirst } from '../native/process.ts';
import { byHandlers, serve, startedWith, tellHarness } from '../process/serve.ts';
import { traces } from '../process/traces.ts';
import type { Address } from '../tcp/address.ts';
import { otherEnd } from '../tcp/states.ts';
import { type Connection, unseen } from './connection.ts';
import { forge } from './forge.ts';
import { icmpAbout } from './icmp.ts';
import type { WireArguments, WireTold, WireVerbs } from './protocol.ts';
import { type Running, startRunning } from './running.ts';
import { ruleText } from './say.ts';
import { stillHeld } from './statistics.ts';
import { withoutRule, withRule } from './step.ts';
import { insidePattern, mayBegin, Translation } from './translation.ts';
import { countSeen, seenWithin, whenAnswered, whenSeen } from './watch.ts';

// not SIGKILL: what was captured since the last write would be lost
const { originNs } = startedWith<WireArguments>('SIGTERM');

/**
 * Before the machine's other work. Measured once on 2 cores at a load of 13 to 19: with nice(2) alone stalls of 20 to 72 ms in
 * all of 26 cells, real-time in none.
 */
function goFirst(): void {
  for (const step of [runFirst, () => setPriority(constants.priority.PRIORITY_HIGHEST)]) {
    try {
      step();
      return;
    } catch {
      // not root, or real-time is not for this group of processes: what it is late by, it counts
    }
  }
}
goFirst();

const origin = BigInt(originNs);
const now = () => Number(process.hrtime.bigint() - origin);
let running: Running | undefined;
/** Every rule that was made on this wire, whose numbers count from 1. */
let rules: Rule[] = [];
let echoes = 0;

function wire(): Running {
  if (!running) throw new Error('the wire is not open');
  return running;
}

function connectionOf({ history, pump }: Running, { on, between }: ForgeryData): Connection {
  const insideOf = (address: Address) => pump.translation?.insideOf(address) ?? address;
  if (between) return history.connection({ one: between.client, other: between.server }) ?? unseen(between);
  const whose = on as NonNullable<typeof on>;
  const found = history.connection(
    typeof whose === 'number' ? whose : { one: insideOf(whose.local), other: insideOf(whose.remote) },
  );
  if (!found) throw new RangeError('the wire has seen no segment of that connection');
  return found;
}

/** A packet of the history whole: the capture may have cut it, or memory have given it up. */
function wholePacket(n: number): { from: 'client' | 'server'; bytes: Uint8Array } {
  const entry = wire().capture.find(n);
  if (!entry) throw new RangeError(`#${n} is not in the wire's memory`);
  const { bytes, original } = entry.packet;
  if (bytes.length < original) throw new RangeError(`#${n} was captured without its end`);
  return { from: entry.from, bytes: Uint8Array.from(bytes) };
}

const inside = (pattern: PatternData): PatternData => insidePattern(running?.pump.translation, pattern);

function end(): void {
  const ended = running;
  running = undefined;
  ended?.[Symbol.dispose]();
}

function flush(): void {
  running?.pump.tellCount();
  running?.capture.flush();
}

const obey = byHandlers<WireVerbs>({
  open(ask) {
    rules = [];
    echoes = 0;
    running = startRunning(ask, origin, now, tellHarness<WireTold>);
  },
  async close() {
    end();
    return { left: await atStart.since() };
  },
  rule({ rule: asked }) {
    const { pump } = wire();
    const rule = { ...asked, pattern: inside(asked.pattern) };
    const id = rules.push(rule);
    pump.state = withRule(pump.state, id, rule);
    return { rule: id };
  },
  lift({ rule }) {
    const { pump } = wire();
    pump.state = withoutRule(pump.state, rule);
  },
  release(which) {
    const { pump, room } = wire();
    const released = room.release(which);
    pump.release(released);
    return { released: released.length };
  },
  discard(which) {
    const { pump, room } = wire();
    const discarded = room.release(which);
    pump.discard(discarded);
    return { discarded: discarded.length };
  },
  async seen({ pattern: asked, after, withinMs }) {
    const pattern = inside(asked);
    if (withinMs === undefined) return { sighting: await whenSeen(wire(), pattern, after) };
    const sighting = await seenWithin(wire(), pattern, after, withinMs * 1e6, () => ++echoes);
    return sighting ? { sighting } : {};
  },
  answers: async ({ n }) => ({ segments: await whenAnswered(wire(), n, ++echoes) }),
  count: ({ pattern }) => ({ count: countSeen(wire(), inside(pattern)) }),
  inject({ forgery }) {
    const { pump } = wire();
    const connection = connectionOf(wire(), forgery);
    const begins = connection.id === 0;
    const n = pump.emit(forgery.from, forge(forgery, connection), { do: 'forged' }, { begins });
    pump.tellAll();
    return { n };
  },
  injectRaw({ from, hex, mayBeRefused }) {
    const n = wire().pump.emit(
      from,
      Buffer.from(hex, 'hex'),
      { do: 'forged' },
      { mayBeRefused: mayBeRefused === true },
    );
    wire().pump.tellAll();
    return { n };
  },
  replay({ n }) {
    const { from, bytes } = wholePacket(n);
    const again = wire().pump.emit(from, bytes, { do: 'replay', of: n });
    wire().pump.tellAll();
    return { n: again };
  },
  icmp({ n, said }) {
    const { from, bytes } = wholePacket(n);
    const { bytes: message, type, code } = icmpAbout(bytes, said);
    const deed = { do: 'forged', as: 'unreachable', of: n, icmp: { type, code, ...said } } as const;
    const answer = wire().pump.emit(otherEnd(from), message, deed);
    wire().pump.tellAll();
    return { n: answer };
  },
  translate({ forgetAfterMs, afterwards, ports }) {
    const { pump, outside, history } = wire();
    pump.drain();
    mayBegin(pump.translation, history.connection(1));
    const forgetting = {
      afterwards,
      ...(forgetAfterMs !== undefined && { afterNs: forgetAfterMs * 1e6 }),
      ...(ports !== undefined && { ports }),
    };
    pump.translation = new Translation(outside, forgetting, (event) => pump.note(event));
    return { outside };
  },
  forget() {
    const { pump } = wire();
    pump.drain();
    const forgotten = pump.translation?.forgetAll(now()) ?? 0;
    pump.tellAll();
    return { forgotten };
  },
  mappings() {
    const { pump } = wire();
    pump.drain();
    const mappings = pump.translation?.mappings(now()) ?? [];
    pump.tellAll();
    return { mappings };
  },
  outside({ inside: address }) {
    const { pump } = wire();
    pump.drain();
    const found = pump.translation?.outsideOf(address);
    return found ? { outside: found } : {};
  },
  flush,
  statistics() {
    const { room } = wire();
    return { ...wire().statistics(), held: stillHeld(room.held(), (id) => ruleText(rules[id - 1] as Rule)) };
  },
});

serve<WireVerbs>(obey, end);
const atStart = traces();
