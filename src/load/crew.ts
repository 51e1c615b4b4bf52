import type { LingerlabError } from '../errors.ts';
import { type LoadOptions, loadCloses } from '../experiment/load.ts';
import { makeSpace, type Space } from '../lab/space.ts';
import { type End, ends } from '../tcp/states.ts';
import type { Mark } from './mark.ts';
import { planOf } from './plan.ts';
import { type LoadProcess, type LoadProcessOptions, loadDied, startLoadProcess } from './process.ts';

/**
 * The processes of loads. They are kept from one load of an experiment to the next, and only the namespaces are new: V8 compiles
 * what is new to it for 1.5 s, in which a connection costs half as much again, and on the CPUs that the load needs. Another
 * experiment gets others: what V8 has compiled for the one would be part of what the other measures.
 */
export interface Crew extends AsyncDisposable {
  /** Processes that are warm, in the namespaces that they are to work in; given back when disposed of. One load at a time. */
  lend(order: Order): Promise<Hands>;
}

export interface Order {
  readonly experiment: string;
  readonly repeats: number;
  readonly space: (end: End) => Space;
  readonly servers: number;
  /** Called as the window begins, and as it ends. */
  readonly told: (told: Mark) => void;
  readonly died: (error: LingerlabError) => void;
  /** Aborts their work and ends the processes. */
  readonly signal: AbortSignal;
}

export interface Hands extends AsyncDisposable {
  readonly client: LoadProcess;
  readonly servers: readonly LoadProcess[];
}

/** Any: nobody else is in the namespace. */
const warmPort = 8000;
/** How long connections may take to be gone once nobody wants them. */
const leaveMs = 2000;

type Spawning = Pick<LoadProcessOptions, 'spawned' | 'spent'>;

export function makeCrew(spawning: Spawning): Crew {
  let client: LoadProcess | undefined;
  let servers: LoadProcess[] = [];
  let madeFor: string | undefined;
  let order: Order | undefined;
  let atWork = false;

  const start = (): Promise<LoadProcess> =>
    startLoadProcess({
      ...spawning,
      told: (told) => void (atWork && order?.told(told)),
      died: (error) => order?.died(error),
    });

  async function dismiss(): Promise<void> {
    const all = client ? [client, ...servers] : servers;
    client = undefined;
    servers = [];
    await Promise.all(all.map((each) => each.end()));
  }

  /** As many as asked for; where one is new, all are warmed together. */
  async function gather({ experiment, repeats, servers: count, signal }: Order): Promise<Working> {
    if (experiment !== madeFor) await dismiss();
    madeFor = experiment;
    const isNew = !client || servers.length < count;
    client ??= await start();
    while (servers.length < count && !signal.aborted) servers.push(await start());
    // what the signal dismissed did not yet have those that were being started
    signal.throwIfAborted();
    const hands = { client, servers: servers.slice(0, count) };
    const began = performance.now();
    let last = 0;
    for (let round = isNew ? warmingRounds(repeats) : 0; round > 0; round--) {
      const since = performance.now();
      // of a busy machine: the cell that asked for the processes has a deadline
      if (since - began + last > mostWarmingMs) break;
      for (const way of warmingWays) await warm(hands, way);
      last = performance.now() - since;
    }
    return hands;
  }

  return {
    async lend(asked) {
      if (order) throw new TypeError('load: another load of this run has not ended');
      order = asked;
      const { signal, space } = asked;
      const stop = () => void dismiss();
      signal.addEventListener('abort', stop);
      async function back(): Promise<void> {
        signal.removeEventListener('abort', stop);
        order = undefined;
        atWork = false;
        if (signal.aborted) await dismiss();
      }
      try {
        signal.throwIfAborted();
        const hands = await gather(asked);
        await enter(hands, space);
        atWork = true;
        return {
          ...hands,
          async [Symbol.asyncDispose]() {
            await leave(hands).catch(dismiss);
            await back();
          },
        };
      } catch (error) {
        await dismiss();
        await back();
        throw error;
      }
    },
    [Symbol.asyncDispose]: dismiss,
  };
}

type Working = Pick<Hands, 'client' | 'servers'>;

async function enter({ client, servers }: Working, space: (end: End) => Space): Promise<void> {
  await client.ask('enter', { path: space('client').path });
  for (const server of servers) await server.ask('enter', { path: space('server').path });
}

/** Rejects where one has died, or cannot get rid of its connections. */
async function leave({ client, servers }: Working): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(loadDied(`did not get rid of its connections in ${leaveMs} ms`)), leaveMs);
  try {
    await Promise.race([Promise.all([client, ...servers].map((each) => each.ask('leave', {}))), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** One way of closing, with nobody watching. */
async function warm(hands: Working, way: LoadOptions): Promise<void> {
  using space = makeSpace('warm-up');
  const plan = planOf(way);
  await enter(hands, () => space);
  for (const server of hands.servers)
    await server.ask('serve', { ...plan, port: warmPort, reusePort: hands.servers.length > 1 });
  const targets = [{ address: '127.0.0.1', port: warmPort }];
  await hands.client.ask('drive', { ...plan, targets, from: '127.0.0.1', marked: { servers: [], spaces: [] } });
  await leave(hands);
}

/** How long each way of closing is done by new processes before they are asked, each time around. */
const waySeconds = 0.1;

const closed = loadCloses.flatMap((by) => ends.map((closer) => ({ closer, by })));
/** What new processes do: all that they can be asked, so that none of it is new to V8 when it is measured. */
const warmingWays: readonly LoadOptions[] = [...closed, { closer: 'neither' } as const].map((way) => ({
  ...way,
  seconds: waySeconds,
  warmUpSeconds: 0,
}));

/** How often they go through it. Who repeats a load no more than twice compares nothing, and waits less. */
const warmingRounds = (repeats: number): number => (repeats > 2 ? 4 : 1);

/** No round of it begins that would end later than this, but the first. */
const mostWarmingMs = 7000;

/** Seconds that it takes in all. */
export const warmingSeconds = (repeats: number): number => warmingRounds(repeats) * warmingWays.length * waySeconds;
