import { describe, expect, test } from 'vitest';
import { type Slot, type Slots, slots } from '../../src/run/slots.ts';

/** Let everything happen that can without anyone doing anything. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

/** Tasks that say in `log` when they begin, and hold their slot until they are told to end. */
function stage(pool: Slots) {
  const log: string[] = [];
  const held = new Map<string, Slot>();
  function begin(name: string, signal?: AbortSignal): void {
    void pool.acquire(signal).then(
      (slot) => {
        log.push(name);
        held.set(name, slot);
      },
      (reason: unknown) => log.push(`${name} ${String(reason)}`),
    );
  }
  async function end(...names: string[]): Promise<void> {
    for (const name of names) held.get(name)!.release();
    await settle();
  }
  /** The task waits until the returned function is called, then says so in `log`. */
  async function wait(name: string): Promise<() => Promise<void>> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = held.get(name)!.while(() => promise);
    void waiting.then(
      () => log.push(`${name} again`),
      (reason: unknown) => log.push(`${name} ${String(reason)}`),
    );
    await settle();
    return async () => {
      resolve();
      await settle();
    };
  }
  /** The task lends its slot until the returned function is called. */
  async function lend(name: string): Promise<() => Promise<void>> {
    const { promise, resolve } = Promise.withResolvers<void>();
    held.get(name)!.lend(promise);
    await settle();
    return async () => {
      resolve();
      await settle();
    };
  }
  return { log, begin, end, wait, lend };
}

async function begun(jobs: number, ...names: string[]) {
  const made = stage(slots(() => jobs));
  for (const name of names) made.begin(name);
  await settle();
  return made;
}

describe('normal tasks', () => {
  test('are at work so many at once, first come, first served', async () => {
    const { log, end } = await begun(2, 'a', 'b', 'c', 'd');
    expect(log).toEqual(['a', 'b']);
    await end('b');
    expect(log).toEqual(['a', 'b', 'c']);
    await end('a', 'c');
    expect(log).toEqual(['a', 'b', 'c', 'd']);
  });

  test('at least one works, however few jobs there are', async () => {
    expect((await begun(0, 'a', 'b')).log).toEqual(['a']);
  });

  test('a slot given back twice is one slot', async () => {
    const { log, end } = await begun(1, 'a', 'b', 'c');
    await end('a', 'a');
    expect(log).toEqual(['a', 'b']);
  });

  test('a slot is given back at the end of its scope', async () => {
    const pool = slots(() => 1);
    {
      using _slot = await pool.acquire();
    }
    expect(await pool.acquire()).toBeDefined();
  });
});

