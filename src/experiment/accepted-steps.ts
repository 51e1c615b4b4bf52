/**
 * What a scenario may say in a step of a peer, checked where it says it, as the wire's verbs are: one table. Everything throws
 * TypeError or RangeError with the step, the argument, and what is allowed.
 */
import { inspect } from 'node:util';
import type { SocketOption } from '../tcp/socket-options.ts';
import { ends, type State, states } from '../tcp/states.ts';
import { acceptedBytes, acceptedEnd, acceptedKeys, acceptedNumber, acceptedWord, type Limits } from './accepted.ts';
import type {
  BindOptions,
  CaughtSignal,
  CloseBy,
  CloseOptions,
  ConnectOptions,
  EndBy,
  ListenOptions,
  Reuse,
  SetOptions,
  StartOptions,
  Where,
  WriteOptions,
} from './handles.ts';
import type {
  PollOptions,
  PollWanted,
  RawBindOptions,
  RawConnectOptions,
  RawSocketOptions,
  RawWriteOptions,
  WaitOptions,
} from './raw.ts';

/** Checks one argument; `what` names it in a message. */
type Check = (what: string, value: unknown) => void;
type Words<W extends string> = Readonly<Record<W, true>>;

const number =
  (limits: Limits): Check =>
  (what, value) =>
    void acceptedNumber(what, value, limits);
const word =
  <W extends string>(words: Words<W>): Check =>
  (what, value) =>
    void acceptedWord(what, value, Object.keys(words));
const flag: Check = (what, value) => {
  if (typeof value !== 'boolean') throw new TypeError(`${what}: must be true or false, not ${inspect(value)}`);
};
const family: Check = (what, value) => {
  if (value !== 4 && value !== 6) throw new TypeError(`${what}: must be 4 or 6, not ${inspect(value)}`);
};
const text: Check = (what, value) => {
  if (typeof value !== 'string' || value === '')
    throw new TypeError(`${what}: must be a text that is not empty, not ${inspect(value)}`);
};
const instant: Check = (what, value) => {
  if (typeof (value as { ns?: unknown } | null)?.ns !== 'number')
    throw new TypeError(`${what}: must be a moment that soon() gave, not ${inspect(value)}`);
};

const port = number({ least: 0, most: 65_535 });
/** listen(2) takes an int, and what is below 0 for the most that there may be. */
const int = { least: -(2 ** 31), most: 2 ** 31 - 1 } as const;
const backlog = number(int);
const count = number({ least: 0 });
const at = word({ own: true, wildcard: true, other: true } satisfies Words<Where>);
const reuse = word({ none: true, addr: true, port: true, both: true } satisfies Words<Reuse>);
const netsCloses = { end: true, destroy: true, resetAndDestroy: true } as const;
const closes = { ...netsCloses, 'close(2)': true } as const satisfies Words<CloseBy>;
const caught = { SIGHUP: true, SIGALRM: true, SIGUSR2: true } as const satisfies Words<CaughtSignal>;
const signals = { ...caught, SIGKILL: true, SIGTERM: true, SIGSTOP: true, SIGCONT: true } as const;
const endings = {
  'process.exit': true,
  natural: true,
  exception: true,
  SIGTERM: true,
  SIGKILL: true,
} as const satisfies Words<EndBy>;

const pollable = {
  POLLIN: true,
  POLLPRI: true,
  POLLOUT: true,
  POLLRDHUP: true,
} as const satisfies Words<PollWanted>;
const seconds = number({ least: 0, whole: false });
const polled: Check = (what, value) => {
  if (!Array.isArray(value)) throw new TypeError(`${what}: must be a list, such as ['POLLIN'], not ${inspect(value)}`);
  for (const each of value) acceptedWord(what, each, Object.keys(pollable));
};

/** A check for every option that a step's type has. */
type Checks<Options> = { readonly [K in keyof Required<Options>]: Check };

const listenChecks: Checks<ListenOptions> = { family, port, at, reuse, backlog, allowHalfOpen: flag };
const connectChecks: Checks<ConnectOptions<string>> = {
  as: text,
  again: flag,
  allowHalfOpen: flag,
  localPort: port,
  family,
};
const closeChecks: Checks<CloseOptions> = { sending: count, at: instant, andThen: word(netsCloses) };
const bindChecks: Checks<BindOptions> = { family, port, at, reuse, noPort: flag, ipv6Only: flag };
const startChecks: Checks<StartOptions> = {
  where: (what, value) => void acceptedEnd(what, value),
  uid: number({ least: 0, most: 2 ** 32 - 2 }),
};
const setChecks: Checks<SetOptions> = { length: number({ least: 0, most: 2 ** 16 }) };
const writeChecks: Checks<WriteOptions> = { fill: text };
const waitChecks: Checks<WaitOptions> = { wait: flag };
const rawWriteChecks: Checks<RawWriteOptions> = { ...waitChecks, ...writeChecks };
const rawConnectChecks: Checks<RawConnectOptions> = { as: text, again: flag, family };
const rawBindChecks: Checks<RawBindOptions> = { port, at };
const socketChecks: Checks<RawSocketOptions> = { family };
const pollChecks: Checks<PollOptions> = { for: polled, within: seconds };
const { backlog: itsBacklog, allowHalfOpen: itsHalfOpen } = listenChecks;

