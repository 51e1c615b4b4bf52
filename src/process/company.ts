/**
 * Processes of one kind for a session's cells. One that has left a cell as clean as it was started plays in another: to start it
 * took three quarters of the CPU of a short cell. One that is not clean ends with its cell, and is counted.
 */
export interface Company<Part extends AnyPart, Played> extends AsyncDisposable {
  /**
   * A process that plays this part until it is disposed of; `fresh`: one that has played in no other cell. Rejects with what its
   * start or the part rejects with, or the reason of `until`.
   */
  hire(part: Part, fresh: boolean): Promise<Played>;
  /** Starts so many processes for the first parts of those that need not be fresh; `until` ends the wait for their start. */
  prepare(processes: number, until: AbortSignal): void;
  readonly counts: Counts;
}

interface AnyPart {
  readonly name: string;
  /** Aborted when the cell is to end. */
  readonly until: AbortSignal;
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

/** A process that plays in one cell after the other. */
export interface Player<Part, Played> {
  play(part: Part): Promise<Played>;
  /** Ends it; resolves when it is gone. */
  end(): Promise<void>;
}

/** What the start of a process is given. */
export interface PlayerStart {
  /** Ends the wait for its start. */
  readonly until: AbortSignal;
  /** Returns the name of the process in messages while it starts. */
  readonly name: () => string;
  /** Whether the process plays one part only, and so may leave things behind. */
  readonly once: boolean;
  /** To be called when a part is over, with what the process could not get rid of; an empty list if it can play another part. */
  readonly over: (left: readonly string[]) => Promise<void>;
}

export interface CompanyOptions<Part, Played> {
  /** Whether each process plays in one cell only. */
  readonly fresh: boolean;
  readonly start: (options: PlayerStart) => Promise<Player<Part, Played>>;
}

/** Process that is starting, with the part that it will play. */
interface Coming<P> {
  readonly part: { name: string };
  readonly player: Promise<P>;
}

/** Idle processes that are kept: twice what a burst of short cells needs on a large machine; each takes 50 MB. */
const mostIdle = 12;

export function makeCompany<Part extends AnyPart, Played>({
  fresh: allFresh,
  start: startPlayer,
}: CompanyOptions<Part, Played>): Company<Part, Played> {
  type Process = Player<Part, Played>;
  /** The last one that came back is the first to go on: its code and data are in the CPU's caches. */
  const idle: Process[] = [];
  /** Those that start before anybody has hired them. */
  const coming: Coming<Process>[] = [];
  const players = new Set<Process>();
  const counts: Counts = { started: 0, parts: 0, leftOver: {} };

  async function dismiss(player: Process): Promise<void> {
    // whether or not it ends well: that is said once
    players.delete(player);
    await player.end();
  }

  async function start(name: () => string, until: AbortSignal, once: boolean): Promise<Process> {
    counts.started += 1;
    const player = await startPlayer({
      name,
      until,
      once,
      async over(left) {
        const first = left[0]?.replaceAll(/ \d+|:\[\d+\]/g, '');
        if (first !== undefined) counts.leftOver[first] = (counts.leftOver[first] ?? 0) + 1;
        if (first === undefined && !once && idle.length < mostIdle) idle.push(player);
        else await dismiss(player);
      },
    });
    players.add(player);
    return player;
  }

  async function play(player: Process, part: Part): Promise<Played> {
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
        const player = start(() => part.name, until, false);
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
      return play(await (next?.player ?? start(() => part.name, part.until, once)), part);
    },
    async [Symbol.asyncDispose]() {
      idle.length = 0;
      await Promise.allSettled(coming.map(({ player }) => player));
      await Promise.all([...players].map(dismiss));
    },
  };
}
