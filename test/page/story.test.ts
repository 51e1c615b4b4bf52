import { expect, test } from 'vitest';
import { storyOf } from '../../src/page/story.ts';

const told = () =>
  storyOf({
    paths: {
      client: [
        { state: 'FIN-WAIT-1', at: 2e6, evidence: 'exact', source: 'trace' },
        { state: 'FIN-WAIT-2', at: 3e6, evidence: 'exact', source: 'trace' },
        { state: 'FIN-WAIT-2', at: 4e6, evidence: 'exact', source: 'trace', mini: true },
        { state: 'TIME-WAIT', at: 6e6, notBefore: 5e6, evidence: 'bracketed', source: 'trace', mini: true },
      ],
    },
    ends: {
      client: {
        calls: [{ t: 1e6, ns: 5e6, verb: 'close', by: 'destroy' }],
        looks: [{ t: 7e6, until: 9e6, state: 'TIME-WAIT', times: 2 }],
      },
      server: { calls: [{ t: 2.5e6, ns: 10, verb: 'close', by: 'close(2)', errno: 'EBADF', syscall: 'close' }] },
    },
  });

test('states, calls and looks are one list in the order of time, each with what is known of it', () => {
  expect(told().map(({ t, who, text, how }) => [t / 1e6, who, text, how])).toEqual([
    [1, 'client', 'close by destroy(), held its thread for 5.00 ms', ''],
    [2, 'client', 'enters FIN-WAIT-1', ''],
    [2.5, 'server', 'close by close(2) fails with EBADF (close)', ''],
    [3, 'client', 'enters FIN-WAIT-2', ''],
    [4, 'client', 'FIN-WAIT-2 goes on in a mini-socket', ''],
    [6, 'client', 'enters TIME-WAIT', 'bracketed by trace, in the 1.00 ms before'],
    [9, 'client', 'ss shows TIME-WAIT: the last of 2 looks in 2.00 ms', ''],
  ]);
});

test('a state, and a look, are called as they are in the drawings', () => {
  expect(told().map(({ key }) => key)).toEqual(
    expect.arrayContaining(['client:FIN-WAIT-1', 'call:client:1000000', 'look:client:9000000']),
  );
});
