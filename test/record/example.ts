import { type CellRecord, type Environment, type RunRecord, schemaVersion } from '../../src/record/schema.ts';

export const exampleEnvironment: Environment = {
  kernel: '6.18.44',
  distribution: 'Debian GNU/Linux 12 (bookworm)',
  arch: 'x86_64',
  cpu: 'AMD EPYC',
  cores: 2,
  memory: 8_000_000_000,
  virtualization: 'kvm',
  accelerator: 'none',
  slowness: 1,
  hz: 250,
  node: '24.21.0',
  iproute2: '6.1.0',
  privileged: true,
  capabilities: { tracepoints: true },
  sysctls: { 'net.ipv4.tcp_tw_reuse': '2' },
};

export const exampleRun = (change: Partial<RunRecord> = {}): RunRecord => ({
  schemaVersion,
  tool: { name: 'lingerlab', version: '0.1.0', commit: null },
  argv: ['run', 'close-order'],
  status: 'running',
  pid: process.pid,
  clock: { monotonicNs: '123456789', wall: '2025-11-20T09:00:00.000Z' },
  sessions: [{ startedAt: '2025-11-20T09:00:00.000Z', finishedAt: null, environment: exampleEnvironment }],
  experiments: [
    {
      id: 'close-order',
      group: 'closing',
      question: 'Which end is left in TIME-WAIT?',
      factors: { closes: ['client', 'server'] },
      facts: { 'timeWait.holder': { type: 'word', compare: 'exact' } },
      shows: ['timeWait.holder'],
      sourceHash: 'aa',
      file: 'builtin:closing/close-order',
      builtin: true,
      answer: null,
      answered: null,
      claims: [],
    },
  ],
  groups: [{ title: 'closing', order: 20, experiments: ['close-order'], headline: null }],
  plan: ['close-order/closes=client', 'close-order/closes=server'],
  repeats: {},
  notRun: [],
  warnings: [],
  ...change,
});

export const exampleCell = (change: Partial<CellRecord> = {}): CellRecord => ({
  id: 'close-order/closes=client',
  experiment: 'close-order',
  factors: { closes: 'client' },
  repeat: 1,
  race: false,
  status: 'ran',
  startedAt: '2025-11-20T09:00:01.000Z',
  seconds: 0.5,
  facts: { 'timeWait.holder': 'client', 'timeWait.seconds': null },
  unknown: { 'timeWait.seconds': { code: 'not-over', text: 'the cell ended before' } },
  paths: {},
  claims: [{ id: 'first-closer-waits', verdict: 'confirmed', detail: { on: 'facts', read: [], more: 0 } }],
  warnings: [],
  ...change,
});

/** The pid of a process that has been and gone: above any that Linux gives out (PID_MAX_LIMIT is 4,194,304). */
export const deadPid = 4_194_305;
