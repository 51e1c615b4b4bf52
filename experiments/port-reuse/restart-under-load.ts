import { experiment, finding, kind, range, share } from 'lingerlab';

/** Connections at once, and the pause behind each. */
const lanes = 8;
const pauseMs = 2;
/** How long the old server computes just before it closes: nothing is accepted meanwhile. */
const busyMs = 40;
/** It goes on until a connection waits in a queue of its own, proc_net_tcp(5): rx_queue; no longer than this. */
const mostBusyMs = 3000;
/** Connections that are answered before the restart begins, and behind it. */
const around = 100;

const serverOf = (role: 'old' | 'new', ways: string) => `
const [address, port, way] = process.argv.slice(1);
const { createServer } = require('node:net');
const server = createServer((socket) => socket.on('error', () => {}).end('${role}'));
const handed = ${ways};
server.listen(handed ? { fd: 3 } : { host: address, port: Number(port), reusePort: way.startsWith('reuseport') }, () =>
  console.log('listening'),
);
const { readFileSync, readlinkSync } = require('node:fs');
const queued = () => {
  const inode = readlinkSync('/proc/self/fd/' + server._handle.fd).slice('socket:['.length, -1);
  const fields = readFileSync('/proc/self/net/tcp', 'latin1').split('\\n').map((line) => line.trim().split(/\\s+/));
  return Number.parseInt(fields.find((own) => own[9] === inode)[4].split(':')[1], 16);
};
const leave = () => {
  const began = Date.now();
  const waits = way === 'one-after-the-other' || way.startsWith('reuseport');
  while (Date.now() < began + ${busyMs} || (waits && queued() === 0 && Date.now() < began + ${mostBusyMs}));
};
`;
/** The new server, which ends with the old one. */
const fresh = `${serverOf('new', "way === 'descriptor'")}
process.stdin.on('end', () => process.exit()).resume();
`;
const old = `${serverOf('old', 'false')}
process.stdin.once('data', () => {
  const start = (then) => {
    const stdio = ['pipe', 'pipe', 'inherit', way === 'descriptor' ? server._handle.fd : 'ignore'];
    const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(fresh)}, address, port, way], { stdio });
    child.stdout.once('data', then);
  };
  const close = () => {
    leave();
    server.close();
  };
  const done = () => console.log('restarted');
  if (way === 'one-after-the-other') {
    close();
    start(done);
  } else start(() => (close(), done()));
});
`;
const workerOf = (role: 'old' | 'new') => `${serverOf(role, 'false')}
process.on('message', () => {
  leave();
  require('node:cluster').worker.disconnect();
});
`;
const primary = `
const cluster = require('node:cluster');
const args = process.argv.slice(1);
const start = (code, then) => {
  cluster.setupPrimary({ exec: 'worker', execArgv: ['-e', code], args });
  return cluster.fork().once('listening', then);
};
const first = start(${JSON.stringify(workerOf('old').replaceAll('slice(1)', 'slice(2)'))}, () => {
  process.stdin.once('data', () => {
    start(${JSON.stringify(workerOf('new').replaceAll('slice(1)', 'slice(2)'))}, () => {
      first.once('exit', () => console.log('restarted'));
      first.send('leave');
    });
  });
});
`;
/** Connects again and again; on "enough" it goes on until so many have been answered by the new server, and says what became of all. */
const load = `
const [address, port] = process.argv.slice(1);
const net = require('node:net');
const counts = { old: 0, new: 0, ECONNRESET: 0, ECONNREFUSED: 0, other: 0, slowestMs: 0 };
let isEnough = false;
let behind = 0;
const attempt = () =>
  new Promise((resolve) => {
    const began = performance.now();
    let got = '';
    let code;
    const socket = net.connect(Number(port), address);
    socket.on('data', (data) => (got += data)).on('error', (error) => ({ code } = error));
    socket.on('close', () => {
      const what = code ?? got;
      counts[what in counts ? what : 'other'] += 1;
      if (!code) counts.slowestMs = Math.max(counts.slowestMs, performance.now() - began);
      if (isEnough && what === 'new') behind += 1;
      if (counts.old === ${around}) console.log('under way');
      setTimeout(resolve, ${pauseMs});
    });
  });
process.stdin.once('data', () => (isEnough = true));
const lane = async () => {
  while (behind < ${around}) await attempt();
};
Promise.all(Array.from({ length: ${lanes} }, lane)).then(() => {
  console.log(JSON.stringify(counts));
  process.exit();
});
`;
interface Counts {
  readonly old: number;
  readonly new: number;
  readonly ECONNRESET: number;
  readonly ECONNREFUSED: number;
  readonly other: number;
  readonly slowestMs: number;
}

