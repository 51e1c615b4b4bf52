import { LingerlabError, messageOf } from '../errors.ts';
import type { Company, Player, PlayerStart } from '../process/company.ts';
import { answerMs } from '../process/deadline.ts';
import { partCpu, staysBehind } from '../process/part.ts';
import { startWorker } from '../process/worker.ts';
import type { Address } from '../tcp/address.ts';
import type { ToldPacket, WireArguments, WireTold, WireVerb, WireVerbs } from './protocol.ts';

/** The wire of one cell as the harness sees it. Its disposal rejects with WIRE_DIED where it could not finish its capture. */
export interface WireProcess extends AsyncDisposable {
  readonly pid: number;
  /**
   * Rejects with WIRE_REFUSED where the wire cannot do it, with WIRE_DIED where it has ended. Waits for as long as the cell may
   * take, or as `deadlineMs` says.
   */
  ask<V extends WireVerb>(verb: V, ask: WireVerbs[V]['ask'], deadlineMs?: number): Promise<WireVerbs[V]['value']>;
  /** What the server's end knows an address of the client's end as: another one where the wire translates. */
  outside(inside: Address): Promise<Address>;
}

/** The wire of one cell. */
export interface WirePart {
  readonly name: string;
  readonly opening: WireVerbs['open']['ask'];
  /** Aborted when the cell is to end: then no step of the wire is waited for. */
  readonly until: AbortSignal;
  readonly saw?: (event: ToldPacket) => void;
  /** Called when the process ends though nobody stopped it. */
  readonly died?: (error: LingerlabError) => void;
  /** Called when the part is over, with the seconds of CPU that it used. */
  readonly spent?: (cpu: number) => void;
}

/** Processes that carry the wires of a session's cells. */
export type WireCompany = Company<WirePart, WireProcess>;

/** What they share. */
export interface WiresOptions {
  readonly origin: bigint;
  /** Called at once with each pid. */
  readonly spawned?: (pid: number) => void;
}

/** To write what was captured. */
const closeMs = 2000;

/** Starts a process for wires. Rejects with WIRE_DIED or NO_ANSWER where it does not start. */
export async function startWire(
  { origin, spawned }: WiresOptions,
  { name, until, once, over }: PlayerStart,
): Promise<Player<WirePart, WireProcess>> {
  const argument: WireArguments = { parent: process.pid, originNs: String(origin) };
  let playing: WirePart | undefined;
  let unclean: LingerlabError | undefined;
  const worker = await startWorker<WireVerbs, WireTold>({
    name,
    entry: 'wire/main',
    cleansUp: true,
    argument,
    until,
    ...(spawned && { spawned }),
    told: ({ seen }) => {
      for (const event of seen) playing?.saw?.(event);
    },
    refused: (verb, message) =>
      new LingerlabError('WIRE_REFUSED', `wire ${verb}: ${message}`, 'correct this step of the scenario'),
    died: (how, log) =>
      new LingerlabError('WIRE_DIED', `the wire ended: ${how}${log && `; it wrote: ${log.slice(-500)}`}`, 'run again'),
    // between two parts nobody misses it: the next ask finds it dead
    surprised: (error) => playing?.died?.(error),
    unclean: (error) => {
      unclean = error;
    },
  });

  const cpu = partCpu(worker.pid);

  async function end(): Promise<void> {
    await worker.end(closeMs);
    // its capture may lack its end
    if (unclean) throw unclean;
  }

  /** Why nobody else can have the process. Rejects with WIRE_DIED where the capture may lack its end. */
  async function leave({ until }: WirePart): Promise<readonly string[]> {
    if (once) return [];
    const known = staysBehind(worker, until);
    if (known.length > 0) return known;
    try {
      return (await worker.ask('close', {}, closeMs)).left;
    } catch (error) {
      throw new LingerlabError('WIRE_DIED', `the wire could not finish its capture: ${messageOf(error)}`, 'run again');
    }
  }

  return {
    /** Rejects with WIRE_REFUSED where it cannot be opened. */
    async play(part) {
      playing = part;
      let translates = false;
      await worker.ask('open', part.opening, answerMs);
      return {
        pid: worker.pid,
        ask(verb, ask, deadlineMs) {
          translates ||= verb === 'translate';
          return worker.ask(verb, ask, deadlineMs ?? part.until);
        },
        // without a translation nobody is asked
        outside: async (inside) =>
          (translates && (await worker.ask('outside', { inside }, part.until)).outside) || inside,
        async [Symbol.asyncDispose]() {
          cpu.look();
          let left: readonly string[] = ['an unfinished capture'];
          try {
            left = await leave(part);
          } finally {
            playing = undefined;
            part.spent?.(cpu.take());
            await over(left);
          }
        },
      };
    },
    end,
  };
}
