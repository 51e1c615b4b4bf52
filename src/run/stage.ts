import { setTimeout as sleep } from 'node:timers/promises';
import { acceptedEndpoint } from '../experiment/accepted.ts';
import { acceptedArgument, acceptedSeconds, acceptedStart, acceptedStates } from '../experiment/accepted-steps.ts';
import type { CloseBy, Endpoint, Peer } from '../experiment/handles.ts';
import type { AnyStage } from '../experiment/stage.ts';
import type { Wire } from '../experiment/wire.ts';
import type { Lab } from '../lab/lab.ts';
import { until, untilText } from '../peers/handles/until.ts';
import type { Event } from '../record/event.ts';
import { type Declaration, type FactValue, type UnknownFact, valueProblem } from '../record/fact.ts';
import type { Network } from '../tcp/network.ts';
import { type End, ends } from '../tcp/states.ts';
import { makeWire } from '../wire/stage.ts';
import { instruments } from './instruments.ts';
import type { Peers } from './peers.ts';
import type { Playing } from './playing.ts';
import type { ScenarioWork, Work } from './work.ts';

/** Facts of the experiment's own that a scenario has set, and why it could not set others. */
export interface Notes {
  readonly facts: Readonly<Record<string, FactValue | null>>;
  readonly unknown: Readonly<Record<string, UnknownFact>>;
}

/**
 * How far ahead a common moment lies: two messages to two processes took 0.2 ms, up to 3 ms with both cores busy. It comes
 * before the sample that follows each step after 15 ms, whose `ss` would take one of two cores from a peer.
 */
const soonNs = 10_000_000;

/** Starts the client and the server, and makes the stage they play on. */
export async function makeStage(
  work: ScenarioWork,
  playing: Playing,
  peers: Peers,
  events: readonly Event[],
): Promise<{ readonly stage: AnyStage; readonly notes: Notes }> {
  const { definition, observers, slot } = work;
  const { steps, now } = playing;
  const [client, server] = await Promise.all([ours(peers, 'client'), ours(peers, 'server')]);
  const waiting = {
    ...playing,
    observers: playing.watching,
    siteOf: (side: Parameters<Lab['siteOf']>[0]) => playing.lab.siteOf(side),
    events,
    sight: observers.sight,
    resting: <T>(wait: () => Promise<T>) => slot.while(wait),
  };
  const wire = lazyWire(playing);
  const { notes, note, noteUnknown } = noting(definition.measures);
  const names = new Set<string>(ends);
  const stage: AnyStage = {
    client,
    server,
    get wire() {
      return wire();
    },
    ...instruments(playing, peers, events),
    start(name, chosen = 'client') {
      const { where = 'client', uid } = acceptedStart(name, chosen);
      if (names.has(name))
        throw new TypeError(`start(): name: this cell already has a peer '${name}'; choose another name`);
      names.add(name);
      const as = uid === undefined ? '' : ` as user ${uid}`;
      return steps.take(`start ${name}${as}`, peers.start(name, where, uid));
    },
    until(endpoint, ...wanted) {
      const placed = peers.registry.endpoint(endpoint);
      acceptedStates(wanted);
      return steps.wait(() => untilText(placed, wanted, waiting), until(placed, wanted, waiting));
    },
    closeInTurn(first, second, by = 'destroy') {
      acceptedEndpoint('closeInTurn(): first', first);
      acceptedEndpoint('closeInTurn(): second', second);
      if (first.end === second.end)
        throw new TypeError('closeInTurn(): the arguments must be the two ends of one connection');
      acceptedArgument('closeInTurn(): by', by);
      return steps.wait(() => 'closeInTurn', closeInTurn(stage, first, second, by));
    },
    rest: resting(work, playing),
    soon: () => ({ ns: now() + soonNs }),
    note,
    noteUnknown,
  };
  return { stage, notes };
}

/**
 * One end closes, then the other: when the FIN of the first is acknowledged, so that no acknowledgement crosses the FIN of the second,
 * meets TIME-WAIT, and ends it (RFC 1337).
 */
async function closeInTurn({ until }: AnyStage, first: Endpoint, second: Endpoint, by: CloseBy): Promise<void> {
  await first.close(by);
  // where TIME-WAIT is not kept, FIN-WAIT-2 may not be either
  await until(first, 'FIN-WAIT-2', 'CLOSED');
  await second.ended();
  await second.close();
  await Promise.all([until(first, 'TIME-WAIT', 'CLOSED'), until(second, 'CLOSED'), first.gone(), second.gone()]);
}

async function ours(peers: Peers, end: End): Promise<Peer> {
  const started = await peers.start(end, end);
  if (!started.ok) throw new TypeError('nobody asked for another user');
  return started.value;
}

/** The wire of a cell, made when its scenario first asks for it. */
export function lazyWire({ lab, steps }: Playing): () => Wire {
  let wire: Wire | undefined;
  return () => {
    wire ??= lab.wire ? makeWire(lab.wire, steps) : noWire(lab.network);
    return wire;
  };
}

/** The wire of a cell without one: a scenario may name it, `{ client, wire }`, and to use it throws TypeError. */
const noWire = (network: Network): Wire =>
  new Proxy({} as Wire, {
    get(_, verb) {
      throw new TypeError(
        `wire.${String(verb)}: this cell has no wire, its network is ${network}; set network: 'wire' in the experiment`,
      );
    },
  });

/** A stage's `rest`: others are at work meanwhile, and the cell goes on at once, whoever is. */
export const resting =
  ({ slot }: Work, { signal }: Playing) =>
  (seconds: number): Promise<void> => {
    acceptedSeconds('rest()', seconds);
    const over = sleep(seconds * 1000, undefined, { signal });
    slot.lend(over);
    return over;
  };

/** A stage's `note` and `noteUnknown`, and what came of them. */
export function noting(measures: Readonly<Record<string, Declaration>> = {}) {
  const facts: Record<string, FactValue | null> = {};
  const unknown: Record<string, UnknownFact> = {};
  const declaredAs = (verb: string, name: string): Declaration => {
    if (name.startsWith('counters.'))
      throw new TypeError(`${verb}: '${name}' is a kernel counter, which lingerlab reads itself`);
    const declared = Object.hasOwn(measures, name) ? measures[name] : undefined;
    if (!declared) throw new TypeError(`${verb}: '${name}' is not declared; add it to the experiment's measures`);
    return declared;
  };
  const note = (name: string, value: unknown): void => {
    const problem = valueProblem(declaredAs('note', name), value);
    if (problem) throw new TypeError(`note: '${name}' ${problem}`);
    facts[name] = value as FactValue;
    delete unknown[name];
  };
  const noteUnknown = (name: string, why: string): void => {
    declaredAs('noteUnknown', name);
    if (typeof why !== 'string' || why.trim() === '')
      throw new TypeError(`noteUnknown: '${name}': why must be a text with the reason why the fact was not observed`);
    facts[name] = null;
    unknown[name] = { code: 'not-noted', text: why };
  };
  const notes: Notes = { facts, unknown };
  return { notes, note, noteUnknown };
}
