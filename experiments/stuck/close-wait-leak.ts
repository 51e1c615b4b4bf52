import { readdirSync, readlinkSync } from 'node:fs';
import { type Endpoint, experiment, finding, kind, type Opened, type RawEndpoint, share } from 'lingerlab';
import { keepAlive } from './shared/keepalive.ts';

/** Connections that the server's process may hold, by RLIMIT_NOFILE. */
const room = 10;
/** Of the listener. Its queue holds one connection more: sk_acceptq_is_full() in include/net/sock.h. */
const backlog = 2;
const queued = backlog + 1;
/** tcp_fin_timeout, TCP_KEEPIDLE and TCP_KEEPINTVL, in seconds. */
const short = 1;
/** Longer than tcp_fin_timeout, and than the first wait before a SYN is sent again. */
const watchedSeconds = 1.3;
const unanswered = 'nothing';
const theEnd = 'the end';
const served = 'an answer';
const overflows = 'counters.lab.TcpExt.ListenOverflows';

/** The least RLIMIT_NOFILE that leaves a process room for so many more descriptors: each has a number below it. */
function limitOf(pid: number, more: number): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`));
  let limit = 0;
  for (let free = 0; free < more; limit++) if (!open.has(String(limit))) free++;
  return limit;
}

/** Inodes of the sockets of which a process has descriptors. */
const inodesOf = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      // closed since the folder was read
      return [];
    }
  });
const inodesIn = (lines: readonly string[]) => lines.flatMap((line) => / ino:(\d+)/.exec(line)?.[1] ?? []);

export default experiment({
  id: 'close-wait-leak',
  question: 'A server never closes: what do new clients see when its descriptors run out, and what frees them?',
  tags: [
    'CLOSE-WAIT',
    'EMFILE',
    'RLIMIT_NOFILE',
    'descriptor leak',
    'accept queue',
    'ListenOverflows',
    'ss -p',
    '/proc/PID/fd',
  ],
  symptoms: [
    'close wait grows',
    'too many open files',
    'server hangs, many sockets in CLOSE_WAIT',
    'clients connect and get no answer',
    'which process leaks CLOSE_WAIT',
    "lsof: can't identify protocol",
    'accept: EMFILE',
  ],
  factors: { accepts: ['libc', 'net'], server: ['closes-each', 'leaks', 'keepalive', 'closes-one', 'dies'] },
  words: {
    accepts: {
      text: `how the server accepts; its descriptors suffice for ${room} connections, its backlog is ${backlog}`,
      values: { libc: 'by calls of accept(2), without net', net: 'by net of Node.js' },
    },
    server: {
      text: 'what the server does with connections that the clients have closed',
      values: {
        'closes-each': 'closes each of them',
        leaks: 'nothing: it leaks each descriptor',
        keepalive: `nothing, with SO_KEEPALIVE, TCP_KEEPIDLE ${short} s and TCP_KEEPINTVL ${short} s`,
        'closes-one': 'nothing, until its descriptors have run out; then it closes one',
        dies: 'nothing, until its descriptors have run out; then SIGKILL ends it',
      },
    },
  },
  // a server that closes each does so before or after the client's FIN-WAIT-2 is a mini-socket's: with a short one TWKilled would differ
  sysctls: ({ server }) => ({ 'net.ipv4.tcp_fin_timeout': server === 'closes-each' ? undefined : short }),
  needs: () => ['program:prlimit'],
  connections: ['first', 'last'],
  seconds: ({ server }) => (server === 'closes-each' ? 1 : server === 'keepalive' ? 6 : 4),
  measures: {
    held: kind.count({ text: "sockets in CLOSE-WAIT for which ss -p names the server's process" }),
    sockets: kind.count({ text: "descriptors that the server's process has for connections at that time" }),
    matched: kind.count({
      text: "sockets in CLOSE-WAIT whose inode, by ss -e, is among the process's in /proc/PID/fd",
    }),
    unseen: kind.count({
      text: 'sockets of /proc/PID/fd, made since the first client, whose inode ss -e shows nowhere',
    }),
    accept: kind.outcome({ text: 'accept(2) when the next client has connected' }),
    first: kind.outcome({ text: 'what that client gets' }),
    last: kind.outcome({ text: `state of the last client, ${watchedSeconds} s later, by ss` }),
    afterwards: kind.outcome({
      text: 'what the oldest waiting client (with net: a new client) gets after the one close(2), or after the death of the process',
    }),
    lastAfterwards: kind.outcome({ text: 'result of the connect(2) of the last client after that' }),
    left: kind.count({ text: "sockets in CLOSE-WAIT at the server's port at the end, by ss" }),
    // where the ACK of a client's FIN arrives while close(2) still has the socket, tcp_rcv_state_process() keeps a full socket in
    // FIN-WAIT-2, and its end sends a RST
    'counters.lab.Tcp.OutRsts': kind.count({ text: 'RSTs that were sent', compare: 'measurement' }),
    'counters.lab.TcpExt.TWKilled': kind.count({
      text: 'mini-sockets that last for 4 s at most',
      compare: 'measurement',
    }),
  },
  shows: [
    'accept',
    'held',
    'sockets',
    'matched',
    'unseen',
    'first',
    'last',
    overflows,
    'afterwards',
    'lastAfterwards',
    'left',
  ],

  async scenario({ client, start, until, look, rest, note }, cell) {
    const service = await start('service', 'server');
    const listener = await service.listen({ backlog });
    const raw = cell.accepts === 'libc' ? await listener.raw() : undefined;
    const open = (as?: 'first' | 'last') => client.open(raw ?? listener, as && { as });
    const accepted = async (near: Opened) => (raw ? raw.accept() : listener.accepted(near));
    const close = (far: Endpoint | RawEndpoint) => ('gone' in far ? far.close('destroy') : far.close());
    const serve = async (near: Opened) => {
      await (await accepted(near)).write(1);
      await near.received(1);
      return served;
    };
    const run = async (program: string, ...args: string[]) => {
      const { stdout, stderr, code } = await (await client.exec(program, args)).ended();
      if (code !== 0) throw new Error(`${program}: ${stderr}`);
      return stdout.split('\n').filter((line) => line !== '');
    };
    const closeWaits = () => run('ss', '-Htnpe', 'state', 'close-wait', 'sport', '=', `:${listener.at.port}`);
    const descriptors = () => readdirSync(`/proc/${service.pid}/fd`).length;
    const before = descriptors();
    const inodesBefore = new Set(inodesOf(service.pid));
    const limit = limitOf(service.pid, room);
    await run('prlimit', '--pid', String(service.pid), `--nofile=${limit}:`);
    const leaked: (Endpoint | RawEndpoint)[] = [];
    for (let connection = 0; connection < room; connection++) {
      const near = await open();
      await near.connected();
      const far = await accepted(near);
      if (cell.server === 'keepalive') await keepAlive(far, { TCP_KEEPIDLE: short, TCP_KEEPINTVL: short });
      await near.close('destroy');
      await until(far, 'CLOSE-WAIT');
      if (cell.server === 'closes-each') await close(far);
      else leaked.push(far);
    }
    if (cell.server === 'keepalive') for (const far of leaked) await until(far, 'CLOSED');
    const lines = await closeWaits();
    const inodes = inodesOf(service.pid);
    const shown = new Set(inodesIn(await run('ss', '-Htane')));
    note('held', lines.filter((line) => line.includes(`pid=${service.pid},`)).length);
    note('matched', inodesIn(lines).filter((inode) => inodes.includes(inode)).length);
    note('unseen', inodes.filter((inode) => !inodesBefore.has(inode) && !shown.has(inode)).length);
    note('sockets', descriptors() - before);

    const first = await open('first');
    await first.connected();
    if (cell.server === 'closes-each') return note('first', await serve(first));
    if (raw) note('accept', (await raw.accept({ wait: false }).answer()).outcome);
    for (let waiting = 1; waiting < queued; waiting++) await (await open()).connected();
    const last = await open('last');
    await rest(watchedSeconds);
    const state = (await look(first))?.state;
    note('first', state === 'CLOSE-WAIT' ? theEnd : state === 'ESTABLISHED' ? unanswered : (state ?? 'no socket'));
    note('last', (await look(last))?.state ?? 'no socket');

    if (cell.server === 'closes-one') {
      await close(leaked[0]!);
      note('afterwards', await serve(raw ? first : await open()));
    }
    if (cell.server === 'dies') {
      await service.end('SIGKILL');
      note('afterwards', (await (raw ? first.ended() : client.knock(listener)).answer()).outcome);
    }
    if (raw && (cell.server === 'closes-one' || cell.server === 'dies'))
      note('lastAfterwards', (await last.connected().answer()).outcome);
    note('left', (await closeWaits()).length);
  },

  claims: [
    {
      id: 'ss-names-the-process',
      text: `each leaked connection is a socket in CLOSE-WAIT, for which ss -p names the process; its inode, by ss -e, is one of /proc/PID/fd: ${room} of ${room}`,
      source: 'ss(8), --processes and --extended; proc_pid_fd(5): socket:[inode]',
      when: ({ server }) => server === 'leaks' || server === 'closes-one' || server === 'dies',
      holds: (facts) => facts.held === room && facts.sockets === room && facts.matched === room && facts.unseen === 0,
    },
    {
      id: 'connected-and-not-served',
      text: 'accept(2) fails with EMFILE; the kernel goes on with handshakes, and the client is ESTABLISHED without an answer',
      source: 'accept(2), ERRORS; tcp_v4_syn_recv_sock() in net/ipv4/tcp_ipv4.c needs no descriptor',
      when: ({ accepts, server }) => accepts === 'libc' && server !== 'closes-each',
      holds: (facts) => facts.accept === 'EMFILE' && facts.first === unanswered,
    },
    {
      id: 'then-the-queue-is-full',
      text: `with ${queued} connections in the queue, one more than the backlog, the kernel drops further SYNs: the client is not refused, its connect(2) waits in SYN-SENT`,
      source: 'tcp_conn_request() in net/ipv4/tcp_input.c, sk_acceptq_is_full() in include/net/sock.h: ListenOverflows',
      when: ({ accepts, server }) => accepts === 'libc' && server !== 'closes-each',
      holds: (facts) => facts.last === 'SYN-SENT' && (facts[overflows] ?? 0) > 0,
    },
    {
      id: 'net-closes-what-it-cannot-serve',
      text: 'net accepts each new connection with a spare descriptor of libuv, and closes it at once: the client reads the end of the stream',
      source: 'uv__emfile_trick() in src/unix/stream.c of libuv',
      when: ({ accepts, server }) => accepts === 'net' && server !== 'closes-each',
      holds: (facts) => facts.first === theEnd && facts.last === 'CLOSE-WAIT' && facts[overflows] === 0,
    },
    {
      id: 'keepalive-frees-no-descriptor',
      text: 'keepalive ends CLOSE-WAIT once the client is gone: ss shows no such socket any more, but the descriptors stay in /proc/PID/fd, and for new clients nothing changes',
      source: 'tcp_reset() in net/ipv4/tcp_input.c; the descriptor is freed by close(2) alone',
      when: ({ server }) => server === 'keepalive',
      holds: (facts, { accepts }) =>
        facts.held === 0 &&
        facts.sockets === room &&
        facts.unseen === room &&
        facts.first === (accepts === 'net' ? theEnd : unanswered),
    },
    {
      id: 'one-close-serves-one-client',
      text: 'one close(2) lets the server accept one client; with accept(2), its place in the queue goes to the client whose SYN was dropped, when that SYN is sent again',
      source: 'close(2); inet_csk_accept() in net/ipv4/inet_connection_sock.c',
      when: ({ server }) => server === 'closes-one',
      holds: (facts, { accepts }) =>
        facts.afterwards === served && (accepts === 'net' || facts.lastAfterwards === 'ok'),
    },
    {
      id: 'death-frees-all',
      text: 'the death of the process closes all leaked sockets; clients in the queue get ECONNRESET, later ones ECONNREFUSED',
      source: 'exit_files() in kernel/exit.c; inet_csk_listen_stop() in net/ipv4/inet_connection_sock.c',
      when: ({ server }) => server === 'dies',
      holds: (facts, { accepts }) =>
        facts.left === 0 &&
        (accepts === 'net'
          ? facts.afterwards === 'ECONNREFUSED'
          : facts.afterwards === 'ECONNRESET' && facts.lastAfterwards === 'ECONNREFUSED'),
    },
    {
      id: 'a-server-that-closes',
      text: 'a server that closes each connection has no more descriptors than before, and serves the next client',
      source: 'close(2)',
      when: ({ server }) => server === 'closes-each',
      holds: (facts) => facts.held === 0 && facts.sockets === 0 && facts.first === served,
    },
  ],

  guide: [
    {
      about: { 'CLOSE-WAIT grows': 'look at' },
      claim: 'ss-names-the-process',
      text: 'Each leaked connection is one socket in CLOSE-WAIT, whose process ss -p names, and one descriptor of that process.',
    },
    {
      about: { 'CLOSE-WAIT grows': 'look at', 'clients hang in connect': 'look at' },
      claim: 'connected-and-not-served',
      text: 'When a leaking server has no descriptor left, accept(2) fails with EMFILE; clients still connect, and get no answer.',
    },
    {
      about: { 'clients hang in connect': 'look at' },
      claim: 'then-the-queue-is-full',
      text: 'When the accept queue of a server without a free descriptor is full, further clients are not refused: their connect(2) hangs.',
    },
    {
      about: { 'CLOSE-WAIT grows': 'helps', 'clients hang in connect': 'helps' },
      claim: 'a-server-that-closes',
      text: 'A server that closes each connection keeps no descriptor of it, and serves the next client.',
    },
    {
      about: { 'CLOSE-WAIT grows': 'helps' },
      claim: 'death-frees-all',
      text: 'A restart frees all leaked sockets: the death of the process closes them; clients in the queue get ECONNRESET.',
    },
    {
      about: { keepalive: 'risks', 'CLOSE-WAIT grows': 'cannot help' },
      claim: 'keepalive-frees-no-descriptor',
      text: 'Keepalive ends CLOSE-WAIT of clients that are gone, but the descriptors of the leaking server stay used.',
    },
  ],

  answer(outcomes) {
    const leaky = outcomes.filter(({ cell }) => cell.server !== 'closes-each');
    const plain = leaky.filter(({ cell }) => cell.accepts === 'libc');
    const hang = plain.filter(({ facts }) => facts.accept === 'EMFILE' && facts.first === unanswered);
    const dropped = plain.filter(({ facts }) => facts.last === 'SYN-SENT');
    const net = leaky.filter(({ cell }) => cell.accepts === 'net');
    const closed = net.filter(({ facts }) => facts.first === theEnd);
    const kept = leaky.filter(({ cell }) => cell.server === 'keepalive');
    const useless = kept.filter(({ facts }) => facts.held === 0 && facts.unseen === room);
    const one = leaky.filter(({ cell }) => cell.server === 'closes-one');
    const helped = one.filter(({ facts }) => facts.afterwards === served);
    const dead = leaky.filter(({ cell }) => cell.server === 'dies');
    const freed = dead.filter(({ facts }) => facts.held === room && facts.matched === room && facts.left === 0);
    const closing = outcomes.filter(({ cell }) => cell.server === 'closes-each');
    const well = closing.filter(({ facts }) => facts.sockets === 0 && facts.first === served);
    return {
      headline:
        plain.length > 0
          ? hang.length === plain.length
            ? 'Leaked CLOSE-WAIT ends in EMFILE: clients connect, but none gets an answer.'
            : `Leaked CLOSE-WAIT left new clients without an answer in ${share(hang, plain)} cells.`
          : net.length > 0
            ? `Leaked CLOSE-WAIT: net closed new connections at once in ${share(closed, net)} cells.`
            : closing.length > 0 && `A server that closes served the next client in ${share(well, closing)} cells.`,
      findings: [
        finding(
          share(hang, plain),
          'accept(2) fails with EMFILE, but the kernel goes on with handshakes: connect(2) succeeds, and no answer arrives.',
        ),
        finding(
          share(dropped, plain),
          `When the accept queue is full, here of ${queued}, further clients are not refused: their connect(2) waits in SYN-SENT (watched for ${watchedSeconds} s).`,
        ),
        finding(
          share(closed, net),
          'In Node, net closes each connection that it has no descriptor for: the client reads the end of the stream.',
        ),
        finding(
          share(useless, kept),
          `Keepalive ends the sockets whose clients are gone: ss shows none of them, but /proc/PID/fd still has all ${room}.`,
        ),
        finding(
          share(helped, one),
          'After one close(2), the server serves one client: the longest-waiting one if it uses accept(2), a new one if it uses net.',
        ),
        finding(
          share(freed, dead),
          `ss -p names the process that leaks all ${room} sockets in CLOSE-WAIT, /proc/PID/fd has their inodes; the death of the process ends all.`,
        ),
      ],
    };
  },
});
