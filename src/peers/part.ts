import { refused, succeeded } from '../experiment/answer.ts';
import type { Answer } from '../experiment/handles.ts';
import type { Stalls } from '../process/stalls.ts';
import type { CallEvent } from '../record/event.ts';
import { callOf, endOf, goesOn } from './calls.ts';
import type { Self, Timed, Took } from './handler.ts';
import type { Told, Verb, Verbs } from './protocol.ts';
import { Sockets } from './sockets.ts';
import { handlers } from './verbs.ts';

/** Steps whose calls may block. */
const closing: ReadonlySet<Verb> = new Set([
  'close',
  'closeDuplicate',
  'shutdown',
  'close(2)',
  'dup2(2)',
  'shutdown(2)',
]);

type Refusal = NodeJS.ErrnoException | { errno: string; syscall: string; message: string };
const refusalOf = (error: Refusal, verb: Verb) => ({
  errno: ('code' in error && error.code) || (typeof error.errno === 'string' ? error.errno : error.message),
  // what net itself refuses is no system call's
  syscall: error.syscall ?? verb,
});

type Refused = ReturnType<typeof refusalOf>;

/** What a peer's process is to one cell. */
export interface Part {
  readonly name: string;
  obey<V extends Verb>(verb: V, ask: Verbs[V]['ask']): Promise<Answer<Verbs[V]['value']>>;
  /** Reports something, until the part is over. */
  tell(saw: Told['saw']): void;
  /** Number of steps that have not ended. */
  readonly running: number;
  /** Reports nothing any more, and closes every socket. */
  end(): void;
}

/** Makes the part that a process plays in one cell; calls the third argument with each event. */
export function makePart(self: Self, stalls: Stalls, told: (saw: Told['saw']) => void): Part {
  const { name, now } = self;
  let isOver = false;
  let running = 0;
  const tell = (saw: Told['saw']): void => {
    if (!isOver) told(saw);
  };
  // close(2) holds its thread where SO_LINGER says so: that is what the experiment asked for
  const sockets = new Sockets(name, now, tell, (from) => stalls.excuse(from));
  const verbs = handlers(sockets, self, tell);

  /** The endpoint, and the raw socket, that a step is of. */
  const socketOf = (ask: Verbs[Verb]['ask']) => ({
    ...('endpoint' in ask && { endpoint: ask.endpoint }),
    ...('socket' in ask && sockets.numbers(ask.socket)),
  });

  async function obey<V extends Verb>(verb: V, ask: Verbs[V]['ask']): Promise<Answer<Verbs[V]['value']>> {
    let t = now();
    let ns = 0;
    const timed: Timed = (call) => {
      t = now();
      const ends = () => {
        ns = now() - t;
      };
      const isClosing = closing.has(verb);
      try {
        const result = call();
        return result instanceof Promise ? (result.finally(ends) as typeof result) : result;
      } finally {
        ends();
        if (isClosing) stalls.excuse(t);
      }
    };
    const took: Took = (from, lasted) => {
      t = from;
      ns = lasted;
    };
    const call = callOf(verb, ask);
    // a call may end the connection that it was on
    const own = socketOf(ask);
    const record = (more: Refused | object): void => {
      if (!call) return;
      const made = { t, source: 'peer', kind: 'call', peer: name, ns, ...own, ...call, ...more };
      tell(made as CallEvent);
    };
    try {
      const value = await verbs[verb](ask, timed, took);
      if (!goesOn(verb, ask, value)) record(endOf(verb, value));
      return succeeded(value, ns);
    } catch (error) {
      const refusal = refusalOf(error as Refusal, verb);
      record(refusal);
      return refused(refusal, ns);
    }
  }

  return {
    name,
    tell,
    get running() {
      return running;
    },
    async obey(verb, ask) {
      running += 1;
      try {
        return await obey(verb, ask);
      } finally {
        running -= 1;
      }
    },
    end() {
      isOver = true;
      sockets.closeAll();
    },
  };
}
