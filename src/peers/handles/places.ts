import type { Answer, Where } from '../../experiment/handles.ts';
import type { Address } from '../../tcp/address.ts';
import type { End } from '../../tcp/states.ts';
import type { Cast } from './cast.ts';

/** The address that a step names, of an end in the lab. */
export async function addressOf({ lab }: Cast, end: End, at: Where, family: 4 | 6): Promise<string> {
  if (at === 'wildcard') return family === 4 ? '0.0.0.0' : '::';
  return at === 'own' ? lab.address(end, family) : lab.otherAddress(end, family);
}

/** A port that the cell alone has. */
export function ownPort({ lab, observers }: Cast): number {
  const port = lab.port();
  observers.watchPort(port);
  return port;
}

/** A step by which a socket begins to listen. Where the kernel chooses its port, that is known, and traced, from then on. */
export async function begins<T extends { readonly at: Address }>(
  { observers }: Cast,
  place: Address,
  listen: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const answer = await observers.begins(place, listen);
  if (answer.ok) await observers.follow(answer.value.at.port);
  return answer;
}
