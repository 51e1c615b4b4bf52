import { type PeerOptions, type PeerProcess, type Player, type PlayerOptions, startPlayer } from './process.ts';

/**
 * The processes that play the peers of a session's cells. One that has left a cell as clean as it was started plays in another: starting
 * it took three quarters of the CPU of a short cell. One that is not clean ends with its cell, and is counted.
 */
export interface Company extends AsyncDisposable {
  /**
   * A process that plays this peer until it is disposed of; `fresh`: one that has played in no other cell. Rejects with PEER_DIED,
   * NO_ANSWER, or the reason of `until`.
   */
  hire(part: PeerOptions, fresh: boolean): Promise<PeerProcess>;
  /** Starts so many processes for the first parts of those that need not be fresh; `until` ends the wait for their start. */
  prepare(processes: number, until: AbortSignal): void;
  readonly counts: Counts;
}

/** What became of the processes. */
export interface Counts {
  /** Processes that were started. */
  started: number;
  /** Parts that were played. */
  parts: number;
  /** Processes that could play no other part, by the first thing that they could not get rid of: `a signal`, `descriptor socket`. */
  readonly leftOver: Record<string, number>;
}

export interface CompanyOptions {
  readonly origin: bigint;
  /** Whether each process plays in one cell only. */
  readonly fresh: boolean;
  /** Called at once with each pid. */
  readonly spawned: (pid: number) => void;
}

/** Process that is starting, with the part that it will play. */
interface Coming {
  readonly part: { name: string };
  readonly player: Promise<Player>;
}

/** Idle processes that are kept: twice what a burst of short cells needs on a large machine; each takes 50 MB. */
const mostIdle = 12;

export function makeCompany({ origin, fresh: allFresh, spawned }: CompanyOptions): Company {
  /** The last one that came back is the first to go on: its code and data are in the CPU's caches. */
  const idle: Player[] = [];
  /** Those that start before anybody has hired them. */
  const coming: Coming[] = [];
  const players = new Set<Player>();
  const counts: Counts = { started: 0, parts: 0, leftOver: {} };

  async function dismiss(player: Player): Promise<void> {
    await player.end();
    players.delete(player);
  }

  async function start({ name, until }: Pick<PlayerOptions, 'name' | 'until'>, once: boolean): Promise<Player> {
    counts.started += 1;
    const player = await startPlayer({
      origin,
      name,
      until,
      spawned,
      once,
      async over(which, left) {
        const first = left[0]?.replaceAll(/ \d+|:\[\d+\]/g, '');
        if (first !== undefined) counts.leftOver[first] = (counts.leftOver[first] ?? 0) + 1;
        if (first === undefined && !once && idle.length < mostIdle) idle.push(which);
        else await dismiss(which);
      },
    });
    players.add(player);
    return player;
  }

  async function play(player: Player, part: PeerOptions): Promise<PeerProcess> {
    try {
      return await player.play(part);
    } catch (error) {
      await dismiss(player);
      throw error;
    }
  }

  return {
    counts,
    prepare(processes, until) {
      if (allFresh) return;
      for (let nth = 0; nth < processes; nth++) {
        const part = { name: 'of no cell' };
        const player = start({ name: () => part.name, until }, false);
        // whoever hires it learns why it did not start
        player.catch(() => undefined);
        coming.push({ part, player });
      }
    },
    async hire(part, fresh) {
      counts.parts += 1;
      const once = fresh || allFresh;
      const waiting = once ? undefined : idle.pop();
      // one that has died meanwhile, as the kernel may kill it, is no fault of this cell
      const played = waiting && (await play(waiting, part).catch(() => undefined));
      if (played) return played;
      part.until.throwIfAborted();
      const next = once ? undefined : coming.shift();
      if (next) next.part.name = part.name;
      return play(await (next?.player ?? start({ name: () => part.name, until: part.until }, once)), part);
    },
    async [Symbol.asyncDispose]() {
      idle.length = 0;
      await Promise.allSettled(coming.map(({ player }) => player));
      await Promise.all([...players].map(dismiss));
    },
  };
}
