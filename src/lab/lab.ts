import { LingerlabError } from '../errors.ts';
import { runTool } from '../process/tool.ts';
import type { Network } from '../tcp/network.ts';
import type { End } from '../tcp/states.ts';
import type { WireProcess } from '../wire/process.ts';
import { joinByVeth, linkAddress } from './link.ts';
import type { Ports } from './ports.ts';
import { makeSpace, type Space, setSysctls, socketsIn } from './space.ts';
import { joinByWire, type WireLink } from './wire-link.ts';

/** What a cell runs in: its namespaces, its network, its ports. Made for it and gone after it. */
export interface Lab extends AsyncDisposable {
  readonly network: Network;
  /** Each namespace once: `lab`, or `client` and `server`. */
  readonly spaces: readonly Space[];
  space(end: End): Space;
  /** The address at which an end listens. */
  address(end: End, family: 4 | 6): string;
  /** Another address of that end; `::1` has no other on loopback, so that one is refused with EADDRNOTAVAIL. */
  otherAddress(end: End, family: 4 | 6): string;
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
  readonly ports: Ports;
  /** Tells cells apart in the record: the third and fourth number of a loopback address. */
  readonly serial: number;
  /** Of the network `wire`; default: its own clock, no capture file, packets of 1500 bytes. */
  readonly wire?: WireLink;
}

/** Make a lab. Everything it took is given back when it is disposed of, or when making it fails half-way. */
export async function makeLab({ network, sysctls, ports, serial, wire: link }: LabOptions): Promise<Lab> {
  await using made = new AsyncDisposableStack();
  const names = network === 'loopback' ? ['lab'] : ['client', 'server'];
  const spaces = names.map((name) => made.use(makeSpace(name)));
  for (const space of spaces) space.inside(() => setSysctls(sysctls));
  const taken: number[] = [];
  made.defer(() => {
    for (const port of taken) ports.give(port);
  });
  const pair = spaces as [Space, Space];
  if (network === 'veth') await joinByVeth(pair);
  const wire = network === 'wire' ? made.use(await joinByWire(pair, link)) : undefined;
  const kept = made.move();
  // two parts of 127/8 that never meet: there are 22 blocks of ports
  const loopback = (first: number) => `127.${first + ports.block}.${(serial >> 8) & 255}.${serial & 255}`;
  return {
    network,
    spaces,
    ports: taken,
    ...(wire && { wire }),
    space: (end) => (network === 'loopback' || end === 'client' ? spaces[0] : spaces[1]) as Space,
    address: (end, family) => {
      if (network !== 'loopback') return linkAddress(end, family);
      return family === 4 ? loopback(64) : '::1';
    },
    otherAddress: (end, family) => {
      if (network !== 'loopback') return linkAddress(end, family, 'other');
      return family === 4 ? loopback(96) : '::2';
    },
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
