import { expect, test } from 'vitest';
import { makeCompany, type PlayerStart } from '../../src/process/company.ts';

interface Part {
  readonly name: string;
  readonly until: AbortSignal;
}
interface Played extends AsyncDisposable {
  readonly nth: number;
}

const until = new AbortController().signal;
const part: Part = { name: 'peer', until };

/** A company whose processes are counted, leave what they are told to leave, and end as they are told to. */
function company({ fresh = false, left = [], end = async () => {} }: Partial<Left> = {}) {
  const ended: number[] = [];
  let count = 0;
  const made = makeCompany<Part, Played>({
    fresh,
    start: async ({ over }: PlayerStart) => {
      const nth = ++count;
      return {
        play: async () => ({ nth, [Symbol.asyncDispose]: () => over(left) }),
        end: async () => {
          ended.push(nth);
          await end();
        },
      };
    },
  });
  return { made, ended };
}
interface Left {
  readonly fresh: boolean;
  readonly left: readonly string[];
  readonly end: () => Promise<void>;
}

test('a process that is clean plays again, unless a fresh one is asked for', async () => {
  const { made, ended } = company();
  const one = await made.hire(part, false);
  await one[Symbol.asyncDispose]();
  const [two, three] = [await made.hire(part, false), await made.hire(part, true)];
  expect([one.nth, two.nth, three.nth]).toEqual([1, 1, 2]);
  await Promise.all([two, three].map((each) => each[Symbol.asyncDispose]()));
  expect(ended).toEqual([2]);
  await made[Symbol.asyncDispose]();
  expect(ended).toEqual([2, 1]);
  expect(made.counts).toEqual({ started: 2, parts: 3, leftOver: {} });
});

test('one that leaves something behind ends, and is counted by what that is', async () => {
  const { made, ended } = company({ left: ['descriptor 17 socket:[4711]'] });
  await (await made.hire(part, false))[Symbol.asyncDispose]();
  expect(ended).toEqual([1]);
  expect(made.counts.leftOver).toEqual({ 'descriptor socket': 1 });
});

test('that one did not end well is said to whoever had it, and to nobody else', async () => {
  const { made, ended } = company({ left: ['an unfinished capture'], end: () => Promise.reject(new Error('ENOSPC')) });
  const one = await made.hire(part, false);
  await expect(one[Symbol.asyncDispose]()).rejects.toThrow('ENOSPC');
  await made[Symbol.asyncDispose]();
  expect(ended).toEqual([1]);
});
