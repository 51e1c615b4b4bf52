import { LingerlabError } from '../../errors.ts';
import type { Answer, ConnectOptions } from '../../experiment/handles.ts';
import type { Lab } from '../../lab/lab.ts';
import type { ConnectionEvent } from '../../record/event.ts';
import { type Address, sameAddress } from '../../tcp/address.ts';
import { plainAddress, plainText } from '../../tcp/address-text.ts';
import type { End } from '../../tcp/states.ts';
import { didYouMean } from '../../text/nearest.ts';
import type { Verbs } from '../protocol.ts';
import type { Cast } from './cast.ts';
import type { Acting, Reachable } from './registry.ts';

type Options = Pick<ConnectOptions<string>, 'as' | 'again'>;
/** What a connection is called in the record. */
type Called = Pick<ConnectionEvent, 'label' | 'again'>;
export const calledBy = ({ as: label = '', again = false }: Options): Called => ({ label, again });

/** An end that the router's namespace has says so. */
const atRouter = <E extends ConnectionEvent[End]>(lab: Lab, end: End, of: E): E =>
  lab.siteOf({ end, local: of.local }) === 'router' ? { ...of, site: 'router' } : of;

/** What a connection's end is said to be of, where no peer opened it: no peer can have this name. */
export const aProgram = 'a program';

/** Records a connection; `before`: what was recorded of it until now. */
export function connected(
  { lab, now, record, registry }: Cast,
  { label, again }: Called,
  client: ConnectionEvent['client'],
  server: ConnectionEvent['server'],
  before?: ConnectionEvent,
  t = before?.t ?? now(),
): ConnectionEvent {
  const event: ConnectionEvent = {
    t,
    source: 'harness',
    kind: 'connection',
    label,
    client: atRouter(lab, 'client', client),
    server: atRouter(lab, 'server', server),
    ...(again && { again }),
  };
  record(event);
  registry.addConnection(event, before);
  return event;
}

/** Where a connection finds a listener: a wildcard has no address of its own. */
export function reach({ lab, registry }: Cast, listener: Reachable, family?: 4 | 6): Address {
  const { end, at } = registry.listening(listener);
  const plain = plainText(at.address);
  if (plain !== '0.0.0.0' && plain !== '::') return at;
  return { address: lab.address(end, family ?? (plain === '::' ? 6 : 4)), port: at.port };
}

/** Throws UNKNOWN_LABEL where the experiment does not declare it. */
export function checkLabel({ labels }: Cast, label: string): void {
  if (!label || labels.includes(label)) return;
  const declared = labels.length > 0 ? `connections: ${labels.join(', ')}` : 'the experiment has no connections';
  const meant = didYouMean(label, labels);
  const remedy = "add the label to the experiment's `connections`";
  throw new LingerlabError('UNKNOWN_LABEL', `connection label '${label}' is not declared${meant}; ${declared}`, remedy);
}

/** How connect(2) is called, and what it said of the end that it began. */
export interface Opening {
  readonly to: Address;
  /** Where it connects from, as far as that is known before. */
  readonly from: Address | undefined;
  readonly options: Options;
}
type Begun = Pick<ConnectionEvent['client'], 'raw' | 'socket'> & Verbs['open']['value'];

/**
 * Takes a step by which connect(2) sends a SYN, and records the connection: the client's end opens first, and the server's one
 * only the other end of the same connection.
 */
export function opens<T>(
  cast: Cast,
  { process, end }: Acting,
  to: Reachable,
  { to: at, from, options }: Opening,
  step: () => Promise<Answer<T>>,
  begunBy: (value: T) => Begun | undefined,
): Promise<Answer<{ readonly value: T; readonly opened?: ConnectionEvent }>> {
  checkLabel(cast, options.as ?? '');
  const { process: there } = cast.registry.listening(to);
  const remote = plainAddress(at);
  const begun = from && facing(cast, from, remote);
  if (end === 'server' && !begun) throw new TypeError("open(): the client's end must open before the server's end");
  const joins = end === 'server' ? begun : undefined;
  const taken = async (): Promise<Answer<{ readonly value: T; readonly opened?: ConnectionEvent }>> => {
    const answer = await cast.observers.begins('SYN-SENT', at, step);
    if (!answer.ok) return answer;
    const { value } = answer;
    const said = begunBy(value);
    if (!said) return { ...answer, value: { value } };
    const { endpoint, local, calledNs, sentNs, ...kind } = said;
    const own = { peer: process.name, endpoint, local, opening: { from: calledNs, until: sentNs }, ...kind };
    const other = sameAddress(local, remote) ? own : { peer: there.name, endpoint: null, local: remote };
    const opened = joins
      ? connected(cast, joins, joins.client, own, joins)
      : connected(cast, calledBy(options), own, other, undefined, sentNs);
    return { ...answer, value: { value, opened } };
  };
  return cast.registry.opening(at, taken());
}

/** The connection that was opened from there to here, whose other end nobody has. */
function facing({ registry }: Cast, here: Address, there: Address): ConnectionEvent | undefined {
  return registry.endpoints.findLast(
    ({ endpoint, opened }) =>
      opened?.server.endpoint === null &&
      endpoint.end === 'client' &&
      sameAddress(endpoint.local, there) &&
      sameAddress(endpoint.remote, here),
  )?.opened;
}

/** What the other end knows an address of an end as: another one where the wire translates. */
export const knownAs = async ({ lab }: Cast, address: Address): Promise<Address> =>
  (await lab.wire?.outside(address)) ?? address;
