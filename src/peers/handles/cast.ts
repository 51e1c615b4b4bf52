import {
  acceptedNumbered,
  acceptedOption,
  acceptedOptionBytes,
  acceptedOptionLength,
  acceptedOptions,
  acceptedSetting,
} from '../../experiment/accepted-steps.ts';
import type { Answer, SetOptions, Step, WithOptions } from '../../experiment/handles.ts';
import type { Lab } from '../../lab/lab.ts';
import type { CellObservers } from '../../observers/observers.ts';
import type { Event, Ns } from '../../record/event.ts';
import type { NumberedOption } from '../../tcp/socket-options.ts';
import type { PeerProcess } from '../process.ts';
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
  /** Programs that peers started, which end with the cell. */
  readonly programs: { add(pid: number, name: string): void };
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
  const step = <T>(does: string, answer: Promise<Answer<T>>): Step<T> => take(cast, `${what}.${does}`, answer);
  function set(option: unknown, value: unknown, how: SetOptions = {}): Step {
    if (acceptedNumbered('set', option)) {
      acceptedOptions('set', how);
      const hex = Buffer.from(acceptedOptionBytes(value)).toString('hex');
      return step(`set ${nameOf(option)}`, without(process.ask('setNumbered', { socket, ...option, hex, ...how })));
    }
    const setting = acceptedSetting(option, value, how);
    return step(`set ${setting.option}`, without(process.ask('set', { socket, ...setting, ...how })));
  }
  function get(option: unknown, length: unknown = 4): Step<never> {
    if (acceptedNumbered('get', option)) {
      const asked = process.ask('getNumbered', { socket, ...option, length: acceptedOptionLength(length) });
      return step(`get ${nameOf(option)}`, bytesOf(asked)) as Step<never>;
    }
    acceptedOption('get', option);
    return step(`get ${option}`, process.ask('get', { socket, option })) as Step<never>;
  }
  return {
    set,
    get: get as WithOptions['get'],
    linger: () => step('get SO_LINGER', process.ask('linger', { socket })),
  };
}

const nameOf = ({ level, name }: NumberedOption): string => `${level} ${name}`;

async function bytesOf(answer: Promise<Answer<string>>): Promise<Answer<Uint8Array>> {
  const got = await answer;
  return got.ok ? { ...got, value: Uint8Array.from(Buffer.from(got.value, 'hex')) } : got;
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
async function without(answer: Promise<Answer<unknown>>): Promise<Answer> {
  const given = await answer;
  return given.ok ? { ...given, value: undefined } : given;
}
