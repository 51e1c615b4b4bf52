import { LingerlabError } from '../errors.ts';
import { succeeded } from '../experiment/answer.ts';
import type { Answer, Peer } from '../experiment/handles.ts';
import type { Cast } from '../peers/handles/cast.ts';
import { peerHandle } from '../peers/handles/peer.ts';
import { Registry } from '../peers/handles/registry.ts';
import type { PeerProcess } from '../peers/process.ts';
import type { Event } from '../record/event.ts';
import type { Warning } from '../record/schema.ts';
import type { Site } from '../tcp/network.ts';
import { ends } from '../tcp/states.ts';
import type { Playing } from './playing.ts';
import { makePrograms } from './programs.ts';
import type { ScenarioWork } from './work.ts';

/** Time in which a peer must answer. A stopped or blocked peer does not; what it reported before is in the record. */
const settleMs = 250;

/** Returns whether a peer answers, or has ended: an ended peer reports nothing more. */
const answers = (process: PeerProcess): Promise<boolean> =>
  process.ask('sync', {}, settleMs).then(
    () => true,
    (error: unknown) => error instanceof LingerlabError && error.code !== 'NO_ANSWER',
  );

/** The client and the server of a cell; any other peer is one that the scenario starts. */
const isEnd = (name: string): boolean => (ends as readonly string[]).includes(name);

/** The peers of a cell, whose parts end with it. */
export interface Peers extends AsyncDisposable {
  readonly registry: Registry;
  start(name: string, where: Site, uid?: number): Promise<Answer<Peer>>;
  /** Returns the peers in an end's namespace. */
  at(where: Site): readonly PeerProcess[];
  /** Resolves when every living peer has reported all its events. */
  settle(): Promise<void>;
  /** Returns the names of living peers that do not answer. */
  silent(): Promise<readonly string[]>;
  /** Returns what each peer wrote. */
  logs(): readonly { readonly peer: string; readonly text: string }[];
}

/** Makes a cell's peers, none of which is started; `warned` hears of what does not end with them. */
export function makePeers(
  { observers, company, meter, definition, planned }: ScenarioWork,
  playing: Playing,
  warned: (warning: Warning) => void,
): Peers {
  const { lab, watching, steps, now, record, failure, signal } = playing;
  const registry = new Registry();
  const stack = new AsyncDisposableStack();
  const started: { readonly process: PeerProcess; readonly end: Site }[] = [];
  let count = 0;
  const programs = makePrograms((pid) => observers.guard(pid));
  const labels = definition.connections ?? [];
  const cast: Cast = { lab, observers: watching, steps, registry, now, record, programs, labels };
  const wrote = new Map<string, string>();
  const saw = (event: Event): void => {
    record(event);
    if (event.kind !== 'program-line') return;
    const name = `${event.peer}.${event.program}`;
    wrote.set(name, `${wrote.get(name) ?? ''}${event.stream}: ${event.text}\n`);
  };
  return {
    registry,
    async start(name, end, uid) {
      const index = count++;
      const part = {
        name,
        index,
        space: lab.space(end),
        until: signal,
        spent: meter.peer,
        saw,
        died: (error: Error) => failure.abort(error),
      };
      // how a race goes depends on what its processes have run before: warm ones close closer together, and more FINs cross
      const isFresh = !isEnd(name) || planned.race || definition.freshPeers === true;
      const process = await company.hire(part, isFresh);
      if (stack.disposed) {
        await process[Symbol.asyncDispose]();
        throw new TypeError(`${name} was started when its cell was over`);
      }
      stack.use(process);
      started.push({ process, end });
      const became = uid === undefined ? undefined : await process.ask('become', { uid });
      if (became?.ok === false) return became;
      return succeeded(peerHandle(cast, { process, end }), became?.ns ?? 0);
    },
    at: (where) => started.filter(({ end }) => end === where).map(({ process }) => process),
    logs: () => [
      ...started.map(({ process }) => ({ peer: process.name, text: process.log() })),
      ...[...wrote].map(([peer, text]) => ({ peer, text })),
    ],
    async settle() {
      const asked = started.map(async ({ process }) => {
        // a peer that does not answer cannot report how late it was
        if (!(await answers(process)))
          record({ t: now(), source: 'peer', kind: 'late', peer: process.name, ns: settleMs * 1e6 });
      });
      await Promise.all(asked);
    },
    async silent() {
      const asked = started.map(async ({ process }) => ((await answers(process)) ? [] : [`peer ${process.name}`]));
      return (await Promise.all(asked)).flat();
    },
    async [Symbol.asyncDispose]() {
      for (const warning of await programs.end()) warned(warning);
      await stack.disposeAsync();
    },
  };
}
