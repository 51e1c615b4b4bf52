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
   * and what follows may not come late. Nothing happens to one that is given already.
   */
  lend(waiting: Promise<unknown>): void;
}

export interface Slots {
  /** The next free slot. Rejects with the signal's reason, also when a slot is to be taken again after `while`. */
  acquire(signal?: AbortSignal): Promise<Slot>;
}

interface Ticket {
  readonly grant: () => void;
}

/**
 * So many, at least one, may be at work at once; the number is asked whenever somebody wants to begin or stops. First come, first
 * served, but who comes back from waiting goes before who has not begun: its scenario's next step is due.
 */
export function slots(jobs: () => number): Slots {
  const beginning: Ticket[] = [];
  const returning: Ticket[] = [];
  let working = 0;

  function serve(): void {
    while (working < Math.max(1, jobs())) {
      const ticket = returning.shift() ?? beginning.shift();
      if (!ticket) return;
      working++;
      ticket.grant();
    }
  }

  function leave(): void {
    working--;
    serve();
  }

  function enter(queue: Ticket[], signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (): void => {
      queue.splice(queue.indexOf(ticket), 1);
      reject(signal?.reason);
    };
    const ticket: Ticket = {
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
    async acquire(signal) {
      await enter(beginning, signal);
      return slot({ enter: () => enter(returning, signal), enterAtOnce: () => void working++, leave });
    },
  };
}

/** What one holder does with its slot. */
interface Turn {
  /** Take it again in turn. */
  readonly enter: () => Promise<void>;
  /** Take it again out of turn. */
  readonly enterAtOnce: () => void;
  /** Give it back. */
  readonly leave: () => void;
}

function slot({ enter, enterAtOnce, leave }: Turn): Slot {
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
      if (state !== 'held') return;
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