describe('a task that waits', () => {
  test('takes no slot, and takes one again before those that have not begun', async () => {
    const { log, end, wait } = await begun(1, 'a', 'b', 'c');
    const wake = await wait('a');
    expect(log).toEqual(['a', 'b']);
    await wake();
    expect(log).toEqual(['a', 'b']);
    await end('b');
    expect(log).toEqual(['a', 'b', 'a again']);
    await end('a');
    expect(log).toEqual(['a', 'b', 'a again', 'c']);
  });

  test('gives what it waited for, or its failure, with the slot taken again', async () => {
    const pool = slots(() => 1);
    const slot = await pool.acquire();
    expect(await slot.while(async () => 7)).toBe(7);
    await expect(slot.while(async () => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
    const other = stage(pool);
    other.begin('b');
    await settle();
    expect(other.log).toEqual([]);
    slot.release();
    await settle();
    expect(other.log).toEqual(['b']);
  });

  test('for two things takes its slot again when the first has come, and only once', async () => {
    const { log, end, wait } = await begun(1, 'a', 'b', 'c');
    const first = await wait('a');
    const second = await wait('a');
    await end('b');
    expect(log).toEqual(['a', 'b', 'c']);
    await first();
    await second();
    await end('c');
    expect(log).toEqual(['a', 'b', 'c', 'a again', 'a again']);
    await end('a');
    const { log: after } = await begun(1, 'x');
    expect(after).toEqual(['x']);
  });

  test('and is released meanwhile takes none afterwards', async () => {
    const { log, end, wait } = await begun(1, 'a', 'b', 'c');
    const wake = await wait('a');
    await end('a');
    await wake();
    expect(log).toEqual(['a', 'b', 'a again']);
    await end('b');
    expect(log).toEqual(['a', 'b', 'a again', 'c']);
  });

  test('and is released while it stands in line again holds none when its turn comes', async () => {
    const { log, end, wait } = await begun(1, 'a', 'b', 'c');
    const wake = await wait('a');
    await wake();
    await end('a');
    await end('b');
    expect(log.filter((entry) => entry === 'c')).toEqual(['c']);
  });
});

describe('an abort', () => {
  test('takes a task out of the line', async () => {
    const { log, begin, end } = await begun(1, 'a');
    const controller = new AbortController();
    begin('b', controller.signal);
    begin('c');
    controller.abort('stopped');
    await settle();
    expect(log).toEqual(['a', 'b stopped']);
    await end('a');
    expect(log).toEqual(['a', 'b stopped', 'c']);
  });

  test('before it asks, and after it has got its slot', async () => {
    const { log, begin, end } = await begun(1);
    begin('a', AbortSignal.abort('stopped'));
    const controller = new AbortController();
    begin('b', controller.signal);
    await settle();
    controller.abort('stopped');
    begin('c');
    await settle();
    expect(log).toEqual(['a stopped', 'b']);
    await end('b');
    expect(log).toEqual(['a stopped', 'b', 'c']);
  });

  test('ends a task that waits for its slot again, which then holds none', async () => {
    const { log, begin, end, wait } = await begun(1);
    const controller = new AbortController();
    begin('a', controller.signal);
    begin('b');
    begin('c');
    await settle();
    const wake = await wait('a');
    await wake();
    controller.abort('stopped');
    await settle();
    expect(log).toEqual(['a', 'b', 'a stopped']);
    await end('a');
    expect(log).toEqual(['a', 'b', 'a stopped']);
    await end('b');
    expect(log).toEqual(['a', 'b', 'a stopped', 'c']);
  });

  test('does not hide why the waiting failed', async () => {
    const controller = new AbortController();
    const slot = await slots(() => 1).acquire(controller.signal);
    const waiting = slot.while(async () => {
      controller.abort('stopped');
      throw new Error('boom');
    });
    await expect(waiting).rejects.toThrow('boom');
  });
});

test('whatever tasks do, no more than so many are at work at once, and each has its turn', async () => {
  const pool = slots(() => 3);
  const working = new Set<number>();
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  let most = 0;
  let ended = 0;
  const pause = async () => {
    for (let i = random(8); i > 0; i--) await Promise.resolve();
  };
  const work = async (task: number) => {
    working.add(task);
    most = Math.max(most, working.size);
    await pause();
    working.delete(task);
  };
  await Promise.all(
    Array.from({ length: 300 }, async (_, task) => {
      await pause();
      const slot = await pool.acquire();
      await work(task);
      for (let waits = random(3); waits > 0; waits--) {
        await slot.while(pause);
        await work(task);
      }
      slot.release();
      ended++;
    }),
  );
  expect(ended).toBe(300);
  expect(most).toBe(3);
});

describe('a slot that is lent', () => {
  test('is another one’s meanwhile, and its holder’s again at once, though all are taken', async () => {
    const { log, begin, end, lend } = await begun(1, 'a', 'b', 'c');
    const back = await lend('a');
    expect(log).toEqual(['a', 'b']);
    await back();
    // two are at work now: one has to end before another begins
    await end('b');
    expect(log).toEqual(['a', 'b']);
    begin('d');
    await end('a');
    expect(log).toEqual(['a', 'b', 'c']);
  });

  test('that was released, or given in turn, meanwhile is not taken again', async () => {
    const { log, end, lend, wait } = await begun(1, 'a', 'b', 'c');
    const back = await lend('a');
    await end('a');
    await back();
    await end('b');
    expect(log).toEqual(['a', 'b', 'c']);
    const returned = await wait('c');
    const again = await lend('c');
    await again();
    await returned();
    expect(log).toEqual(['a', 'b', 'c', 'c again']);
  });
});

test('fewer begin once there is less room, and more once there is more', async () => {
  let room = 2;
  const { log, begin, end } = stage(slots(() => room));
  for (const name of ['a', 'b', 'c', 'd', 'e']) begin(name);
  await settle();
  room = 1;
  await end('a');
  expect(log).toEqual(['a', 'b']);
  await end('b');
  expect(log).toEqual(['a', 'b', 'c']);
  room = 3;
  await end('c');
  expect(log).toEqual(['a', 'b', 'c', 'd', 'e']);
});
