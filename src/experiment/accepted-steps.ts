/**
 * What a scenario may say in a step of a peer, checked where it says it, as the wire's verbs are: one table. Everything throws
 * TypeError or RangeError with the step, the argument, and what is allowed.
 */
import { isIP } from 'node:net';
import { constants } from 'node:os';
import { inspect } from 'node:util';
import { type Site, sites } from '../tcp/network.ts';
import { type NumberedOption, optionLevels, type Settable, type SocketOption } from '../tcp/socket-options.ts';
import { type State, states } from '../tcp/states.ts';
import { acceptedBytes, acceptedKeys, acceptedNumber, acceptedWord, type Limits } from './accepted.ts';
import type {
  AddressOptions,
  At,
  BindOptions,
  CaughtSignal,
  CloseBy,
  CloseOptions,
  ConnectOptions,
  EndBy,
  FillOptions,
  ListenOptions,
  PlaceOptions,
  Reuse,
  SetOptions,
  Source,
  StartOptions,
  Where,
  WriteOptions,
} from './handles.ts';
import type { ExecOptions } from './program.ts';
import type {
  PollOptions,
  PollWanted,
  RawAcceptOptions,
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
const anyText: Check = (what, value) => {
  if (typeof value !== 'string') throw new TypeError(`${what}: must be a text, not ${inspect(value)}`);
};
/** execve(2) takes texts that end with a NUL: what is behind one would be left out. */
const passed: Check = (what, value) => {
  anyText(what, value);
  const nul = (value as string).indexOf('\0');
  if (nul >= 0)
    throw new TypeError(
      `${what}: must be a text without NUL, which a program cannot be given, not ${inspect(value)}: there is one at ${nul}`,
    );
};
const program: Check = (what, value) => {
  text(what, value);
  passed(what, value);
};
const programArguments: Check = (what, value) => {
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw new TypeError(`${what}: must be a list of texts, not ${inspect(value)}`);
  for (const [index, each] of value.entries()) passed(`${what}[${index}]`, each);
};
/** `NAME=value` is one text of environ(7). */
const environment: Check = (what, value) => {
  const isRight = (each: unknown) => typeof each === 'string';
  if (typeof value !== 'object' || value === null || !Object.values(value).every(isRight))
    throw new TypeError(`${what}: must be an object of texts, not ${inspect(value)}`);
  for (const [name, each] of Object.entries(value)) {
    if (!/^[^=\0]+$/.test(name))
      throw new TypeError(`${what}: the name of a variable must be a text without "=" and NUL, not ${inspect(name)}`);
    passed(`${what}.${name}`, each);
  }
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
const sources = { own: true, other: true } as const satisfies Words<Exclude<Source, object>>;
const wheres = { own: true, wildcard: true, other: true } as const satisfies Words<Where>;
/** One of these words, or { address }. */
const addressOr =
  (words: Readonly<Record<string, true>>): Check =>
  (what, value) => {
    if (typeof value === 'string' && isIP(value) > 0)
      throw new TypeError(`${what}: an address is written { address: '${value}' }`);
    if (typeof value !== 'object' || value === null) return word({ ...words, '{ address }': true })(what, value);
    acceptedKeys(what, value, ['address']);
    const { address } = value as { address?: unknown };
    if (typeof address !== 'string' || isIP(address) === 0)
      throw new TypeError(
        `${what}.address: must be an IPv4 or IPv6 address, such as '127.0.0.2' or '::1', not ${inspect(address)}`,
      );
  };
const at = addressOr(wheres);
const source = addressOr(sources);
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

const listenChecks: Checks<ListenOptions> = {
  family,
  port,
  at,
  reuse,
  noPort: flag,
  ipv6Only: flag,
  backlog,
  allowHalfOpen: flag,
};
const connectChecks: Checks<ConnectOptions<string>> = {
  as: text,
  again: flag,
  allowHalfOpen: flag,
  localPort: port,
  localAddress: source,
  family,
};
const closeChecks: Checks<CloseOptions> = { sending: count, at: instant, andThen: word(netsCloses) };
const bindChecks: Checks<BindOptions> = { family, port, at, reuse, noPort: flag, ipv6Only: flag };
const placeChecks: Checks<PlaceOptions> = { family, port: number({ least: 1, most: 65_535 }), at: source };
const addressChecks: Checks<AddressOptions> = { family, at: word(sources) };
const startChecks: Checks<StartOptions> = {
  where: word({ client: true, server: true, router: true } satisfies Words<Site>),
  uid: number({ least: 0, most: 2 ** 32 - 2 }),
};
const setChecks: Checks<SetOptions> = { length: number({ least: 0, most: 2 ** 16 }) };
const writeChecks: Checks<WriteOptions> = { fill: text };
const execChecks: Checks<ExecOptions> = {
  env: environment,
  input: anyText,
};
const waitChecks: Checks<WaitOptions> = { wait: flag };
const rawWriteChecks: Checks<RawWriteOptions> = { ...waitChecks, ...writeChecks };
const rawConnectChecks: Checks<RawConnectOptions> = { as: text, again: flag, family };
const acceptChecks: Checks<RawAcceptOptions> = { ...waitChecks, as: text, again: flag };
const rawBindChecks: Checks<RawBindOptions> = { port, at };
const socketChecks: Checks<RawSocketOptions> = { family };
const pollChecks: Checks<PollOptions> = { for: polled, within: seconds };
const fillChecks: Checks<FillOptions> = { ...writeChecks, bytes: number({ least: 1, most: 2 ** 30 }) };
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
  'raw.listen': { backlog: itsBacklog },
  'raw.accept': acceptChecks,
  'raw.write': rawWriteChecks,
  read: waitChecks,
  poll: pollChecks,
  place: placeChecks,
  address: addressChecks,
  knock: { family },
  connect: connectChecks,
  next: { as: text, again: flag },
  exec: execChecks,
  join: connectChecks,
  open: connectChecks,
  write: writeChecks,
  fill: fillChecks,
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
  sameFamily(called, given as { family?: 4 | 6; at?: At });
  onlyOfSix(called, given as { family?: 4 | 6; at?: At; ipv6Only?: boolean });
}

/** Of one read(2) or write(2): they come and go in one message. */
const mostBytes = 2 ** 22;

/** What write(2) is given: so many bytes, or these. */
export function acceptedPayload(what: string, value: unknown): number | Buffer {
  if (typeof value === 'number') return acceptedNumber(what, value, { least: 0, most: mostBytes });
  if (typeof value === 'string' || value instanceof Uint8Array) return acceptedBytes(what, value);
  throw new TypeError(`${what}: must be a number of bytes, a text or a Uint8Array, not ${inspect(value)}`);
}

/** An address has its own family. */
function sameFamily(step: string, { family, at }: { readonly family?: 4 | 6; readonly at?: At }): void {
  if (family === undefined || typeof at !== 'object' || family === isIP(at.address)) return;
  const mapped = family === 6 ? `; mapped into IPv6 it is '::ffff:${at.address}'` : '';
  throw new TypeError(`${step}(): at.address: '${at.address}' is no address of family ${family}${mapped}`);
}

/** IPV6_V6ONLY is an option of a socket of IPv6. */
function onlyOfSix(
  step: string,
  { family, at, ipv6Only }: { readonly family?: 4 | 6; readonly at?: At; readonly ipv6Only?: boolean },
): void {
  if (!ipv6Only || (family ?? (typeof at === 'object' ? isIP(at.address) : 4)) === 6) return;
  throw new TypeError(`${step}(): ipv6Only: true is for a socket of IPv6; use it with family: 6, or leave it out`);
}

/** What stands for itself in a step, not among options. */
const argumentsOf = {
  'write(): bytes': count,
  'read(): bytes': number({ least: 0, most: mostBytes }),
  'received(): bytes': count,
  'unread(): bytes': count,
  // each stays the cell's until its end: of 1024 that a run has
  'ports(): count': number({ least: 1, most: 64 }),
  'unread(): where': word({ node: true, kernel: true }),
  'queued(): connections': count,
  'close(): by': word(closes),
  'closeInTurn(): by': word(closes),
  'shutdown(): how': word({ RD: true, WR: true, RDWR: true }),
  'duplicate.close(): thread': word({ main: true, pool: true }),
  'signal()': word(signals),
  'survive()': word(caught),
  'end(): by': word(endings),
  'exec(): command': program,
  'exec(): args': programArguments,
  'program.write(): text': anyText,
  'program.signal()': (what, value) => void acceptedWord(what, value, Object.keys(constants.signals)),
} as const satisfies Record<string, Check>;

export const acceptedArgument = (what: keyof typeof argumentsOf, value: unknown): void =>
  argumentsOf[what](what, value);

/** What a line of a program is looked for by. */
export function acceptedLine(pattern: unknown): void {
  if (pattern === undefined || pattern instanceof RegExp || (typeof pattern === 'string' && pattern !== '')) return;
  throw new TypeError(
    `program.line(): pattern: must be a text that is not empty or a regular expression, not ${inspect(pattern)}`,
  );
}

const amount = number(int);
/** A name of 15 characters at most: IFNAMSIZ, TCP_CA_NAME_MAX. */
const name: Check = (what, value) => {
  if (typeof value !== 'string' || value.length > 15)
    throw new TypeError(`${what}: must be a text of at most 15 characters, not ${inspect(value)}`);
};
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
  SO_RCVBUF: amount,
  SO_SNDBUF: amount,
  SO_BINDTODEVICE: name,
  IP_LOCAL_PORT_RANGE(what, value) {
    acceptedKeys(what, value, ['low', 'high']);
    const { low, high } = value as { low?: unknown; high?: unknown };
    port(`${what}.low`, low);
    port(`${what}.high`, high);
  },
  IP_TRANSPARENT: flag,
  IP_FREEBIND: flag,
  TCP_NODELAY: flag,
  TCP_MAXSEG: amount,
  TCP_SYNCNT: amount,
  TCP_DEFER_ACCEPT: amount,
  TCP_FASTOPEN: amount,
  TCP_QUICKACK: flag,
  TCP_CONGESTION: name,
};

