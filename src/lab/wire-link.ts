import { answerMs } from '../process/deadline.ts';
import { type End, ends } from '../tcp/states.ts';
import { startWire, type WireOptions, type WireProcess } from '../wire/process.ts';
import type { WireSettings } from '../wire/protocol.ts';
import type { Addresses } from './addresses.ts';
import { batch, devices, upLines } from './link.ts';
import { type Space, setSysctls } from './space.ts';

/** How two namespaces are joined by a wire. */
export interface WireLink extends Partial<WireOptions> {
  /** Default: wall time as of now, no capture file; segments that open or close, or that a rule decides, are reported. */
  readonly settings?: Partial<WireSettings>;
  /** Bytes of the largest packet; default 1500. */
  readonly mtu?: number;
}

const device = devices.wire;
/** Packets that may wait for the wire, tun(4): 60 ms at 150,000 a second; beyond that the kernel drops and counts them. */
const queueLength = 10_000;

/** The wall clock's time at a moment of CLOCK_MONOTONIC, in ns; both are read within a µs or so. */
function wallAt(origin: bigint): string {
  const since = process.hrtime.bigint() - origin;
  return String(BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n - since);
}

/**
 * Join two namespaces by a TUN device in each and the wire's process between them. The process has the devices: they go
 * with it. Without a queueing discipline: a packet is before the wire at once, and dropped nowhere else.
 */
export async function joinByWire(
  [client, server]: readonly [Space, Space],
  addresses: Addresses,
  { settings, mtu = 1500, origin = process.hrtime.bigint(), ...rest }: WireLink = {},
): Promise<WireProcess> {
  await using scope = new AsyncDisposableStack();
  const wire = scope.use(await startWire({ origin, ...rest }));
  const spaces: Record<End, Space> = { client, server };
  const opening = {
    spaces: { client: client.path, server: server.path },
    addresses: { client: addresses.of('client', 4), server: addresses.of('server', 4) },
    outside: { 4: addresses.translated(4), 6: addresses.translated(6) },
    device,
    settings: { wallNs: wallAt(origin), ...settings },
  };
  await wire.ask('open', opening, answerMs);
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
