import { expect, test } from 'vitest';
import { experimentPlace } from '../../src/process/experiment-code.ts';

const own = new URL('../../src/run/stage.ts', import.meta.url);

test.each([
  ['a call', 'at scenario (file:///home/me/mine.ts:12:5)', { file: '/home/me/mine.ts', line: 12 }],
  ['an async call', 'at async scenario (file:///home/me/mine.ts:12:5)', { file: '/home/me/mine.ts', line: 12 }],
  ['the top of a file', 'at file:///home/me/a%20b.ts:3:1', { file: '/home/me/a b.ts', line: 3 }],
  ['a callback', 'at async file:///home/me/mine.ts:3:1', { file: '/home/me/mine.ts', line: 3 }],
  ['CommonJS', 'at Object.run (/home/me/mine.cjs:3:1)', { file: '/home/me/mine.cjs', line: 3 }],
  [
    'a method in parentheses',
    'at Timeout.<anonymous> (file:///home/me/mine.ts:7:9)',
    { file: '/home/me/mine.ts', line: 7 },
  ],
  ['Node', 'at process.processTicksAndRejections (node:internal/process/task_queues:105:5)', undefined],
])('the line of an experiment in a stack: %s', (_, frame, place) => {
  const stack = `Error: no (file:///not/this.ts:1:1) here\n    at node:internal/timers:1:2\n    at take (${own.href}:1:2)\n    ${frame}`;
  expect(experimentPlace({ stack })).toEqual(place);
});