/** The options of each step that has some. */
const optionsOf = {
  listen: listenChecks,
  bind: bindChecks,
  'bound.listen': { backlog: itsBacklog, allowHalfOpen: itsHalfOpen },
  queue: { backlog: itsBacklog },
  serve: { backlog: itsBacklog, allowHalfOpen: itsHalfOpen },
  socket: socketChecks,
  'raw.bind': rawBindChecks,
  'raw.connect': rawConnectChecks,
  'raw.accept': waitChecks,
  'raw.write': rawWriteChecks,
  read: waitChecks,
  poll: pollChecks,
  place: { family },
  knock: { family },
  connect: connectChecks,
  join: connectChecks,
  open: connectChecks,
  write: writeChecks,
  close: closeChecks,
  shutdown: closeChecks,
  start: startChecks,
  set: setChecks,
} as const satisfies Record<string, Readonly<Record<string, Check>>>;

/** The options of a step: none but those that it has, each as it may be. */
export function acceptedOptions(step: keyof typeof optionsOf, given: unknown): void {
  const checks: Readonly<Record<string, Check>> = optionsOf[step];
  const called = step.replace(/^raw\./, '');
  acceptedKeys(`${called}()`, given, Object.keys(checks));
  for (const [name, value] of Object.entries(given as object))
    if (value !== undefined) checks[name]?.(`${called}(): ${name}`, value);
}

/** Of one read(2) or write(2): they come and go in one message. */
const mostBytes = 2 ** 22;

/** What write(2) is given: so many bytes, or these. */
export function acceptedPayload(what: string, value: unknown): number | Buffer {
  if (typeof value === 'number') return acceptedNumber(what, value, { least: 0, most: mostBytes });
  if (typeof value === 'string' || value instanceof Uint8Array) return acceptedBytes(what, value);
  throw new TypeError(`${what}: must be a number of bytes, a text or a Uint8Array, not ${inspect(value)}`);
}

/** What stands for itself in a step, not among options. */
const argumentsOf = {
  'write(): bytes': count,
  'read(): bytes': number({ least: 0, most: mostBytes }),
  'received(): bytes': count,
  'unread(): bytes': count,
  'unread(): where': word({ node: true, kernel: true }),
  'queued(): connections': count,
  'close(): by': word(closes),
  'shutdown(): how': word({ RD: true, WR: true, RDWR: true }),
  'duplicate.close(): thread': word({ main: true, pool: true }),
  'signal()': word(signals),
  'survive()': word(caught),
  'end(): by': word(endings),
} as const satisfies Record<string, Check>;

export const acceptedArgument = (what: keyof typeof argumentsOf, value: unknown): void =>
  argumentsOf[what](what, value);

const amount = number(int);
/** What each socket option takes. */
const settable: Readonly<Record<SocketOption, Check>> = {
  SO_LINGER(what, value) {
    if (value === 'off') return;
    if (typeof value === 'object' && value !== null) {
      acceptedKeys(what, value, ['l_onoff', 'l_linger']);
      const { l_onoff, l_linger } = value as { l_onoff?: unknown; l_linger?: unknown };
      acceptedNumber(`${what}.l_onoff`, l_onoff, int);
      acceptedNumber(`${what}.l_linger`, l_linger, int);
    } else if (typeof value === 'number') acceptedNumber(what, value, int);
    else
      throw new TypeError(
        `${what}: must be 'off', a number of seconds or { l_onoff, l_linger }, not ${inspect(value)}`,
      );
  },
  TCP_LINGER2: amount,
  TCP_USER_TIMEOUT: amount,
  SO_KEEPALIVE: flag,
  TCP_KEEPIDLE: amount,
  TCP_KEEPINTVL: amount,
  TCP_KEEPCNT: amount,
  SO_REUSEADDR: flag,
  SO_REUSEPORT: flag,
  IP_BIND_ADDRESS_NO_PORT: flag,
  IPV6_V6ONLY: flag,
};

/** The name of a socket option. */
export const acceptedOption = (step: 'set' | 'get', option: unknown): void =>
  void acceptedWord(`${step}(): option`, option, Object.keys(settable));

/** A socket option, its value, and how it is set. */
export function acceptedSetting(option: SocketOption, value: unknown, how: SetOptions): void {
  acceptedOption('set', option);
  settable[option](`set('${option}')`, value);
  acceptedOptions('set', how);
}

/** Where a process is started, and whose it is; its name is that of a file, too. */
export function acceptedStart(name: unknown, chosen: unknown): StartOptions {
  if (typeof name !== 'string' || !/^[\w-]+$/.test(name))
    throw new TypeError(`start(): name: must be a word of letters, digits, _ and -, not ${inspect(name)}`);
  if (typeof chosen === 'string') return { where: acceptedWord('start(): where', chosen, ends) };
  acceptedOptions('start', chosen);
  return chosen as StartOptions;
}

/** States that are waited for: at least one. */
export function acceptedStates(wanted: readonly unknown[]): asserts wanted is readonly State[] {
  if (wanted.length === 0) throw new TypeError(`until(): needs at least one state: ${states.join(', ')}`);
  for (const state of wanted) acceptedWord('until(): state', state, states);
}

export const acceptedSeconds = (what: string, value: unknown): void =>
  void acceptedNumber(what, value, { least: 0, whole: false });
