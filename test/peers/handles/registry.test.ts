import { expect, test } from 'vitest';
import type { Peer, Place, Side } from '../../../src/experiment/handles.ts';
import { Registry } from '../../../src/peers/handles/registry.ts';
import type { PeerProcess } from '../../../src/peers/process.ts';

const process = { name: 'client' } as PeerProcess;
const peer = { name: 'client' } as Peer;
const at = { address: '127.0.0.1', port: 8000 };
const place: Place = { at };
const endpoint: Side = { end: 'client', local: at, remote: { ...at, port: 9000 } };

test('what stands behind a handle is found by the handle itself, not by one that looks like it', () => {
  const registry = new Registry();
  registry.addPeer(peer, { process, end: 'client' });
  registry.addListening(place, { process, end: 'client', at });
  registry.addEndpoint({ endpoint, at: { peer: process, id: 3 }, label: 'old' });
  expect(registry.peer(peer)).toMatchObject({ process, end: 'client' });
  expect(registry.listening(place)).toMatchObject({ process, at });
  expect(registry.endpoint(endpoint)).toMatchObject({ at: { id: 3 }, label: 'old' });
  expect(registry.endpoints.map(({ label }) => label)).toEqual(['old']);
  expect(() => registry.endpoint({ ...endpoint })).toThrow(/^must be given an endpoint of this cell, not \{/);
  expect(() => registry.listening(endpoint as never)).toThrow(/^must be given a listener, .* of this cell, not \{/);
  expect(() => registry.peer({ ...peer })).toThrow(/^must be given a peer of this cell, not \{/);
});
