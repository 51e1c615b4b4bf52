import { formatSeconds } from '../../facts/values.ts';
import type { CallEvent, OptionValue } from '../../record/event.ts';
import { type Address, addressAndPort } from '../../tcp/address.ts';
import { plural } from '../format.ts';
import { blocksNs } from '../ladder/segment.ts';

type Given = Readonly<Record<string, unknown>>;

/** What all calls have; the rest is what each was given. */
const common: ReadonlySet<string> = new Set([
  't',
  'source',
  'kind',
  'peer',
  'endpoint',
  'ns',
  'errno',
  'syscall',
  'verb',
]);

const isAddress = (value: unknown): value is Address =>
  typeof value === 'object' && value !== null && 'address' in value && 'port' in value;

/** `{l_onoff 1, l_linger 2}`, `127.0.0.1:80`, `1,000`. */
function valueText(value: unknown): string {
  if (isAddress(value)) return addressAndPort(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(valueText).join(' ');
  const fields = Object.entries(value).map(([name, each]) => `${name} ${valueText(each)}`);
  return `{${fields.join(', ')}}`;
}

const listed = (given: Given): string[] =>
  Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${valueText(value)}`]));

/** What peers ask for by default. */
const isUsual = (name: string, value: unknown): boolean =>
  (name === 'allowHalfOpen' || name === 'wait') && value === true;

/** What a call was given, as all of its kind are; empty for most. */
export const usualText = (call: CallEvent): string =>
  listed(Object.fromEntries(Object.entries(call).filter(([name, value]) => isUsual(name, value)))).join(', ');

/** Arguments that the words before them do not say: `, backlog 5, reuse none`. */
const rest = (call: CallEvent, ...said: readonly string[]): string =>
  restOf(call, ...said)
    .map((each) => `, ${each}`)
    .join('');

const restOf = (call: CallEvent, ...said: readonly string[]): string[] =>
  listed(
    Object.fromEntries(
      Object.entries(call).filter(
        ([name, value]) => !common.has(name) && !said.includes(name) && !isUsual(name, value),
      ),
    ),
  );

const place = ({ address, port }: { readonly address?: string; readonly port?: number }): string =>
  address === undefined ? '' : ` ${addressAndPort({ address, port: port ?? 0 })}`;

const sameValue = (a: OptionValue | undefined, b: OptionValue | undefined): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

type CloseBy = Extract<CallEvent, { verb: 'close' }>['by'];

/** A way to close by its name: `close(2)`, `destroy()`. */
const wayText = (by: CloseBy): string => (by === 'close(2)' ? by : `${by}()`);

/** What a call closes with, as far as it was given. */
function closingText(call: Extract<CallEvent, { verb: 'close' | 'shutdown' }>): string {
  const { sending, andThen } = call;
  const first = sending === undefined ? '' : `, ${plural(sending, 'byte')} written just before`;
  return `${andThen === undefined ? '' : `, then by ${wayText(andThen)}`}${first}${call.atNs === undefined ? '' : ', at a common moment'}`;
}

/** By so much of an argument it is known which it is: a program may be given as one. */
const longestWord = 60;
const word = (argument: string): string => {
  const text = argument.length > longestWord ? `${argument.slice(0, longestWord)}…` : argument;
  return /^[\w@%+=:,./-]+$/.test(text) ? text : JSON.stringify(text);
};

/** A step that a peer took, with its arguments: `connect to 127.0.0.1:80, localPort 5000`. */
export function callText(call: CallEvent): string {
  switch (call.verb) {
    case 'listen':
      return `listen on${place(call) || ' an address not recorded'}${rest(call, 'address', 'port')}`;
    case 'bind':
      return `bind to${place(call) || ' an address not recorded'}${rest(call, 'address', 'port')}`;
    case 'connect':
    case 'open':
    case 'knock':
      return `${call.verb}${call.to ? ` to ${addressAndPort(call.to)}` : ''}${rest(call, 'to')}`;
    case 'set': {
      const value = call.option === undefined ? '' : ` ${call.option} to ${valueText(call.value)}`;
      const kept = call.kept === undefined || sameValue(call.kept, call.value) ? '' : ` (kept ${valueText(call.kept)})`;
      return `set${value}${kept}${rest(call, 'option', 'value', 'kept')}`;
    }
    case 'exec':
      return `exec ${[call.command, ...call.args].map(word).join(' ')}${rest(call, 'command', 'args')}`;
    case 'programWrite':
      return `write ${JSON.stringify(call.text)} to ${call.program}`;
    case 'programClose':
      return `end the input of ${call.program}`;
    case 'programSignal':
      return `send ${call.signal} to ${call.program}`;
    case 'setNumbered': {
      const kept = call.kept === undefined || call.kept === call.hex ? '' : ` (kept 0x${call.kept})`;
      return `set ${call.level} ${call.name} to 0x${call.hex}${kept}${rest(call, 'level', 'name', 'hex', 'kept')}`;
    }
    case 'getNumbered':
      return `get ${call.level} ${call.name}${rest(call, 'level', 'name')}`;
    case 'get':
      return `get ${call.option ?? 'an option'}`;
    case 'write':
      return `write ${plural(call.bytes, 'byte')}${rest(call, 'bytes')}`;
    case 'close':
      return `close by ${wayText(call.by)}${closingText(call)}`;
    case 'shutdown':
      return `shutdown ${call.how ?? ''}`.trimEnd() + closingText(call);
    default:
      return [call.verb, restOf(call).join(', ')].filter(Boolean).join(' ');
  }
}

/** What a call that blocked is called when it returns: `destroy()`, `connect`. */
export const returnsText = (call: CallEvent): string =>
  `${call.verb === 'close' ? wayText(call.by) : call.verb} returns after ${formatSeconds(call.ns / 1e9)}`;

/** What refused a call; empty where nothing did. */
export const refusalText = ({ errno, syscall }: CallEvent): string =>
  errno === undefined ? '' : ` fails with ${errno}${syscall ? ` (${syscall})` : ''}`;

/** A call that holds its thread for less, ns, is printed without how long; one that blocks has an entry for its return. */
const shortNs = 1e6;

/** Calls on raw sockets that wait for the kernel and hold no thread meanwhile. */
const waits: ReadonlySet<CallEvent['verb']> = new Set(['connect(2)', 'accept(2)', 'read(2)', 'write(2)', 'poll(2)']);

/** How long a call held its thread, or waited, where that is worth a word. */
export const heldText = ({ ns, verb }: CallEvent): string =>
  ns < shortNs || ns >= blocksNs
    ? ''
    : `, ${waits.has(verb) ? 'waited' : 'held its thread'} for ${formatSeconds(ns / 1e9)}`;
