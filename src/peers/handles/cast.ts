import { acceptedOption, acceptedSetting } from '../../experiment/accepted-steps.ts';
import type { Answer, SetOptions, Step, WithOptions } from '../../experiment/handles.ts';
import type { Lab } from '../../lab/lab.ts';
import type { CellObservers } from '../../observers/observers.ts';
import type { Event, Ns } from '../../record/event.ts';
import type { SocketOption } from '../../tcp/socket-options.ts';
import type { PeerProcess } from '../process.ts';
import type { Verbs } from '../protocol.ts';
import type { Steps } from '../step.ts';
import type { Registry } from './registry.ts';

/** What every handle of a scenario needs of its cell. */
export interface Cast {
  readonly lab: Lab;
  readonly observers: CellObservers;
  readonly steps: Steps;
  readonly registry: Registry;
  readonly now: () => Ns;
  readonly record: (event: Event) => void;
  /** The pids of programs that peers started, which end with the cell. */
  readonly programs: { add(pid: number): void };
  /** The experiment's `connections`. */
  readonly labels: readonly string[];
}

/** Makes a step of a peer's answer; the observers look when it comes. */
export function take<T>({ steps, observers }: Cast, what: string, answer: Promise<Answer<T>>): Step<T> {
  return steps.take(
    what,
    answer.finally(() => observers.nudge()),
  );
}

/** The options of a peer's socket, by number; `what` names the socket in messages. */
export function optionsOf(cast: Cast, process: PeerProcess, socket: number, what: string): WithOptions {
  return {
    set(option, value, how: SetOptions = {}) {
      acceptedSetting(option, value, how);
      return take(cast, `${what}.set ${option}`, setOption(process, { socket, option, value, ...how }));
    },
    get<O extends SocketOption>(option: O) {
      acceptedOption('get', option);
      return take(cast, `${what}.get ${option}`, process.ask('get', { socket, option })) as unknown as Step<never>;
    },
    linger: () => take(cast, `${what}.get SO_LINGER`, process.ask('linger', { socket })),
  };
}

/** Send a socket's descriptor from one peer to another, which has a copy then: its number there. */
export async function pass(from: PeerProcess, socket: number, to: PeerProcess): Promise<Answer<number>> {
  const opened = await to.ask('openMailbox', {});
  if (!opened.ok) return opened;
  const sent = await from.ask('handOver', { socket, mailbox: opened.value.name });
  if (!sent.ok) return sent;
  const taken = await to.ask('takeOver', { mailbox: opened.value.mailbox });
  return taken.ok ? { ...taken, value: taken.value.handed } : taken;
}

/** What the kernel kept is for the record. */
async function setOption(process: PeerProcess, ask: Verbs['set']['ask']): Promise<Answer> {
  const answer = await process.ask('set', ask);
  return answer.ok ? { ...answer, value: undefined } : answer;
}
