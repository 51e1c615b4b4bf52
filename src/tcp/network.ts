import { ends } from './states.ts';

/** How the peers are joined: one namespace, two with a veth pair or our own wire between them, or a third one that routes. */
export const networks = ['loopback', 'veth', 'routed', 'wire'] as const;
export type Network = (typeof networks)[number];
/** As messages name them: `"loopback", "veth" or "wire"`. */
export const networkWords = `${networks
  .slice(0, -1)
  .map((name) => `"${name}"`)
  .join(', ')} or "${networks.at(-1)}"`;

/** Where a peer can be: in the namespace of an end, or in the one between the two. */
export const sites = [...ends, 'router'] as const;
export type Site = (typeof sites)[number];
