import { makeCompany } from '../process/company.ts';
import { type End, ends } from '../tcp/states.ts';
import { startWire, type WireCompany, type WirePart, type WireProcess, type WiresOptions } from '../wire/process.ts';
import type { WireSettings } from '../wire/protocol.ts';
import type { Addresses } from './addresses.ts';
import { batch, devices, upLines } from './link.ts';
import { type Space, setSysctls } from './space.ts';

/** How two namespaces are joined by a wire. */
export interface WireLink extends Partial<WiresOptions>, Partial<Omit<WirePart, 'name' | 'opening'>> {
  /** What lends a process, which goes back when the link is disposed of; default: one that starts and ends with it. */
  readonly wires?: WireCompany;
  /** Whether that process has carried no other wire. */
  readonly fresh?: boolean;
  /** Default: wall time as of now, no capture file; segments that open or close, or that a rule decides, are reported. */
  readonly settings?: Partial<WireSettings>;
  /** Bytes of the largest packet; default 1500. */
  readonly mtu?: number;
}

const device = devices.wire;
/** Nobody ends the wait. */
const never = new AbortController().signal;
/** Packets that may wait for the wire, tun(4): 60 ms at 150,000 a second; beyond that the kernel drops and counts them. */
const queueLength = 10_000;

/** The wall clock's time at a moment of CLOCK_MONOTONIC, in ns; both are read within a µs or so. */
function wallAt(origin: bigint): string {
  const since = process.hrtime.bigint() - origin;
  return String(BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n - since);
}

/** One process for one wire. */
const ownWires = (options: WiresOptions): WireCompany =>
  makeCompany({ fresh: true, start: (start) => startWire(options, start) });

/**
 * Join two namespaces by a TUN device in each and the wire's process between them. The process has the devices until it is
 * disposed of. Without a queueing discipline: a packet is before the wire at once, and dropped nowhere else.
 */
export async function joinByWire(
  [client, server]: readonly [Space, Space],
  addresses: Addresses,
  link: WireLink = {},
): Promise<WireProcess> {
  const { settings, mtu = 1500, origin = process.hrtime.bigint(), spawned, wires, fresh = false, ...rest } = link;
  await using scope = new AsyncDisposableStack();
  const spaces: Record<End, Space> = { client, server };
  const opening = {
    spaces: { client: client.path, server: server.path },
    addresses: { client: addresses.of('client', 4), server: addresses.of('server', 4) },
    outside: { 4: addresses.translated(4), 6: addresses.translated(6) },
    device,
    settings: { wallNs: wallAt(origin), ...settings },
  };
  const { until = never, ...heard } = rest;
  const part = { name: 'the wire', until, opening, ...heard };
  const wire = scope.use(await (wires ?? ownWires({ origin, ...(spawned && { spawned }) })).hire(part, fresh));
  for (const end of ends) {
    const space = spaces[end];
    space.inside(() => setSysctls({ [`net.ipv6.conf.${device}.router_solicitations`]: 0 }));
    const link = [
      `link set ${device} mtu ${mtu} txqueuelen ${queueLength}`,
      // no link-local address, nothing to discover: a TUN device has no neighbours
      `link set ${device} addrgenmode none`,
    ];
    await batch('tc', space, [`qdisc replace dev ${device} root noqueue`]);
    await batch('ip', space, [...link, ...upLines(end, device, addresses)]);
  }
  scope.move();
  return wire;
}
