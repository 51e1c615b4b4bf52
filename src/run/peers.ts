import { LingerlabError } from '../errors.ts';
import { succeeded } from '../experiment/answer.ts';
import type { Answer, Peer } from '../experiment/handles.ts';
import type { Cast } from '../peers/handles/cast.ts';
import { peerHandle } from '../peers/handles/peer.ts';
import { Registry } from '../peers/handles/registry.ts';
import { type PeerProcess, startPeer } from '../peers/process.ts';
import type { End } from '../tcp/states.ts';
import type { Playing } from './playing.ts';
import type { ScenarioWork } from './work.ts';

/** A peer that is stopped or blocked does not answer; what it told before is in the record. */
const settleMs = 250;

/** Whether a peer answers; one that has ended has nothing more to tell. */
const answers = (process: PeerProcess): Promise<boolean> =>
  process.ask('sync', {}, settleMs).then(
    () => true,
    (error: unknown) => error instanceof LingerlabError && error.code !== 'NO_ANSWER',
  );

/** The peers of a cell, which end with it. */
export interface Peers extends AsyncDisposable {
  readonly registry: Registry;
  start(name: string, where: End, uid?: number): Promise<Answer<Peer>>;
  /** Those in that end's namespace. */
  at(where: End): readonly PeerProcess[];
  /** Resolves when every peer that lives has told all it saw. */
  settle(): Promise<void>;
  /** Those that live and do not answer. */
  silent(): Promise<readonly string[]>;
  /** What each peer wrote. */
  logs(): readonly { readonly peer: string; readonly text: string }[];
}

/** Makes a cell's peers, none of which is started. */
export function makePeers({ observers, origin, meter, definition }: ScenarioWork, playing: Playing): Peers {
  const { lab, watching, steps, now, record, failure, signal } = playing;
  const registry = new Registry();
  const cast: Cast = { lab, observers: watching, steps, registry, now, record, labels: definition.connections ?? [] };
  const stack = new AsyncDisposableStack();
  const started: { readonly process: PeerProcess; readonly end: End }[] = [];
  let count = 0;
  return {
    registry,
    async start(name, end, uid) {
      const index = count++;
      const process = await startPeer({
        name,
        index,
        space: lab.space(end),
        origin,
        until: signal,
        spawned: (pid) => observers.guard(pid),
        spent: meter.peer,
        saw: record,
        died: (error) => failure.abort(error),
      });
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
    logs: () => started.map(({ process }) => ({ peer: process.name, text: process.log() })),
    async settle() {
      const asked = started.map(async ({ process }) => {
        // it will not tell by itself how late it was
        if (!(await answers(process)))
          record({ t: now(), source: 'peer', kind: 'late', peer: process.name, ns: settleMs * 1e6 });
      });
      await Promise.all(asked);
    },
    async silent() {
      const asked = started.map(async ({ process }) => ((await answers(process)) ? [] : [`peer ${process.name}`]));
      return (await Promise.all(asked)).flat();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
