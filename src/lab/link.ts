import { LingerlabError } from '../errors.ts';
import { runTool } from '../process/tool.ts';
import type { End } from '../tcp/states.ts';
import type { Space } from './space.ts';

/** What joins two namespaces, by its name in each of them. */
export const devices = { veth: 'veth0', wire: 'wire0' } as const;

/** The address of an end of a link between two namespaces, veth or wire. */
export const linkAddress = (end: End, family: 4 | 6, which: 'own' | 'other' = 'own'): string =>
  (family === 4 ? '10.77.0.' : 'fd77::') + (which === 'other' ? '1' : '') + (end === 'client' ? '1' : '2');

/** What ip(8) is told at one end of a link. IPv6 without duplicate detection: it takes a second. */
export const upLines = (end: End, device: string): readonly string[] => [
  `addr add ${linkAddress(end, 4)}/24 dev ${device}`,
  `addr add ${linkAddress(end, 6)}/64 dev ${device} nodad`,
  `addr add ${linkAddress(end, 4, 'other')}/24 dev ${device}`,
  // deprecated: not taken as a source address unless a socket is bound to it
  `addr add ${linkAddress(end, 6, 'other')}/64 dev ${device} nodad preferred_lft 0`,
  `link set ${device} up`,
];

/** Join two namespaces by a veth pair. One batch of ip(8) in the server's namespace, one in the client's. */
export async function joinByVeth([client, server]: readonly [Space, Space]): Promise<void> {
  const { veth } = devices;
  const add = `link add name ${veth} type veth peer name ${veth} netns ${client.path}`;
  await batch('ip', server, [add, ...upLines('server', veth)]);
  await batch('ip', client, upLines('client', veth));
}

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
