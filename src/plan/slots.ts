/** The right to be at work. */
export interface Slot extends Disposable {
  /** Give it back for good; again does nothing. */
  release(): void;
  /**
   * Give the slot back while `waiting` runs, and take it again afterwards, also where it fails. Several may run side by
   * side: the first that ends takes the slot again. Rejects with the signal's reason where the slot could not be taken
   * again, unless `waiting` failed before.
   */
  while<T>(waiting: () => Promise<T>): Promise<T>;
  /**
   * Give the slot back until `waiting` settles, and take it again at once, whoever is at work: what was waited for has happened,
   * and what follows may not come late. Neither a quiet one's slot nor one that is given already.
   */
  lend(waiting: Promise<unknown>): void;
}

export interface Slots {
  /**
   * The next free slot. A quiet one waits until no one else is at work and then keeps everyone else from it; others that
   * only wait go on waiting. Rejects with the signal's reason, also when a slot is to be taken again after `while`.
   */
  acquire(quiet: boolean, signal?: AbortSignal): Promise<Slot>;
}

interface Ticket {
  readonly quiet: boolean;
  readonly grant: () => void;
}

/**
 * So many, at least one, may be at work at once. First come, first served, with three exceptions: who comes back from waiting goes
 * before who has not begun (its scenario's next step is due); quiet ones that are already there when a quiet one begins
 * follow it directly, so that the machine is emptied once for all of them; and once a quiet one's turn has come, no one
 * overtakes it. So neither kind starves the other.
 */
export function slots(jobs: number): Slots {
  const beginning: Ticket[] = [];
  const returning: Ticket[] = [];
  /** Quiet ones that follow the quiet one before them. */
  const gathered = new Set<Ticket>();
  /** The quiet one whose turn has come, while those at work finish. */
  let next: Ticket | undefined;
  let working = 0;
  let isQuiet = false;

  const choose = (): Ticket | undefined =>
    next ?? returning[0] ?? beginning.find((ticket) => gathered.has(ticket)) ?? beginning[0];

  function remove(ticket: Ticket): void {
    for (const queue of [beginning, returning]) {
      const at = queue.indexOf(ticket);
      if (at >= 0) queue.splice(at, 1);
    }
    gathered.delete(ticket);
    if (next === ticket) next = undefined;
  }

  function begin(ticket: Ticket): void {
    if (ticket.quiet && !gathered.has(ticket)) for (const other of beginning) if (other.quiet) gathered.add(other);
    remove(ticket);
    working++;
    isQuiet = ticket.quiet;
    ticket.grant();
  }

  function serve(): void {
    for (;;) {
      const ticket = choose();
      if (!ticket || isQuiet) return;
      if (ticket.quiet && working > 0) {
        next = ticket;
        return;
      }
      if (working >= Math.max(1, jobs)) return;
      begin(ticket);
    }
  }

  function leave(quiet: boolean): void {
    working--;
    if (quiet) isQuiet = false;
    serve();
  }

  function enter(queue: Ticket[], quiet: boolean, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (): void => {
      remove(ticket);
      reject(signal?.reason);
      serve();
    };
    const ticket: Ticket = {
      quiet,
      grant: () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      },
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    queue.push(ticket);
    serve();
    return promise;
  }

  return {
    async acquire(quiet, signal) {
      await enter(beginning, quiet, signal);
      return slot({
        quiet,
        enter: () => enter(returning, quiet, signal),
        enterAtOnce: () => void working++,
        leave: () => leave(quiet),
      });
    },
  };
}

/** What one holder does with its slot. */
interface Turn {
  readonly quiet: boolean;
  /** Take it again in turn. */
  readonly enter: () => Promise<void>;
  /** Take it again out of turn. */
  readonly enterAtOnce: () => void;
  /** Give it back. */
  readonly leave: () => void;
}

function slot({ quiet, enter, enterAtOnce, leave }: Turn): Slot {
  let state: 'held' | 'given' | 'released' = 'held';
  let taking: Promise<void> | undefined;

  async function take(): Promise<void> {
    try {
      await enter();
    } finally {
      taking = undefined;
    }
    if (state === 'released') leave();
    else state = 'held';
  }

  const takeAgain = async (): Promise<void> => {
    if (state !== 'given') return;
    taking ??= take();
    await taking;
  };

  function release(): void {
    if (state === 'held') leave();
    state = 'released';
  }

  return {
    release,
    [Symbol.dispose]: release,
    lend(waiting) {
      if (quiet || state !== 'held') return;
      state = 'given';
      leave();
      const back = (): void => {
        // else it was taken again in turn meanwhile, or is being so
        if (state !== 'given' || taking) return;
        state = 'held';
        enterAtOnce();
      };
      waiting.then(back, back);
    },
    async while(waiting) {
      if (state === 'held') {
        state = 'given';
        leave();
      }
      const result = await Promise.try(waiting).then(asValue, asError);
      const taken = await takeAgain().then(() => undefined, asError);
      if ('error' in result) throw result.error;
      if (taken) throw taken.error;
      return result.value;
    },
  };
}

const asValue = <T>(value: T): { readonly value: T } => ({ value });
const asError = (error: unknown): { readonly error: unknown } => ({ error });
