import { expect, test } from 'vitest';
import { countingEvents } from '../../src/load/facts.ts';
import { cellEvents } from '../../src/record/cell-events.ts';
import type { Event, SampleEvent, SsSocket } from '../../src/record/event.ts';

const socket = (state: SsSocket['state']): SsSocket => ({
  state,
  recvQ: 0,
  sendQ: 0,
  local: { address: '127.0.0.1', port: 1 },
  remote: { address: '127.0.0.1', port: 2 },
  family: 4,
});
const sample = (sockets: readonly SsSocket[], leftOut?: number): SampleEvent => ({
  t: 0,
  until: 1,
  source: 'ss',
  kind: 'sample',
  space: 'lab',
  sockets,
  ...(leftOut !== undefined && { leftOut }),
});
const counters = { t: 1, source: 'counters', kind: 'counters', space: 'lab', values: {} } as const;

test('of samples the living are kept, of the trace nothing; all are counted', () => {
  const events = cellEvents();
  const { seen, add } = countingEvents(events);
  add(sample([socket('LISTEN'), socket('TIME-WAIT'), socket('TIME-WAIT')]));
  add(sample([socket('LISTEN')], 3000));
  add(sample([]));
  add({ t: 1, source: 'trace', kind: 'lost', cpu: 0, count: 7 } as Event);
  add(counters);
  expect(seen).toEqual({ samples: 3, traced: 1, lost: 7 });
  expect(events.all).toEqual([sample([socket('LISTEN')]), sample([socket('LISTEN')], 3000), sample([]), counters]);
});

test('what is kept of many looks has a limit, what is counted has none', () => {
  const events = cellEvents();
  const { seen, add } = countingEvents(events);
  const many = sample(Array.from({ length: 1000 }, () => socket('ESTABLISHED')));
  for (let nth = 0; nth < 80; nth++) add(many);
  expect(events.all).toHaveLength(50);
  expect(seen.samples).toBe(80);
});
