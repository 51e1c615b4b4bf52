import { experiment, finding, kind, type Opened, share } from 'lingerlab';

/** Connections, one after the other, before and after; before, at most so many until each of the two has one. */
const connections = 6;
const mostBefore = 40;
/** A worker that blocks its event loop is blocked for longer than the connections take. */
const blockedSeconds = 8;
/** Where all but one have an answer: an answer to the last one would be there, too. */
const oneMoreSeconds = 0.3;
const theEnd = 'the end';

/** Answers each connection with its own number, and keeps it. */
const worker = `
const { worker } = require('node:cluster');
const server = require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  socket.write(String(worker.id));
});
server.listen(Number(process.argv[3]), process.argv[2]);
process.on('message', (seconds) => {
  process.send('blocked');
  for (const until = Date.now() + 1000 * seconds; Date.now() < until; );
});
`;
/** Two workers, one after the other; what befalls the first one is said on the standard input. */
const primary = `
const cluster = require('node:cluster');
const [address, port, policy] = process.argv.slice(1);
cluster.schedulingPolicy = policy === 'round-robin' ? cluster.SCHED_RR : cluster.SCHED_NONE;
cluster.setupPrimary({ exec: 'worker', execArgv: ['-e', ${JSON.stringify(worker)}], args: [address, port] });
const first = cluster.fork().on('listening', () => cluster.fork().on('listening', () => console.log('listening')));
cluster.on('message', (_, what) => console.log(what));
cluster.on('exit', ({ id }) => console.log('worker', id, 'has ended'));
process.stdin.on('data', (what) => {
  if (String(what) === 'kill') first.process.kill('SIGKILL');
  else if (String(what) === 'disconnect') first.disconnect();
  else first.send(${blockedSeconds});
});
`;
/** Two threads, one after the other; the second one may not get the port. */
const threads = `
const { Worker, isMainThread, parentPort, threadId, workerData } = require('node:worker_threads');
const [address, port, policy] = process.argv.slice(1);
const code = ${JSON.stringify(`
const { parentPort, threadId, workerData } = require('node:worker_threads');
const server = require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  socket.write(String(threadId));
});
server.on('error', ({ code }) => parentPort.postMessage(code));
server.listen(workerData, () => parentPort.postMessage('listening'));
`)};
const to = { host: address, port: Number(port), reusePort: policy === 'threads-reuseport' };
const start = () => new Promise((resolve) => {
  const thread = new Worker(code, { eval: true, workerData: to });
  thread.once('message', (what) => resolve({ thread, what }));
});
(async () => {
  const first = await start();
  const second = await start();
  console.log('second', second.what);
  console.log('listening');
  process.stdin.once('data', async () => {
    await first.thread.terminate();
    console.log('worker', 1, 'has ended');
  });
})();
`;

const wordFor = (answered: number) =>
  answered === connections ? 'all' : answered === connections - 1 ? 'all but one' : answered === 0 ? 'none' : 'some';
/** The first one is gone while its event loop was free. */
const isGone = (first: string) => first === 'killed' || first === 'terminated';

