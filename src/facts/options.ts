import type { CallEvent, Event } from '../record/event.ts';
import type { KeptOption } from '../record/fact.ts';
import { type Address, sameAddress } from '../tcp/address.ts';
import type { EndView } from './connections.ts';
import { described, factGroup, kind, Unknown } from './kinds.ts';
import type { OfEnd } from './path.ts';

type SetCall = Extract<CallEvent, { verb: 'set' | 'setNumbered' }>;

const isSet = (event: Event): event is SetCall =>
  event.kind === 'call' &&
  (event.verb === 'setNumbered' || (event.verb === 'set' && event.option !== undefined)) &&
  event.errno === undefined;

/** An option by numbers as `IPPROTO_TCP 13`, its bytes as `0x01000000`. */
function asOption(call: SetCall): Partial<KeptOption> {
  if (call.verb === 'set') return call;
  const { level, name, hex, kept } = call;
  return { option: `${level} ${name}`, value: `0x${hex}`, ...(kept !== undefined && { kept: `0x${kept}` }) };
}

/** Whether the call was on the end's own socket, through whichever process and descriptor. */
const isOn = ({ peer, endpoint, socket, at, t }: SetCall, end: EndView): boolean =>
  // a raw socket keeps its options from one connection to the next
  (socket !== undefined && socket === end.socket && peer === end.peer && t < end.knownAt) ||
  (endpoint === undefined
    ? at?.remote !== undefined &&
      sameAddress(at.local, end.local) &&
      sameAddress(at.remote, end.remote) &&
      t >= end.knownAt &&
      t < end.succeededAt
    : peer === end.peer && endpoint === end.endpoint);

const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
const isReachedBy = (listener: Address, { address, port }: Address): boolean =>
  listener.port === port && (listener.address === address || wildcards.has(listener.address));

/** Whether the call was on the listener whose options the end inherited: sk_clone_lock() copies them when it is made. */
function isInherited(events: readonly Event[], { at, t }: SetCall, end: EndView): boolean {
  const made = end.chain?.begins ?? end.knownAt;
  const isAccepted = end.end === 'server' && end.chain?.role !== 'client';
  if (!isAccepted || at === undefined || at.remote || t >= made || !isReachedBy(at.local, end.local)) return false;
  const isEnd = (event: Event) =>
    event.kind === 'transition' &&
    event.from === 'LISTEN' &&
    event.to === 'CLOSED' &&
    event.local.port === at.local.port;
  return !events.some((event) => isEnd(event) && event.t > t && event.t < made);
}

/** The socket options that a scenario set. */
export const optionFacts = factGroup(
  {
    options: described(
      'socket options that the scenario set on the endpoint or on its listener before, in order, with the value that the kernel kept',
      kind.options(),
    ),
  },
  ({ view, end }: OfEnd) => {
    const found = view.events.filter(isSet).flatMap((call) => {
      const own = isOn(call, end);
      return own || isInherited(view.events, call, end) ? [{ call, own }] : [];
    });
    if (found.length === 0) return {};
    const options = found.flatMap(({ call, own }): KeptOption[] => {
      const { option, value, kept } = asOption(call);
      return option === undefined || value === undefined || kept === undefined
        ? []
        : [{ option, value, kept, ...(!own && { on: 'listener' }) }];
    });
    return options.length === found.length
      ? { options }
      : { options: new Unknown('not-read', 'an option was not read back after it was set') };
  },
);
