import { LingerlabError } from '../errors.ts';
import { runTool } from '../process/tool.ts';
import type { End } from '../tcp/states.ts';
import { type Addresses, linkLocal, prefixLengths } from './addresses.ts';
import type { Space } from './space.ts';

/** What joins two namespaces, by its name in each of them. */
export const devices = { veth: 'veth0', wire: 'wire0' } as const;

/** What ip(8) is told at one end of a link. IPv6 without duplicate detection: it takes a second. */
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
      'lingerlab doctor tells more',
    );
  }
}
