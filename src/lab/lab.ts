import { LingerlabError } from '../errors.ts';
import { runTool } from '../process/tool.ts';
import type { Network } from '../tcp/network.ts';
import { type End, ends } from '../tcp/states.ts';
import type { WireProcess } from '../wire/process.ts';
import { type Addresses, addressesOf } from './addresses.ts';
import { joinByVeth } from './link.ts';
import { addLoopback6 } from './loopback.ts';
import type { Ports } from './ports.ts';
import { makeSpace, type Space, setSysctls, socketsIn } from './space.ts';
import { joinByWire, type WireLink } from './wire-link.ts';

/** What a cell runs in: its namespaces, its network, its ports. Made for it and gone after it. */
export interface Lab extends AsyncDisposable {
  readonly network: Network;
  /** Each namespace once: `lab`, or `client` and `server`. */
  readonly spaces: readonly Space[];
  space(end: End): Space;
  /**
   * The address at which an end listens, and from which it connects, or another one of that end, which can be used as soon as the
   * lab is {@link Lab.ready}.
   */
  address(end: End, family: 4 | 6, which?: 'own' | 'other'): string;
  /** Resolves when every address that was asked for can be bound. */
  ready(): Promise<void>;
  /** Whether an address may be another cell's, and is none of this one's. */
  isOthers(address: string): boolean;
  /** Those that no other cell has; on loopback both ends have the same, and those of IPv6 share `::1`. */
  readonly addresses: Addresses['alone'];
  /** A port that this cell alone has. */
  port(): number;
  readonly ports: readonly number[];
  /** What carries the packets of the network `wire`. */
  readonly wire?: WireProcess;
  /** Resolves when no socket holds the namespaces any more, having killed what would; throws TEARDOWN, or NO_ANSWER of `ss`. */
  empty(): Promise<void>;
}

export interface LabOptions {
  readonly network: Network;
  readonly sysctls: Readonly<Record<string, string | number>>;
  /** Sysctls that the user asked for; those of `sysctls` win. Default none. */
  readonly asked?: Readonly<Record<string, string>>;
  readonly ports: Ports;
  /** Tells the addresses of cells apart. */
  readonly serial: number;
  /** Of the network `wire`; default: its own clock, no capture file, packets of 1500 bytes. */
  readonly wire?: WireLink;
}

/** Make a lab. Everything it took is given back when it is disposed of, or when making it fails half-way. */
export async function makeLab(options: LabOptions): Promise<Lab> {
  const { network, sysctls, asked = {}, ports, serial, wire: link } = options;
  await using made = new AsyncDisposableStack();
  const addresses = addressesOf(network, ports.block, serial);
  const loopback = network === 'loopback';
  const spaces = loopback
    ? [made.use(makeSpace('lab', { loopback: addresses.of('client', 4), asked }))]
    : ends.map((end) => made.use(makeSpace(end, { asked })));
  for (const space of spaces) space.inside(() => setSysctls(sysctls));
  const taken: number[] = [];
  made.defer(() => {
    for (const port of taken) ports.give(port);
  });
  const pair = spaces as [Space, Space];
  if (network === 'veth') await joinByVeth(pair, addresses);
  const wire = network === 'wire' ? made.use(await joinByWire(pair, addresses, link)) : undefined;
  const kept = made.move();
  let other6: Promise<void> | undefined;
  return {
    network,
    spaces,
    ports: taken,
    ...(wire && { wire }),
    space: (end) => (loopback || end === 'client' ? spaces[0] : spaces[1]) as Space,
    address(end, family, which) {
      // made when it is first asked for: `lo` has only ::1
      if (loopback && family === 6 && which === 'other') {
        other6 ??= addLoopback6(pair[0], addresses.of(end, family, which));
        // who is to use it waits for it, and learns what became of it
        other6.catch(() => undefined);
      }
      return addresses.of(end, family, which);
    },
    ready: () => other6 ?? Promise.resolve(),
    isOthers: addresses.isOthers,
    addresses: addresses.alone,
    port() {
      const port = ports.take();
      taken.push(port);
      return port;
    },
    empty: async () => void (await Promise.all(spaces.filter(({ released }) => !released).map(emptied))),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const teardownMs = 2000;

/**
 * Wait until no socket holds the namespace: an orphan in FIN-WAIT-1 would keep it for minutes after its last descriptor is
 * closed, so what is left is killed through `ss -K`.
 */
async function emptied(space: Space): Promise<void> {
  const deadline = performance.now() + teardownMs;
  let pause = 1;
  while (socketsIn(space) > 0) {
    if (performance.now() > deadline) {
      throw new LingerlabError('TEARDOWN', `${socketsIn(space)} sockets keep namespace ${space.inode}`, 'report this');
    }
    if (pause > 2) {
      await space.inside(() => runTool('ss', ['-K', '-taH', 'state', 'all']));
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 100);
  }
}
