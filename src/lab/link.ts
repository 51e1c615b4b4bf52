import { LingerlabError } from '../errors.ts';
import { runTool } from '../process/tool.ts';
import { type End, ends } from '../tcp/states.ts';
import { type Addresses, linkLocal, prefixLengths } from './addresses.ts';
import { type Space, setSysctls } from './space.ts';

/** What joins two namespaces, by its name in each of them. */
export const devices = { veth: 'veth0', wire: 'wire0' } as const;

/** Lines of `ip -batch` for one end of a link. IPv6 addresses skip duplicate address detection, which takes a second. */
export const upLines = (end: End, device: string, addresses: Addresses): readonly string[] => [
  `addr add ${addresses.of(end, 4)}/${prefixLengths[4]} dev ${device}`,
  `addr add ${addresses.of(end, 6)}/${prefixLengths[6]} dev ${device} nodad`,
  `addr add ${addresses.of(end, 4, 'other')}/${prefixLengths[4]} dev ${device}`,
  // deprecated: not taken as a source address unless a socket is bound to it
  `addr add ${addresses.of(end, 6, 'other')}/${prefixLengths[6]} dev ${device} nodad preferred_lft 0`,
  `link set ${device} up`,
];

/** Join two namespaces by a veth pair. One batch of ip(8) in the server's namespace, one in the client's. */
export async function joinByVeth([client, server]: readonly [Space, Space], addresses: Addresses): Promise<void> {
  const { veth } = devices;
  const add = `link add name ${veth} type veth peer name ${veth} netns ${client.path}`;
  await batch('ip', server, [add, ...linkLocalLines('server', veth), ...upLines('server', veth, addresses)]);
  await batch('ip', client, [...linkLocalLines('client', veth), ...upLines('client', veth, addresses)]);
}

/** What joins a router to each end, by its name in the router's namespace. */
export const routerDevices: Readonly<Record<End, string>> = { client: 'to-client', server: 'to-server' };
const families = [4, 6] as const;
const wholeLength = { 4: 32, 6: 128 } as const;

/**
 * Joins two namespaces by a third one that routes between them. Each link has one address at either side and no network: an end
 * reaches all others through the router. `mtu`: of the link to the server, which the client does not see.
 */
export async function joinByRouter(
  spaces: Readonly<Record<End | 'router', Space>>,
  addresses: Addresses,
  mtu: number,
): Promise<void> {
  const { veth } = devices;
  const { router } = spaces;
  router.inside(() => setSysctls({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 }));
  const pairs = ends.map(
    (end) => `link add name ${routerDevices[end]} type veth peer name ${veth} netns ${spaces[end].path}`,
  );
  const towards = ends.flatMap((end) => {
    const device = routerDevices[end];
    const which = end === 'client' ? 'own' : 'other';
    const reached = families.flatMap((family) =>
      (['own', 'other'] as const).map(
        (each) => `route add ${addresses.of(end, family, each)}/${wholeLength[family]} dev ${device}`,
      ),
    );
    return [
      ...families.map((family) => addressLine(addresses.of('router', family, which), family, device)),
      ...(end === 'server' ? [`link set ${device} mtu ${mtu}`] : []),
      `link set ${device} up`,
      ...reached,
    ];
  });
  await batch('ip', router, [...pairs, ...towards]);
  for (const end of ends) {
    const gateway = (family: 4 | 6) => addresses.of('router', family, end === 'client' ? 'own' : 'other');
    const routes = families.flatMap((family) => [
      `route add ${gateway(family)}/${wholeLength[family]} dev ${veth}`,
      `route add ${family === 4 ? '0.0.0.0/0' : '::/0'} via ${gateway(family)} dev ${veth} src ${addresses.of(end, family)}`,
    ]);
    const own = families.flatMap((family) => [
      addressLine(addresses.of(end, family), family, veth),
      `${addressLine(addresses.of(end, family, 'other'), family, veth)}${family === 6 ? ' preferred_lft 0' : ''}`,
    ]);
    await batch('ip', spaces[end], [
      ...own,
      ...(end === 'server' ? [`link set ${veth} mtu ${mtu}`] : []),
      `link set ${veth} up`,
      ...routes,
    ]);
  }
}

const addressLine = (address: string, family: 4 | 6, device: string): string =>
  `addr add ${address}/${wholeLength[family]} dev ${device}${family === 6 ? ' nodad' : ''}`;

/** Link-local addresses that are known beforehand: `fe80::1%veth0` is the client's. */
const linkLocalLines = (end: End, device: string): readonly string[] => [
  `link set ${device} addrgenmode none`,
  `addr add ${linkLocal[end]}/${prefixLengths[6]} dev ${device} nodad`,
];

/** Have ip(8) or tc(8) do these lines in a namespace; throws NO_NAMESPACES with what it wrote, NO_ANSWER where it does not end. */
export async function batch(program: 'ip' | 'tc', space: Space, lines: readonly string[]): Promise<void> {
  const { problem } = await space.inside(() => runTool(program, ['-batch', '-'], { input: lines.join('\n') }));
  if (problem !== '') {
    throw new LingerlabError(
      'NO_NAMESPACES',
      `${program} -batch in a namespace: ${problem}`,
      'run `lingerlab doctor`: it prints what this machine lacks and the remedy',
    );
  }
}
