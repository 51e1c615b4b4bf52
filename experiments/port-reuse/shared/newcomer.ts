import { type Answer, type Kind, kind, type Peer, type Reuse, type Where } from 'lingerlab';

/** The new socket: its address, its options, and the outcome of its calls. */

const optionWords: Record<Reuse, string> = {
  none: 'neither SO_REUSEADDR nor SO_REUSEPORT',
  addr: 'SO_REUSEADDR',
  port: 'SO_REUSEPORT',
  both: 'SO_REUSEADDR and SO_REUSEPORT',
};
const addressWords: Record<Where, string> = {
  own: 'the same address',
  wildcard: 'the wildcard',
  other: 'another address of the machine',
};
export const reuses = ['none', 'addr', 'port', 'both'] as const;
export const has = (reuse: Reuse, option: 'addr' | 'port') => reuse === option || reuse === 'both';

/** A new socket's address and options: `wildcard.addr`. */
export type Attempt = `${Where}.${Reuse}`;
const at = (where: Where) => reuses.map((reuse) => ({ at: where, reuse, attempt: `${where}.${reuse}` as Attempt }));
const tried = [...at('own'), ...at('wildcard'), ...at('other')];
export const attempts = tried.map(({ attempt }) => attempt);
/** The attempts in lots that share one old socket. */
export const lotsOf = (tries: 'together' | 'each-alone') =>
  tries === 'together' ? [tried] : tried.map((attempt) => [attempt]);

/** Outcomes of a new socket: `ok`, or the call that failed and its errno. */
const refusedBinds = ['bind EADDRINUSE', 'bind EADDRNOTAVAIL', 'bind EACCES', 'bind EINVAL'] as const;
const refusedListens = ['listen EADDRINUSE', 'listen EACCES', 'listen EINVAL'] as const;
const refusedConnects = ['connect ECONNREFUSED', 'connect ECONNRESET', 'connect ETIMEDOUT'] as const;
const ends = ['ok', ...refusedBinds, ...refusedListens, ...refusedConnects] as const;
export type Came = (typeof ends)[number];
export type Facts = Readonly<Record<Attempt, Came>>;

/** The outcome of each new socket. */
export const measures = Object.fromEntries(
  tried.map(({ at, reuse, attempt }) => {
    const text = `a new socket on ${addressWords[at]} with ${optionWords[reuse]}: ok if bind(2), listen(2) and a client's connect(2) succeeded; otherwise the call that failed`;
    return [attempt, { ...kind.word(...ends), text }];
  }),
) as Record<Attempt, Kind<Came>>;
/** The columns of the report. */
export const shows = (['own', 'other', 'wildcard'] as const).flatMap((at) =>
  reuses.map((reuse) => `${at}.${reuse}` as const),
);

export const refused = 'bind EADDRINUSE';
/** The outcome of bind(2) alone. */
export const bindOf = (came: Came) => refusedBinds.find((refusal) => refusal === came) ?? 'ok';
export const isBound = (came: Came) => bindOf(came) === 'ok';
export const couldNotListen = (came: Came) => refusedListens.some((refusal) => refusal === came);
/** Whether a new socket on the old address and one on the wildcard both failed to bind, and whether both were bound. */
export const areRefused = (facts: Facts, again: Reuse) =>
  facts[`own.${again}`] === refused && facts[`wildcard.${again}`] === refused;
export const areBound = (facts: Facts, again: Reuse) =>
  isBound(facts[`own.${again}`]) && isBound(facts[`wildcard.${again}`]);

interface Newcomer {
  readonly client: Peer;
  /** The peer that has the new socket. */
  readonly newcomer: Peer;
  readonly port: number;
  readonly at: Where;
  readonly reuse: Reuse;
  /** Called once bind(2) has returned. */
  readonly meanwhile?: () => Promise<unknown>;
}

/** Binds a new socket, lets it listen and a client connect, and closes it; returns the outcome. */
export async function attempt({ client, newcomer, port, at, reuse, meanwhile }: Newcomer): Promise<Came> {
  const came = <T>(call: 'bind' | 'listen' | 'connect', answer: Answer<T>) =>
    answer.ok ? 'ok' : (`${call} ${answer.outcome}` as Came);
  const binding = await newcomer.bind({ port, reuse, at }).answer();
  await meanwhile?.();
  if (!binding.ok) return came('bind', binding);
  const listening = await binding.value.listen().answer();
  if (!listening.ok) {
    await binding.value.close();
    return came('listen', listening);
  }
  const connecting = await client.knock(listening.value).answer();
  await listening.value.close();
  return came('connect', connecting);
}
