import { setTimeout as sleep } from 'node:timers/promises';
import { LingerlabError } from '../errors.ts';
import { succeeded } from '../experiment/answer.ts';
import type { Answer, EndBy, Ended } from '../experiment/handles.ts';
import type { Space } from '../lab/space.ts';
import { clockSince } from '../native/clock.ts';
import { cpuOf } from '../native/cpu.ts';
import { processState } from '../native/process-state.ts';
import { startWorker } from '../process/worker.ts';
import type { Event } from '../record/event.ts';
import type { OwnEnd, PeerArguments, PeerProtocol, Told, Verb, Verbs } from './protocol.ts';
import { tookEffect } from './signals.ts';

/** A peer's process as the harness sees it. */
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
  readonly origin: bigint;
  /** Aborted when the cell is to end: then nothing more is waited for. */
  readonly until: AbortSignal;
  /** Told at once of its pid. */
  readonly spawned: (pid: number) => void;
  /** Told of the seconds of CPU that it had used when it was told to end; 0 when it had ended before. */
  readonly spent: (cpu: number) => void;
  readonly saw: (event: Event) => void;
  /** The process ended though nobody stopped it. */
  readonly died: (error: LingerlabError) => void;
}

/** Start a peer inside a namespace; resolves when it obeys. Rejects with PEER_DIED or NO_ANSWER where it does not come to that. */
export async function startPeer(options: PeerOptions): Promise<PeerProcess> {
  const { name, index, space, origin, until, spawned, spent, saw, died } = options;
  const argument: PeerArguments = { name, index, parent: process.pid, originNs: String(origin) };
  const now = clockSince(origin);
  let ending = '';
  const peer = `peer ${name}`;
  const worker = await startWorker<PeerProtocol, Told>({
    name: peer,
    entry: 'peers/main',
    argument,
    within: (start) => space.inside(start),
    spawned,
    until,
    told: (told) => saw(told.saw),
    refused: (verb, message) => new LingerlabError('PEER_DIED', `${peer} could not ${verb}: ${message}`, 'report this'),
    died(how, log) {
      ending = how;
      return new LingerlabError(
        'PEER_DIED',
        `${peer} ended: ${how}${log && `; it wrote: ${log.slice(-500)}`}`,
        'its whole output is in the cell folder of the run',
      );
    },
    surprised: died,
  });
  const askToEnd = async (way: OwnEnd): Promise<number> => {
    const answer = await worker.ask('end', { way });
    if (!answer.ok) throw new Error(`${name} does not end: ${answer.errno}`);
    return answer.value.atNs;
  };
  return {
    name,
    pid: worker.pid,
    log: () => worker.log(),
    ask: (verb, ask, deadlineMs) => worker.ask(verb, ask, deadlineMs),
    async signal(signal) {
      if (signal === 'SIGKILL' || signal === 'SIGTERM') worker.expectEnd();
      worker.signal(signal);
      while (!tookEffect(worker.pid, signal)) await sleep(1);
      // a process whose first thread has ended may still have others, and with them its listeners: it is gone when wait(2) says so
      if (processState(worker.pid) === null) await worker.ended;
    },
    async end(by) {
      worker.expectEnd();
      let began = now();
      if (by === 'SIGTERM' || by === 'SIGKILL') worker.signal(by);
      else began = await askToEnd(by);
      await worker.ended;
      const ns = now() - began;
      return succeeded({ how: ending, ms: ns / 1e6 }, ns);
    },
    async [Symbol.asyncDispose]() {
      spent(cpuOf(worker.pid) ?? 0);
      // nothing to flush: what it saw has been told, and its sockets' ends are the kernel's work
      await worker.end();
    },
  };
}
