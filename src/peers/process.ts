import { setTimeout as sleep } from 'node:timers/promises';
import { LingerlabError } from '../errors.ts';
import { succeeded } from '../experiment/answer.ts';
import type { Answer, EndBy, Ended } from '../experiment/handles.ts';
import type { Space } from '../lab/space.ts';
import { type Clock, clockSince } from '../native/clock.ts';
import { processState } from '../native/process-state.ts';
import type { Company, Player, PlayerStart } from '../process/company.ts';
import { partCpu, staysBehind } from '../process/part.ts';
import { startWorker, type Worker } from '../process/worker.ts';
import type { Event } from '../record/event.ts';
import type { OwnEnd, PeerArguments, PeerProtocol, Told, Verb, Verbs } from './protocol.ts';
import { tookEffect } from './signals.ts';

/** A peer's process as the harness sees it, in the cell that it plays in. */
export interface PeerProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Waits for as long as the cell may take, or as `deadlineMs` says. */
  ask<V extends Verb>(verb: V, ask: Verbs[V]['ask'], deadlineMs?: number): Promise<Answer<Verbs[V]['value']>>;
  /** Resolves when the signal has taken effect: delivered, stopped, going on by /proc; ended by wait(2). */
  signal(name: NodeJS.Signals): Promise<void>;
  /** End it; resolves when it is gone. */
  end(by: EndBy): Promise<Answer<Ended>>;
  /** What it wrote to standard output and error. */
  log(): string;
}

export interface PeerOptions {
  readonly name: string;
  readonly space: Space;
  /** Counts the cell's peers. */
  readonly index: number;
  /** Aborted when the cell is to end; ends all waits. */
  readonly until: AbortSignal;
  /** Called when the part is over, with the seconds of CPU that it used; 0 if the process had ended before. */
  readonly spent: (cpu: number) => void;
  readonly saw: (event: Event) => void;
  /** Called when the process ends though the harness did not stop it. */
  readonly died: (error: LingerlabError) => void;
}

/** Processes that play the peers of a session's cells. */
export type PeerCompany = Company<PeerOptions, PeerProcess>;

/** What they share. */
export interface PlayersOptions {
  readonly origin: bigint;
  /** Called at once with each pid. */
  readonly spawned: (pid: number) => void;
}

/** How long a peer may take to close what it has. */
const leaveMs = 2000;

/** What one part has done to the process. */
interface Playing {
  readonly part: PeerOptions;
  /** Why nobody else can have the process. */
  readonly marks: Set<string>;
}

/** Starts a process that plays peers; resolves when it obeys. Rejects with PEER_DIED or NO_ANSWER where it does not come to that. */
export async function startPlayer(
  { origin, spawned }: PlayersOptions,
  { name: first, until, once, over }: PlayerStart,
): Promise<Player<PeerOptions, PeerProcess>> {
  const argument: PeerArguments = { parent: process.pid, originNs: String(origin) };
  const now = clockSince(origin);
  let playing: Playing | undefined;
  let ending = '';
  const called = (): string => `peer ${playing?.part.name ?? first()}`;
  const worker: Worker<PeerProtocol> = await startWorker<PeerProtocol, Told>({
    name: called,
    entry: 'peers/main',
    argument,
    spawned,
    until,
    told: (told) => playing?.part.saw(told.saw),
    refused: (verb, message) =>
      new LingerlabError('PEER_DIED', `${called()} could not ${verb}: ${message}`, 'report this'),
    died(how, log) {
      ending = how;
      return new LingerlabError(
        'PEER_DIED',
        `${called()} ended: ${how}${log && `; it wrote: ${log.slice(-500)}`}`,
        "read the peer's whole output in the cell's folder: <peer>.log",
      );
    },
    // between two parts nobody misses it: the next ask finds it dead
    surprised: (error) => playing?.part.died(error),
  });

  const cpu = partCpu(worker.pid);

  async function leave({ part, marks }: Playing): Promise<readonly string[]> {
    const known = [...marks, ...staysBehind(worker, part.until)];
    if (known.length > 0) return known;
    try {
      return (await worker.ask('leave', {}, leaveMs)).left;
    } catch {
      return ['no answer'];
    }
  }

  return {
    /** Rejects with PEER_DIED, NO_ANSWER, or the reason of `until`. */
    async play(part) {
      const own: Playing = { part, marks: new Set() };
      playing = own;
      const { name, index, space } = part;
      await worker.ask('enter', { name, index, path: space.path }, part.until);
      return {
        ...acting(worker, own, { now, how: () => ending }),
        async [Symbol.asyncDispose]() {
          cpu.look();
          const left = once ? [] : await leave(own);
          playing = undefined;
          part.spent(cpu.take());
          await over(left);
        },
      };
    },
    // nothing to flush: the process has reported its events, and the kernel closes its sockets
    end: () => worker.end(),
  };
}

/** What a scenario's handles do with a process. */
function acting(
  worker: Worker<PeerProtocol>,
  { part: { name, until }, marks }: Playing,
  { now, how }: { readonly now: Clock; readonly how: () => string },
): Omit<PeerProcess, typeof Symbol.asyncDispose> {
  const askToEnd = async (way: OwnEnd): Promise<number> => {
    const answer = await worker.ask('end', { way }, until);
    if (!answer.ok) throw new Error(`${name} does not end: ${answer.errno}`);
    return answer.value.atNs;
  };
  return {
    name,
    pid: worker.pid,
    log: () => worker.log(),
    ask: (verb, ask, deadlineMs) => worker.ask(verb, ask, deadlineMs ?? until),
    async signal(signal) {
      if (signal === 'SIGSTOP') marks.add('a stop');
      else if (signal === 'SIGCONT') marks.delete('a stop');
      else marks.add('a signal');
      if (signal === 'SIGKILL' || signal === 'SIGTERM') worker.expectEnd();
      worker.signal(signal);
      while (!tookEffect(worker.pid, signal)) await sleep(1);
      // a process whose first thread has ended may still have others, and with them its listeners: it is gone when wait(2) says so
      if (processState(worker.pid) === null) await worker.ended;
    },
    async end(by) {
      marks.add('its end');
      worker.expectEnd();
      let began = now();
      if (by === 'SIGTERM' || by === 'SIGKILL') worker.signal(by);
      else began = await askToEnd(by);
      await worker.ended;
      const ns = now() - began;
      return succeeded({ how: how(), ms: ns / 1e6 }, ns);
    },
  };
}
