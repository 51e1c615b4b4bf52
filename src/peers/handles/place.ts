import type { Answer, At, Place, PlaceOptions } from '../../experiment/handles.ts';
import type { Address } from '../../tcp/address.ts';
import { canonicalText, plainText } from '../../tcp/address-text.ts';
import type { Site } from '../../tcp/network.ts';
import type { Cast } from './cast.ts';
import type { Acting } from './registry.ts';

/** Where the step of a peer at that end is to be; who names an address has its sockets there observed, too. */
export function addressOf({ lab, observers }: Cast, end: Site, at: At, family: 4 | 6 = 4): string {
  if (at === 'wildcard') return family === 4 ? '0.0.0.0' : '::';
  if (typeof at === 'string') return lab.address(end, family, at);
  const address = canonicalText(at.address);
  const plain = plainText(address);
  if (lab.isOthers(plain))
    throw new TypeError(
      `at.address: '${at.address}' may belong to another cell that runs now; leave out at, or use address() of the peer`,
    );
  observers.watchAddress(plain);
  return address;
}

/** A port that the cell alone has. */
export function ownPort({ lab, observers }: Cast): number {
  const port = lab.port();
  observers.watchPort(port);
  return port;
}

/** So many of them. */
export const ports = (cast: Cast, count: number): readonly number[] =>
  Array.from({ length: count }, () => ownPort(cast));

/** An address and a port of the cell's with nothing bound to it. */
export function place(cast: Cast, acting: Acting, { family, port, at = 'own' }: PlaceOptions): Place {
  const handle = { at: { address: addressOf(cast, acting.end, at, family), port: port ?? ownPort(cast) } };
  cast.registry.addListening(handle, { ...acting, ...handle });
  return handle;
}

/** A step by which a socket begins to listen. Where the kernel chooses its port, that is known, and traced, from then on. */
export async function begins<T extends { readonly at: Address }>(
  { observers }: Cast,
  place: Address,
  listen: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const answer = await observers.begins('LISTEN', place, listen);
  if (answer.ok) await observers.follow(answer.value.at.port);
  return answer;
}
