import type { Address } from '../tcp/address.ts';
import { plainText } from '../tcp/address-text.ts';
import { type Network, type Site, sites } from '../tcp/network.ts';
import { type End, ends } from '../tcp/states.ts';
import type { WireProcess } from '../wire/process.ts';
import { type Addresses, addressesOf } from './addresses.ts';
import { emptied, type Kept } from './empty.ts';
import { joinByRouter, joinByVeth } from './link.ts';
import { addLoopback6 } from './loopback.ts';
import type { Ports } from './ports.ts';
import { makeSpace, type Space, setSysctls } from './space.ts';
import { joinByWire, type WireLink } from './wire-link.ts';

/** What a cell runs in: its namespaces, its network, its ports. Made for it and gone after it. */
export interface Lab extends AsyncDisposable {
  readonly network: Network;
  /** Each namespace once: `lab`, or `client`, `server`, and `router` where there is one. */
  readonly spaces: readonly Space[];
  /** Throws TypeError for a router that the network does not have. */
  space(site: Site): Space;
  /** Where an end of a connection is: a router may have one, too. */
  siteOf(side: { readonly end: End; readonly local: Address }): Site;
  /**
   * The address at which an end listens, and from which it connects, or another one of that end, which can be used as soon as the
   * lab is {@link Lab.ready}.
   */
  address(end: Site, family: 4 | 6, which?: 'own' | 'other'): string;
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
  /** Resolves when no socket holds the namespaces any more, having killed what would, with what is held all the same; throws NO_ANSWER of `ss`. */
  empty(): Promise<readonly Kept[]>;
}

export interface LabOptions {
  readonly network: Network;
  readonly sysctls: Readonly<Record<string, string | number>>;
  /** Sysctls that the user asked for; those of `sysctls` win. Default none. */
  readonly asked?: Readonly<Record<string, string>>;
  readonly ports: Ports;
  /** Tells the addresses of cells apart. */
  readonly serial: number;
  /** Of the network `routed`, bytes of the largest packet between router and server; default 1500. */
  readonly mtu?: number;
  /** Of the network `wire`; default: its own clock, no capture file, packets of 1500 bytes. */
  readonly wire?: WireLink;
}

/** Make a lab. Everything it took is given back when it is disposed of, or when making it fails half-way. */
export async function makeLab(options: LabOptions): Promise<Lab> {
  const { network, sysctls, asked = {}, ports, serial, wire: link, mtu = 1500 } = options;
  await using made = new AsyncDisposableStack();
  const addresses = addressesOf(network, ports.block, serial);
  const loopback = network === 'loopback';
  const spaces = loopback
    ? [made.use(makeSpace('lab', { loopback: addresses.of('client', 4), asked }))]
    : (network === 'routed' ? sites : ends).map((site) => made.use(makeSpace(site, { asked })));
  for (const space of spaces) space.inside(() => setSysctls(sysctls));
  const taken: number[] = [];
  made.defer(() => {
    for (const port of taken) ports.give(port);
  });
  const pair = spaces as [Space, Space];
  if (network === 'veth') await joinByVeth(pair, addresses);
  const router = spaces[sites.indexOf('router')];
  if (router) await joinByRouter({ client: pair[0], server: pair[1], router }, addresses, mtu);
  const routers = new Set(
    router
      ? [4, 6].flatMap((family) =>
          ['own', 'other'].map((which) => addresses.of('router', family as 4 | 6, which as 'own')),
        )
      : [],
  );
  const wire = network === 'wire' ? made.use(await joinByWire(pair, addresses, link)) : undefined;
  const kept = made.move();
  let other6: Promise<void> | undefined;
  return {
    network,
    spaces,
    ports: taken,
    ...(wire && { wire }),
    space(site) {
      const space = loopback && site !== 'router' ? spaces[0] : spaces[sites.indexOf(site)];
      if (!space) throw new TypeError(`there is no ${site}: the network of this cell is ${network}, not routed`);
      return space;
    },
    siteOf: ({ end, local }) => (routers.has(plainText(local.address)) ? 'router' : end),
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
    empty: async () => {
      const held = spaces.filter(({ released }) => !released);
      return (await Promise.all(held.map((space) => emptied(space)))).filter(({ sockets }) => sockets > 0);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