/** A number that the speed of the machine decides. */
const measured = (text: string) => kind.count({ text, compare: 'measurement' });

export default experiment({
  id: 'restart-under-load',
  question:
    'A server is restarted while clients connect: which way loses no connection, and which refuses or resets some?',
  tags: ['SO_REUSEPORT', 'tcp_migrate_req', 'cluster', 'SCM_RIGHTS', 'graceful restart', 'ECONNREFUSED', 'ECONNRESET'],
  symptoms: [
    'zero downtime restart',
    'connections lost on reload',
    'connection refused during a deployment',
    'ECONNRESET during reload',
    'rolling restart of a server',
  ],
  factors: { way: ['one-after-the-other', 'reuseport', 'reuseport-migrate', 'descriptor', 'cluster'] },
  words: {
    way: {
      text: `how the new server takes over; the old one computes for at least ${busyMs} ms and then closes its listener`,
      values: {
        'one-after-the-other': 'the old server closes, then the new one starts',
        reuseport: 'the new one listens beside the old one with SO_REUSEPORT; then the old one closes',
        'reuseport-migrate': 'the same, with tcp_migrate_req 1',
        descriptor: "the new one inherits the old one's listening descriptor; then the old one closes",
        cluster: 'node:cluster: a new worker listens; then the old worker disconnects',
      },
    },
  },
  sysctls: ({ way }) => ({ 'net.ipv4.tcp_migrate_req': way === 'reuseport-migrate' ? 1 : undefined }),
  seconds: 2,
  measures: {
    answered: kind.count({ text: 'connections that either server answered', compare: 'measurement' }),
    reset: kind.count({ text: 'connections that were reset: ECONNRESET', compare: 'measurement' }),
    refused: kind.count({ text: 'connections that were refused: ECONNREFUSED', compare: 'measurement' }),
    others: kind.count({ text: 'connections that ended in another way: without an answer' }),
    lost: {
      ...kind.word('none', 'reset', 'refused', 'reset and refused'),
      text: 'what became of connections that no server answered',
    },
    slowestMs: kind.ms({ text: 'the longest time until an answer' }),
    // as many as the clients had time for
    'counters.lab.Tcp.ActiveOpens': measured('connections that clients began'),
    'counters.lab.Tcp.PassiveOpens': measured('connections that a server took'),
    'counters.lab.Tcp.AttemptFails': measured('connections that failed before they were ESTABLISHED'),
    'counters.lab.Tcp.EstabResets': measured('connections that a RST ended'),
    'counters.lab.Tcp.OutRsts': measured('RSTs that were sent'),
  },
  shows: ['lost', 'reset', 'refused', 'others', 'answered', 'slowestMs'],

  async scenario({ client, server, note }, { way }) {
    const { at } = server.place();
    const to = [at.address, String(at.port)];
    const code = way === 'cluster' ? primary : old;
    const serving = await server.exec(process.execPath, ['-e', code, ...to, way]);
    await serving.line('listening');
    const loading = await client.exec(process.execPath, ['-e', load, ...to]);
    await loading.line('under way');
    await serving.write('restart');
    await serving.line('restarted');
    await loading.write('enough');
    const counts: Counts = JSON.parse(await loading.line(/^\{/));
    note('answered', counts.old + counts.new);
    note('reset', counts.ECONNRESET);
    note('refused', counts.ECONNREFUSED);
    note('others', counts.other);
    const what = [counts.ECONNRESET > 0 && 'reset', counts.ECONNREFUSED > 0 && 'refused'].filter(Boolean).join(' and ');
    note('lost', (what || 'none') as 'none');
    note('slowestMs', counts.slowestMs);
  },

  claims: [
    {
      id: 'a-gap-refuses',
      text: 'one after the other: connections in the queue of the old server are reset when it closes, and new ones refused until the new server listens',
      source: 'inet_csk_listen_stop() in net/ipv4/inet_connection_sock.c; RFC 9293 §3.10.7.1',
      when: ({ way }) => way === 'one-after-the-other',
      holds: (facts) => facts.lost === 'reset and refused' && facts.others === 0,
    },
    {
      id: 'reuseport-resets-its-queue',
      text: `with SO_REUSEPORT none is refused, but what waits in the old server's queue is reset: at most one connection of each of ${lanes} clients`,
      source: 'inet_csk_listen_stop() in net/ipv4/inet_connection_sock.c; socket(7): SO_REUSEPORT',
      when: ({ way }) => way === 'reuseport',
      holds: (facts) => facts.lost === 'reset' && facts.reset <= lanes && facts.others === 0,
    },
    {
      id: 'migration-loses-none',
      text: 'with tcp_migrate_req 1 none is lost: the new server gets the queue of the old one',
      source:
        'tcp_migrate_req in Documentation/networking/ip-sysctl.rst; reuseport_migrate_sock() in net/core/sock_reuseport.c',
      when: ({ way }) => way === 'reuseport-migrate',
      holds: (facts) => facts.lost === 'none' && facts.others === 0,
    },
    {
      id: 'one-queue-loses-none',
      text: 'where both servers have a descriptor of one socket none is lost: its queue stays',
      source: 'unix(7): SCM_RIGHTS; fork(2): descriptors refer to one open file description',
      when: ({ way }) => way === 'descriptor',
      holds: (facts) => facts.lost === 'none' && facts.others === 0,
    },
    {
      id: 'cluster-loses-none',
      text: 'with node:cluster none is lost: the primary accepts, and gives a connection that the old worker does not take to the new one',
      source: 'RoundRobinHandle in lib/internal/cluster/round_robin_handle.js: accepted',
      when: ({ way }) => way === 'cluster',
      holds: (facts) => facts.lost === 'none' && facts.others === 0,
    },
  ],

  guide: [
    {
      about: { 'EADDRINUSE on restart': 'look at' },
      claim: 'a-gap-refuses',
      text: 'If the old server closes before the new one listens, clients in its queue are reset, and new clients refused.',
    },
    {
      about: { SO_REUSEPORT: 'risks' },
      claim: 'reuseport-resets-its-queue',
      text: "With SO_REUSEPORT on both servers no client is refused, but the connections in the old server's queue are reset.",
    },
    {
      about: { tcp_migrate_req: 'measured', SO_REUSEPORT: 'measured' },
      claim: 'migration-loses-none',
      text: 'With SO_REUSEPORT and tcp_migrate_req 1 a restart under load loses no connection: the new server gets the queue of the old one.',
    },
    {
      about: { 'EADDRINUSE on restart': 'helps' },
      claim: 'one-queue-loses-none',
      text: "A new server that inherits the old one's listening descriptor loses no connection under load.",
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (...ways: string[]) => outcomes.filter(({ cell }) => ways.includes(cell.way));
    const isWhole = ({ facts }: Outcome) => facts.lost === 'none' && facts.others === 0;
    const gap = of('one-after-the-other');
    const refused = gap.filter(({ facts }) => facts.refused > 0);
    const beside = of('reuseport');
    const reset = beside.filter(({ facts }) => facts.lost === 'reset');
    const safe = of('reuseport-migrate', 'descriptor', 'cluster');
    const whole = safe.filter(isWhole);
    const lossy = [...gap, ...beside];
    const lost = lossy.filter((each) => !isWhole(each));
    return {
      headline:
        safe.length > 0
          ? whole.length === safe.length
            ? `Restarts can keep all connections${beside.length > 0 && reset.length === beside.length ? '; with SO_REUSEPORT alone, some are reset' : ''}.`
            : `A restart under load lost no connection in ${share(whole, safe)} cases.`
          : lossy.length > 0 && `A restart under load lost connections in ${share(lost, lossy)} cases.`,
      findings: [
        gap.length > 0 &&
          finding(
            share(refused, gap),
            `Between the old server and the new one, ${range(gap, ({ facts }) => facts.refused)} connections were refused; ${range(gap, ({ facts }) => facts.reset)} that waited were reset.`,
          ),
        beside.length > 0 &&
          finding(
            share(reset, beside),
            `SO_REUSEPORT refused none; the old server, busy until it closed, then reset the ${range(beside, ({ facts }) => facts.reset)} connections in its queue.`,
          ),
        ...(
          [
            ['reuseport-migrate', 'SO_REUSEPORT with tcp_migrate_req 1 lost none'],
            ['descriptor', 'An inherited listening descriptor lost none'],
            ['cluster', 'A worker of node:cluster that disconnects lost none'],
          ] as const
        ).map(([way, text]) => {
          const those = of(way);
          return (
            those.length > 0 &&
            finding(
              share(those.filter(isWhole), those),
              `${text}; the longest wait for an answer was ${range(those, ({ facts }) => facts.slowestMs, { unit: 'ms' })}.`,
            )
          );
        }),
      ],
    };
  },
});
