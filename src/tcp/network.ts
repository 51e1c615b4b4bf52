/** How the peers are joined: one namespace, or two with a veth pair or our own wire between them. */
export const networks = ['loopback', 'veth', 'wire'] as const;
export type Network = (typeof networks)[number];