export default experiment({
  id: 'cluster-workers',
  question:
    'When workers of a cluster or threads share a port, which of them accepts, and what happens to its connections when it ends?',
  tags: ['cluster', 'worker threads', 'SO_REUSEPORT', 'Node.js', 'round-robin', 'SIGKILL', 'ESTABLISHED', 'accept(2)'],
  symptoms: [
    'cluster worker dies with open connections',
    'connection hangs when a worker is killed',
    'worker threads share a port',
    'a blocked worker still gets connections',
  ],
  factors: {
    share: ['round-robin', 'shared-socket', 'threads', 'threads-reuseport'],
    first: ['killed', 'blocked', 'blocked-then-killed', 'disconnected', 'terminated'],
  },
  words: {
    share: {
      text: 'how two servers of one program share the port',
      values: {
        'round-robin': 'node:cluster, SCHED_RR, the default: the primary process accepts, and hands over in turn',
        'shared-socket': 'node:cluster, SCHED_NONE: each worker has a descriptor of one listening socket',
        threads: 'two worker threads, which listen one after the other',
        'threads-reuseport': 'the same, with SO_REUSEPORT',
      },
    },
    first: {
      text: 'what befalls the first one',
      values: {
        killed: 'SIGKILL',
        blocked: `its event loop is blocked for ${blockedSeconds} s`,
        'blocked-then-killed': 'the same, and SIGKILL when clients have connected',
        disconnected: 'worker.disconnect() of the primary',
        terminated: 'worker.terminate() of the main thread',
      },
    },
  },
  // worker.terminate() is of threads, which share one process that SIGKILL ends, and are never blocked alone
  valid: ({ share: how, first }) => how.startsWith('threads') === (first === 'terminated'),
  only({ share: how, first }) {
    if (how.startsWith('threads')) return first === 'terminated';
    if (how === 'shared-socket') return first === 'blocked';
    return first !== 'terminated' && first !== 'blocked';
  },
  seconds: 1.5,
  measures: {
    second: kind.outcome({ label: 'second listens', text: 'listen() of the second one' }),
    inTurn: kind.boolean({ text: 'whether the two accepted in turn' }),
    told: kind.outcome({
      label: 'client of the first reads',
      text: 'what a client that the first worker or thread served reads when that has ended: the end, or the errno',
    }),
    others: kind.boolean({
      label: 'connections of the second stay open',
      text: 'whether the connections of the second worker or thread stay open',
    }),
    afterwards: {
      ...kind.word('all', 'all but one', 'some', 'none'),
      label: 'later clients answered',
      text: `which of ${connections} later clients get an answer`,
    },
    waiting: kind.outcome({ text: 'state of the later client without an answer, by ss, when the first one is dead' }),
    holder: {
      ...kind.word('the primary', 'another', 'nobody'),
      text: "which process has that connection's descriptor, by ss -p",
    },
  },
  shows: ['second', 'inTurn', 'told', 'others', 'afterwards', 'waiting', 'holder'],

  async scenario({ client, server, look, rest, note, noteUnknown }, { share: how, first }) {
    const place = server.place();
    const isThreads = how.startsWith('threads');
    const args = [place.at.address, String(place.at.port), how];
    const serving = await server.exec(process.execPath, ['-e', isThreads ? threads : primary, ...args]);
    if (isThreads) note('second', (await serving.line(/^second /)).slice('second '.length));
    else note('second', 'listening');
    await serving.line('listening');
    const connect = async (): Promise<Opened> => {
      const near = await client.open(place);
      await near.connected();
      return near;
    };
    const old: { near: Opened; by: string }[] = [];
    const of = (number: string) => old.filter(({ by }) => by === number).map(({ near }) => near);
    const isOneSided = () => how !== 'threads' && (of('1').length === 0 || of('2').length === 0);
    while (old.length < connections || (isOneSided() && old.length < mostBefore)) {
      const near = await connect();
      await near.received(1);
      old.push({ near, by: await near.heard() });
    }
    // by the kernel's choice they may be in turn, too
    if (how === 'round-robin' || how === 'threads') {
      const isInTurn = old.every(({ by }, each) => by === String((each % 2) + 1));
      note('inTurn', isInTurn);
    }

    const later: Opened[] = [];
    const heard = async () => {
      const all = await Promise.all(later.map((near) => near.heard()));
      return all.map((text) => text !== '');
    };
    const isBlocked = first.startsWith('blocked');
    if (isBlocked) {
      await serving.write('block');
      await serving.line('blocked');
      const until = performance.now() + 1000 * blockedSeconds;
      for (let each = 0; each < connections; each++) later.push(await connect());
      const answered = async () => (await heard()).filter(Boolean).length;
      while ((await answered()) < connections - 1 && performance.now() < until) await rest(0.02);
      await rest(oneMoreSeconds);
      if (performance.now() > until) noteUnknown('afterwards', 'the clients came so late that the first one went on');
      else note('afterwards', wordFor(await answered()));
    }
    if (first !== 'blocked') {
      await serving.write(first === 'disconnected' ? 'disconnect' : 'kill');
      // a worker that is disconnected waits for its connections
      if (first === 'disconnected') for (const near of of('1')) await near.close('destroy');
      await serving.line('worker 1 has ended');
      const [one] = of('1');
      if (one && first !== 'disconnected') {
        const ended = await one.ended().answer();
        note('told', ended.ok ? theEnd : ended.outcome);
      }
    }
    if (!isBlocked) {
      let answered = 0;
      for (let each = 0; each < connections; each++) {
        const near = await client.open(place);
        if ((await near.connected().answer()).ok && (await near.received(1).answer()).ok) answered += 1;
      }
      note('afterwards', wordFor(answered));
    }
    const all = await heard();
    const silent = first === 'blocked' ? undefined : later.find((_, each) => !all[each]);
    if (silent) {
      note('waiting', (await look(silent))?.state ?? 'no socket');
      const ends = ['sport', '=', `:${silent.remote.port}`, 'and', 'dport', '=', `:${silent.local.port}`];
      const { stdout } = await (await server.exec('ss', ['-Htnp', ...ends])).ended();
      const holder = stdout.includes(`pid=${serving.pid},`)
        ? 'the primary'
        : /pid=/.test(stdout)
          ? 'another'
          : 'nobody';
      note('holder', holder);
    }
    const states = await Promise.all(of('2').map(async (near) => (await look(near))?.state));
    // a second one that could not listen has no connection to lose
    if (states.length > 0)
      note(
        'others',
        states.every((state) => state === 'ESTABLISHED'),
      );
  },

  claims: [
    {
      id: 'takes-turns',
      text: 'in a cluster the workers get connections in turn: the primary process accepts, and hands over',
      source: 'Node.js documentation, cluster.schedulingPolicy; lib/internal/cluster/round_robin_handle.js',
      when: ({ share: how }) => how === 'round-robin',
      holds: (facts) => facts.inTurn,
    },
    {
      id: 'its-connections-end',
      text: 'a worker that is killed, or a thread with SO_REUSEPORT that is terminated, ends its own connections: their clients read the end of the stream; the connections of the other worker or thread stay open, and later clients are served',
      source: 'exit_files() in kernel/exit.c; Node.js documentation, worker.terminate()',
      when: ({ share: how, first }) => isGone(first) && how !== 'threads',
      holds: (facts) => facts.told === theEnd && facts.others && facts.afterwards === 'all',
    },
    {
      id: 'threads-share-no-port',
      text: 'a second worker thread that listens on the port of the first fails with EADDRINUSE; when the first is terminated nobody listens, though the process lives',
      source: 'Node.js documentation, worker_threads: unlike cluster they share no server; inet_csk_get_port()',
      when: ({ share: how }) => how === 'threads',
      holds: (facts) => facts.second === 'EADDRINUSE' && facts.told === theEnd && facts.afterwards === 'none',
    },
    {
      id: 'a-blocked-worker-holds-one',
      text: 'a worker whose event loop is blocked is handed one connection, which waits; the primary hands the others to the other worker',
      source: 'lib/internal/cluster/round_robin_handle.js: a worker is free again when it has acknowledged a handle',
      when: ({ share: how, first }) => how === 'round-robin' && first.startsWith('blocked'),
      holds: (facts) => facts.afterwards === 'all but one',
    },
    {
      id: 'nobody-waits-for-a-blocked-one',
      text: 'where the workers share the listening socket, no connection waits for a blocked worker: the other worker accepts all',
      source: 'Node.js documentation, cluster.SCHED_NONE; accept(2)',
      when: ({ share: how, first }) => how === 'shared-socket' && first.startsWith('blocked'),
      holds: (facts) => facts.afterwards === 'all',
    },
    {
      id: 'and-is-left-behind',
      text: 'if the blocked worker is then killed, the connection that waits for that worker is abandoned: the client is still ESTABLISHED, without an answer or an error, and the primary has the descriptor',
      source: 'lib/internal/cluster/utils.js: sendHelper() keeps the callback of a handle until it is acknowledged',
      when: ({ share: how, first }) => how === 'round-robin' && first === 'blocked-then-killed',
      holds: (facts) => facts.waiting === 'ESTABLISHED' && facts.holder === 'the primary',
    },
    {
      id: 'disconnected-loses-none',
      text: 'a worker that is disconnected ends when its connections have ended; the other worker serves later clients, and its own connections stay open',
      source: 'Node.js documentation, worker.disconnect()',
      when: ({ first }) => first === 'disconnected',
      holds: (facts) => facts.others && facts.afterwards === 'all',
    },
  ],

  guide: [
    {
      about: { 'clients hang in connect': 'look at' },
      claim: 'and-is-left-behind',
      text: 'In a node:cluster, a client whose connection went to a blocked worker gets neither answer nor error after the worker was killed.',
    },
    {
      about: { 'clients hang in connect': 'helps' },
      claim: 'nobody-waits-for-a-blocked-one',
      text: 'With cluster.schedulingPolicy SCHED_NONE no connection waits for a blocked worker.',
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (are: (cell: Outcome['cell']) => boolean) => outcomes.filter(({ cell }) => are(cell));
    const gone = of(({ share: how, first }) => isGone(first) && how !== 'threads');
    const ended = gone.filter(({ facts }) => facts.told === theEnd && facts.others && facts.afterwards === 'all');
    const turns = of(({ share: how }) => how === 'round-robin');
    const inTurn = turns.filter(({ facts }) => facts.inTurn);
    const blocked = of(({ share: how, first }) => how === 'round-robin' && first.startsWith('blocked'));
    const waits = blocked.filter(({ facts }) => facts.afterwards === 'all but one');
    const dead = blocked.filter(({ cell }) => cell.first === 'blocked-then-killed');
    const hangs = dead.filter(({ facts }) => facts.waiting === 'ESTABLISHED' && facts.holder === 'the primary');
    const shared = of(({ share: how, first }) => how === 'shared-socket' && first.startsWith('blocked'));
    const free = shared.filter(({ facts }) => facts.afterwards === 'all');
    const threads = of(({ share: how }) => how === 'threads');
    const alone = threads.filter(({ facts }) => facts.second === 'EADDRINUSE' && facts.afterwards === 'none');
    return {
      headline:
        dead.length > 0
          ? hangs.length === dead.length
            ? 'A connection given to a blocked worker gets no answer if the worker is killed.'
            : `A connection was left behind by a killed worker in ${share(hangs, dead)} cases.`
          : gone.length > 0
            ? `A killed worker ended its own connections in ${share(ended, gone)} cases.`
            : blocked.length > 0
              ? `A blocked worker kept a connection waiting in ${share(waits, blocked)} cases.`
              : shared.length > 0
                ? `No connection waited for a blocked worker in ${share(free, shared)} cases.`
                : threads.length > 0
                  ? `A second thread got no port in ${share(alone, threads)} cases.`
                  : turns.length > 0 && `Workers took turns in ${share(inTurn, turns)} cases.`,
      findings: [
        finding(
          share(hangs, dead),
          'When a blocked worker is killed, the client whose connection waited for that worker gets neither answer nor error: the primary holds the descriptor.',
        ),
        finding(
          share(ended, gone),
          'A killed worker, or thread with SO_REUSEPORT, ends its own connections with a FIN; those of the other stay open, and new clients are served.',
        ),
        finding(
          share(waits, blocked),
          'The primary hands one connection to a blocked worker, and the others to the other worker.',
        ),
        finding(share(free, shared), 'With SCHED_NONE no connection waits for a blocked worker.'),
        finding(
          share(alone, threads),
          'A second worker thread fails with EADDRINUSE; when the first thread is terminated, no thread listens.',
        ),
        finding(share(inTurn, turns), 'By default, the workers of a cluster get connections in turn.'),
      ],
    };
  },
});
