/**
 * A peer: a process that obeys the scenario's steps with real net sockets, in one cell after the other. It starts in 30 ms because it
 * imports node:net and native/ only.
 */

import { clockSince } from '../native/clock.ts';
import { enterNamespace, returnHome } from '../native/namespaces.ts';
import type { Handlers, Obey } from '../process/protocol.ts';
import { byHandlers, serve, startedWith, tellHarness } from '../process/serve.ts';
import { watchStalls } from '../process/stalls.ts';
import { traces } from '../process/traces.ts';
import type { Ns } from '../record/event.ts';
import { relax } from './moment.ts';
import { makePart, type Part } from './part.ts';
import type { Lending, PeerArguments, PeerProtocol, Told, Verb, Verbs } from './protocol.ts';

/** Shorter ones are of every day. */
const shortestLateNs = 20e6;

const { parent, originNs } = startedWith<PeerArguments>();
const origin = BigInt(originNs);
const now = clockSince(origin);
let part: Part | undefined;

/** A peer that ends by itself has closed its channel. */
const tell = (saw: Told['saw']): void => {
  if (process.connected) tellHarness<Told>({ saw });
};
const tellLate = (t: Ns, ns: Ns): void => {
  if (part && ns >= shortestLateNs) part.tell({ t, source: 'peer', kind: 'late', peer: part.name, ns });
};
const stalls = watchStalls(now, tellLate);
// until it is in a cell
stalls.pause();
process.on('SIGCONT', () => stalls.resumed());

let openedAt = now();

async function step<V extends Verb>(verb: V, ask: Verbs[V]['ask']) {
  if (!part) throw new Error('it is in no cell');
  const { name } = part;
  stalls.attend();
  if (verb === 'connect' || verb === 'open' || verb === 'listen') openedAt = now();
  const answer = await part.obey(verb, ask);
  if (verb === 'sync') part.tell({ t: now(), source: 'peer', kind: 'stall', peer: name, ns: stalls.longest(openedAt) });
  return answer;
}

const lending: Handlers<Lending> = {
  enter({ name, index, path }) {
    if (part) throw new Error(`it is ${part.name} already`);
    stalls.attend();
    enterNamespace(path);
    part = makePart({ name, index, now, origin, parent }, stalls, tell);
    openedAt = now();
  },
  async leave() {
    const running = part?.running ?? 0;
    part?.end();
    part = undefined;
    stalls.pause();
    returnHome();
    relax();
    return { left: running > 0 ? ['steps that have not ended'] : await atStart.since() };
  },
};
const obeyLending = byHandlers(lending);

const isLending = (verb: Verb | keyof Lending): verb is keyof Lending => Object.hasOwn(lending, verb);
const obey = (verb: Verb | keyof Lending, ask: never) => (isLending(verb) ? obeyLending(verb, ask) : step(verb, ask));

serve<PeerProtocol>(obey as Obey<PeerProtocol>);
const atStart = traces();