/** The name of a socket option. */
export function acceptedOption(step: 'set' | 'get', option: unknown): asserts option is SocketOption {
  acceptedWord(`${step}(): option`, option, Object.keys(settable));
}

/** An option that is given by its name, with what it is set to. */
export interface Setting {
  readonly option: SocketOption;
  readonly value: Settable<SocketOption>;
}

/** A socket option, its value, and how it is set. */
export function acceptedSetting(option: unknown, value: unknown, how: SetOptions): Setting {
  acceptedOption('set', option);
  settable[option](`set('${option}')`, value);
  acceptedOptions('set', how);
  return { option, value: value as Settable<SocketOption> };
}

/** Whether an option is given by its numbers, which are checked, or by its name. */
export function acceptedNumbered(step: 'set' | 'get', option: unknown): option is NumberedOption {
  if (typeof option !== 'object' || option === null) return false;
  const what = `${step}(): option`;
  acceptedKeys(what, option, ['level', 'name']);
  const { level, name } = option as { level?: unknown; name?: unknown };
  if (typeof level === 'number') acceptedNumber(`${what}.level`, level, int);
  else acceptedWord(`${what}.level`, level, optionLevels);
  acceptedNumber(`${what}.name`, name, int);
  return true;
}

/** The bytes of an option's value: those of an int, or any. */
export function acceptedOptionBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array && value.length <= 2 ** 16) return value;
  if (typeof value === 'number')
    return new Uint8Array(Int32Array.of(acceptedNumber('set(): value', value, int)).buffer);
  throw new TypeError(`set(): value: must be a number or a Uint8Array of at most 65,536 bytes, not ${inspect(value)}`);
}

/** How many bytes getsockopt(2) has room for. */
export const acceptedOptionLength = (length: unknown): number =>
  acceptedNumber('get(): length', length, { least: 0, most: 2 ** 16 });

/** Where a process is started, and whose it is; its name is that of a file, too. */
export function acceptedStart(name: unknown, chosen: unknown): StartOptions {
  if (typeof name !== 'string' || !/^[\w-]+$/.test(name))
    throw new TypeError(`start(): name: must be a word of letters, digits, _ and -, not ${inspect(name)}`);
  if (typeof chosen === 'string') return { where: acceptedWord('start(): where', chosen, sites) };
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
