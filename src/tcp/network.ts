/** How the peers are joined: one namespace, or two with a veth pair or our own wire between them. */
export const networks = ['loopback', 'veth', 'wire'] as const;
export type Network = (typeof networks)[number];
/** As messages name them: `"loopback", "veth" or "wire"`. */
export const networkWords = `${networks
  .slice(0, -1)
  .map((name) => `"${name}"`)
  .join(', ')} or "${networks.at(-1)}"`;
