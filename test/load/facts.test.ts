import { expect, test } from 'vitest';
import type { Loaded } from '../../src/experiment/load.ts';
import { loadFindings } from '../../src/load/facts.ts';

const counters = {
  'TcpExt.TWRecycled': 0,
  'Tcp.RetransSegs': 3,
  'TcpExt.ListenDrops': 1,
  'TcpExt.TCPBacklogDrop': 0,
  'TcpExt.TCPRcvQDrop': 0,
  'TcpExt.TCPReqQFullDrop': 2,
  'TcpExt.RcvPruned': 0,
  'TcpExt.OfoPruned': 0,
};
const loaded = (has: Loaded['counters']): Loaded => ({
  driver: 'loop',
  finished: 10,
  closed: 10,
  before: 0,
  failed: {},
  ever: 10,
  seconds: 1,
  latency: { p50Us: 1, p75Us: 1, p99Us: 2, maxUs: 3 },
  intervals: [],
  lateUs: 0,
  perSecond: 10,
  used: { client: 1, servers: 1, softirq: 0, idle: 0, busy: 2 },
  systemShare: { client: 0, servers: 0 },
  saturated: 'nobody',
  othersShare: 0,
  timeWaitLeft: 0,
  timeWait: [],
  counters: has,
  faults: { client: 3, servers: 4 },
  seen: { samples: 0, traced: 0, lost: 0 },
});

test('a counter that did not change is 0', () => {
  const { facts } = loadFindings(loaded(counters));
  expect(facts).toMatchObject({ 'load.recycled': 0, 'load.retransmits': 3, 'load.dropped': 3 });
});

test('a counter that the kernel has not is unknown, and so is what it is part of', () => {
  const { 'TcpExt.TWRecycled': _, 'TcpExt.TCPReqQFullDrop': __, ...others } = counters;
  const { facts, unknown } = loadFindings(loaded(others));
  expect(facts).toMatchObject({ 'load.recycled': null, 'load.retransmits': 3, 'load.dropped': null });
  expect(unknown['load.dropped']).toEqual({
    code: 'no-such-counter',
    text: 'this kernel has no counter TcpExt.TCPReqQFullDrop',
  });
});
