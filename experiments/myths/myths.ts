import {
  ack,
  type Endpoint,
  experiment,
  type FactsOf,
  fin,
  finding,
  kind,
  rst,
  type Stage,
  sentence,
  share,
} from 'lingerlab';

/** The length of TIME-WAIT, less what ss cuts off a timer and what passes until it looks on a busy machine. */
const nearlyAMinute = 58;
/** tcp_fin_timeout, and SO_LINGER, of the cells that ask whether TIME-WAIT lasts as long. */
const few = 3;
const lingers = 1;
/** What a call that does not wait may take on a busy machine. */
const atOnce = 1;
/** More than the receiver's kernel takes while its application does not read. */
const heldBytes = 300_000;
const several = 5;
/** Beyond the second after which tcp_tw_reuse lets a client reuse a port. */
const reusableSeconds = 1.2;
const onlyPort = 40_000;
const theEnd = 'the end';
/** What is left of TIME-WAIT is given in steps of so many seconds. */
const tens = 10;

const measures = {
  verdict: {
    ...kind.word('true', 'partly', 'false'),
    label: 'the statement is',
    text: 'whether the statement holds for what was observed',
  },
  observed: kind.outcome({ text: 'what decides it' }),
  seconds: kind.seconds({ text: 'the time that decides it: left of TIME-WAIT, or that a call took' }),
} as const;
type Played = Stage<readonly [], typeof measures>;
type Listener = Awaited<ReturnType<Played['server']['listen']>>;
type Verdict = 'true' | 'partly' | 'false';

/** What a cell saw, from which its verdict follows. */
interface Seen {
  readonly observed: string;
  readonly seconds?: number;
}
interface Statement {
  /** As people say it. */
  readonly said: string;
  /** Who says it, or where it is written. */
  readonly by: string;
  readonly topic: 'TIME-WAIT' | 'SO_LINGER' | 'Ports' | 'Servers' | 'Defaults' | 'RST';
  readonly network?: 'wire';
  readonly sysctls?: Readonly<Record<string, number | string>>;
  /** Expected seconds of the cell. Default: 0.4. */
  readonly takes?: number;
  readonly tries: (stage: Played) => Promise<Seen>;
  readonly isSo: (seen: Seen) => Verdict;
  /** What is so, after the claim's verdict on the statement. */
  readonly really: string;
  /** The same in the few words of a finding. */
  readonly short: (observed: string) => string;
  readonly source: string;
  readonly expected: {
    readonly verdict: Verdict;
    readonly observed: string;
    readonly seconds?: (seconds: number) => boolean;
  };
}

const atMost = (limit: number) => (seconds: number) => seconds <= limit;
const atLeast = (limit: number) => (seconds: number) => seconds >= limit;
const untrueUnless =
  (isTrue: (seen: Seen) => boolean) =>
  (seen: Seen): Verdict =>
    isTrue(seen) ? 'true' : 'false';

/** What ss shows of a socket, and the time that is left on its timer. */
async function shown({ look }: Played, end: Endpoint): Promise<Seen> {
  const socket = await look(end);
  return {
    observed: socket?.state ?? 'no socket',
    ...(socket?.timer && { seconds: socket.timer.ms / 1000 }),
  };
}

/** What the application reads at the end of its stream. */
async function lastRead(end: Endpoint): Promise<string> {
  const ended = await end.ended().answer();
  return ended.ok ? theEnd : ended.outcome;
}

/** The client closes first, with these seconds of SO_LINGER. */
async function closed(stage: Played, linger?: number): Promise<Seen> {
  const [near, far] = await stage.client.connect(await stage.server.listen());
  if (linger !== undefined) await near.set('SO_LINGER', linger);
  await stage.closeInTurn(near, far);
  const { observed, seconds } = await shown(stage, near);
  if (seconds === undefined) return { observed };
  return { observed: `${observed}, about ${Math.round(seconds / tens) * tens} s left`, seconds };
}

/** The server closes so many connections first, each from another port of the client. */
async function servedFrom(stage: Played, listener: Listener, ports: readonly number[]): Promise<number> {
  let served = 0;
  for (const localPort of ports) {
    const connecting = await stage.client.connect(listener, { localPort }).answer();
    if (!connecting.ok) continue;
    const [near, far] = connecting.value;
    await stage.closeInTurn(far, near);
    served += 1;
  }
  return served;
}

/** SO_LINGER expires while the server does not read; then it reads. */
async function expired({ client, server, until }: Played): Promise<{ outcome: string; seconds: number; read: string }> {
  const [near, far] = await client.connect(await server.listen());
  await near.set('SO_LINGER', lingers);
  const { written } = await near.fill(far, { bytes: heldBytes });
  const closing = await near.close('destroy').answer();
  await far.resume();
  const read = await lastRead(far);
  const delivered = read === theEnd ? await far.received(written).answer() : undefined;
  await far.close('destroy');
  await Promise.all([until(near, 'TIME-WAIT', 'CLOSED'), until(far, 'CLOSED')]);
  return {
    outcome: closing.outcome,
    seconds: closing.ns / 1e9,
    read: delivered?.ok ? `all bytes, then ${read}` : read,
  };
}

/** A sysctl that nobody has set. */
const byDefault =
  (name: string, where: 'client' | 'server' = 'client') =>
  async ({ sysctl }: Played): Promise<Seen> => {
    const found = sysctl(name, where);
    return { observed: found ? found.own : 'no such sysctl' };
  };

const statements = {
  'fin-timeout-shortens-time-wait': {
    said: 'tcp_fin_timeout shortens TIME-WAIT',
    by: 'articles on tuning',
    topic: 'TIME-WAIT',
    sysctls: { 'net.ipv4.tcp_fin_timeout': few },
    tries: (stage) => closed(stage),
    isSo: untrueUnless(({ seconds }) => seconds === undefined || seconds <= few),
    really: `with tcp_fin_timeout ${few} TIME-WAIT still lasts 60 s, by its timer`,
    short: () => `it lasts 60 s, also with tcp_fin_timeout ${few}`,
    source:
      'TCP_TIMEWAIT_LEN in include/net/tcp.h; tcp_fin_timeout in Documentation/networking/ip-sysctl.rst: of an orphan in FIN-WAIT-2',
    expected: { verdict: 'false', observed: 'TIME-WAIT, about 60 s left', seconds: atLeast(nearlyAMinute) },
  },
  'linger-sets-time-wait': {
    said: 'the seconds of SO_LINGER are those of TIME-WAIT',
    by: 'answers in forums',
    topic: 'TIME-WAIT',
    tries: (stage) => closed(stage, few),
    isSo: untrueUnless(({ seconds }) => seconds === undefined || seconds <= few),
    really: `with SO_LINGER ${few} TIME-WAIT still lasts 60 s, by its timer`,
    short: () => `it lasts 60 s, also with SO_LINGER ${few}`,
    source: 'socket(7): SO_LINGER is how long close(2) waits; TCP_TIMEWAIT_LEN in include/net/tcp.h',
    expected: { verdict: 'false', observed: 'TIME-WAIT, about 60 s left', seconds: atLeast(nearlyAMinute) },
  },
  'only-the-first-closer': {
    said: 'only the end that closes first can have TIME-WAIT',
    by: 'articles on TIME-WAIT',
    topic: 'TIME-WAIT',
    network: 'wire',
    async tries({ client, server, wire, until, look }) {
      const [near, far] = await client.connect(await server.listen());
      const fins = await wire.hold(fin);
      await near.close();
      await far.close();
      await Promise.all([wire.seen(fin.from('client')), wire.seen(fin.from('server'))]);
      await fins.lift();
      await fins.release();
      await Promise.all([near, far].map((end) => until(end, 'TIME-WAIT', 'CLOSED')));
      const states = await Promise.all([near, far].map(async (end) => (await look(end))?.state ?? 'no socket'));
      return { observed: states.join(', ') };
    },
    isSo: untrueUnless(({ observed }) => observed !== 'TIME-WAIT, TIME-WAIT'),
    really: 'if both ends close before the FIN of the other end arrives, both keep TIME-WAIT',
    short: () => 'both ends can keep it',
    source: 'RFC 9293 §3.6, case 3: simultaneous close; tcp_rcv_state_process() in net/ipv4/tcp_input.c: TCP_CLOSING',
    expected: { verdict: 'false', observed: 'TIME-WAIT, TIME-WAIT' },
  },
  'time-wait-holds-a-descriptor': {
    said: 'TIME-WAIT holds a file descriptor of the process',
    by: 'articles on "too many open files"',
    topic: 'TIME-WAIT',
    async tries(stage) {
      const closing = await stage.start('closing');
      const [near, far] = await closing.connect(await stage.server.listen());
      await stage.closeInTurn(near, far);
      const { inode } = (await stage.look(near)) ?? {};
      await closing.end('SIGKILL');
      const { observed } = await shown(stage, near);
      return { observed: `${inode ? 'a descriptor' : 'no descriptor'}; ${observed} after the process` };
    },
    isSo: untrueUnless(({ observed }) => observed.startsWith('a ') || !observed.includes('TIME-WAIT')),
    really: 'ss shows no inode for TIME-WAIT, and TIME-WAIT outlives the process: it holds no descriptor',
    short: () => 'it holds no descriptor',
    source: 'tcp_time_wait() in net/ipv4/tcp_minisocks.c: inet_twsk_alloc(), then tcp_done() of the full socket',
    expected: { verdict: 'false', observed: 'no descriptor; TIME-WAIT after the process' },
  },

  'non-blocking-does-not-linger': {
    said: 'close() of a non-blocking socket does not wait for SO_LINGER',
    by: 'UNIX Network Programming, volume 1, §7.5',
    topic: 'SO_LINGER',
    takes: lingers + 0.8,
    async tries(stage) {
      const { outcome, seconds } = await expired(stage);
      return { observed: `${outcome}, ${seconds < lingers ? 'at once' : `after ${lingers} s`}`, seconds };
    },
    isSo: untrueUnless(({ seconds = 0 }) => seconds < lingers),
    really: `close() with SO_LINGER ${lingers} waits its second on a descriptor with O_NONBLOCK, too`,
    short: () => 'a non-blocking close() waits',
    source: 'inet_release() in net/ipv4/af_inet.c: timeout = sk->sk_lingertime, whatever the flags of the file are',
    expected: { verdict: 'false', observed: `ok, after ${lingers} s`, seconds: atLeast(lingers) },
  },
  'expired-linger-fails': {
    said: 'close() fails with EWOULDBLOCK if SO_LINGER expires',
    by: 'UNIX Network Programming, volume 1, §7.5',
    topic: 'SO_LINGER',
    takes: lingers + 0.8,
    tries: async (stage) => ({ observed: (await expired(stage)).outcome }),
    isSo: untrueUnless(({ observed }) => observed !== 'ok'),
    really: 'close() returns 0 when SO_LINGER expires: the application does not learn that data is unacknowledged',
    short: () => 'expiry returns 0',
    source:
      'inet_release() in net/ipv4/af_inet.c returns 0; sk_stream_wait_close() in net/core/stream.c returns nothing',
    expected: { verdict: 'false', observed: 'ok' },
  },
  'expired-linger-resets': {
    said: 'when SO_LINGER expires, a RST is sent and unsent data is lost',
    by: 'closesocket() of Winsock; books and articles',
    topic: 'SO_LINGER',
    takes: lingers + 0.8,
    tries: async (stage) => ({ observed: (await expired(stage)).read }),
    isSo: untrueUnless(({ observed }) => observed !== `all bytes, then ${theEnd}`),
    really: 'after SO_LINGER has expired the kernel goes on: the other end reads all bytes and the end of the stream',
    short: () => 'expiry loses no data',
    source: '__tcp_close() in net/ipv4/tcp.c: after sk_stream_wait_close() the socket is an orphan in FIN-WAIT-1',
    expected: { verdict: 'false', observed: `all bytes, then ${theEnd}` },
  },
  'shutdown-waits': {
    said: 'with SO_LINGER shutdown() waits until all is sent, too',
    by: 'socket(7)',
    topic: 'SO_LINGER',
    async tries({ client, server, until }) {
      const [near, far] = await client.connect(await server.listen());
      await near.set('SO_LINGER', few);
      await near.fill(far, { bytes: heldBytes });
      const { ns, outcome } = await near.shutdown('WR').answer();
      await near.set('SO_LINGER', 'off');
      await far.resume();
      await far.ended();
      await far.close('destroy');
      await near.close('destroy');
      await until(far, 'CLOSED');
      const seconds = ns / 1e9;
      return { observed: `${outcome}, ${seconds < atOnce ? 'at once' : 'late'}`, seconds };
    },
    isSo: untrueUnless(({ seconds = 0 }) => seconds >= few),
    really: `shutdown() with SO_LINGER ${few} returns at once, while the other end does not read`,
    short: () => 'shutdown() does not wait',
    source: 'inet_shutdown() in net/ipv4/af_inet.c does not read sk_lingertime',
    expected: { verdict: 'false', observed: 'ok, at once', seconds: atMost(atOnce) },
  },
  'linger-0-leaves-no-time-wait': {
    said: 'close() with SO_LINGER 0 leaves no TIME-WAIT at either end',
    by: 'articles on tuning',
    topic: 'SO_LINGER',
    async tries({ client, server, until, look }) {
      const [near, far] = await client.connect(await server.listen());
      await near.set('SO_LINGER', 0);
      await near.close('destroy');
      await Promise.all([until(near, 'CLOSED'), until(far, 'CLOSED')]);
      const states = await Promise.all([near, far].map(async (end) => (await look(end))?.state ?? 'no socket'));
      return { observed: states.join(', ') };
    },
    isSo: untrueUnless(({ observed }) => !observed.includes('TIME-WAIT')),
    really: 'close() with SO_LINGER 0 of an established connection leaves no socket at either end',
    short: () => '0 leaves no TIME-WAIT',
    source: 'RFC 9293 §3.10.5: ABORT; tcp_need_reset() in net/ipv4/tcp.c',
    expected: { verdict: 'true', observed: 'no socket, no socket' },
  },

  'ports-divided-by-a-minute': {
    said: '28,232 ports and 60 s of TIME-WAIT allow 470 connections/s in all',
    by: 'articles on port exhaustion',
    topic: 'Ports',
    sysctls: { 'net.ipv4.ip_local_port_range': `${onlyPort} ${onlyPort}`, 'net.ipv4.tcp_tw_reuse': 0 },
    async tries({ client, server, closeInTurn }) {
      const [one, other] = [await server.listen(), await server.listen()];
      const [near, far] = await client.connect(one);
      await closeInTurn(near, far);
      const again = await client.connect(one).answer();
      const elsewhere = await client.connect(other).answer();
      return { observed: `same destination: ${again.outcome}; another: ${elsewhere.outcome}` };
    },
    isSo: ({ observed }) =>
      !observed.startsWith('same destination: EADDRNOTAVAIL')
        ? 'false'
        : observed.endsWith('another: ok')
          ? 'partly'
          : 'true',
    really:
      'a port whose connection is in TIME-WAIT is taken for the same destination address and port only; a connection to another destination gets the port at once',
    short: () => 'TIME-WAIT takes one per destination',
    source: '__inet_check_established() in net/ipv4/inet_hashtables.c compares all four numbers',
    expected: { verdict: 'partly', observed: 'same destination: EADDRNOTAVAIL; another: ok' },
  },
  'server-runs-out-of-ports': {
    said: '1,000 requests/s exhaust the ports of a server that closes first',
    by: 'articles on TIME-WAIT',
    topic: 'Ports',
    sysctls: { 'net.ipv4.ip_local_port_range': `${onlyPort} ${onlyPort}` },
    async tries(stage) {
      const served = await servedFrom(stage, await stage.server.listen(), stage.client.ports(several));
      return { observed: `${served} of ${several} served` };
    },
    isSo: untrueUnless(({ observed }) => observed !== `${several} of ${several} served`),
    really: `with one port in ip_local_port_range the server accepts ${several} connections, and closes each first: accept(2) takes no port`,
    short: () => 'accept(2) takes none',
    source: 'tcp_v4_syn_recv_sock() in net/ipv4/tcp_ipv4.c: __inet_inherit_port(), the port of the listener',
    expected: { verdict: 'false', observed: `${several} of ${several} served` },
  },
  'reuseaddr-shares-a-port': {
    said: 'with SO_REUSEADDR two servers can listen on one port',
    by: 'answers in forums; so it is on Windows',
    topic: 'Ports',
    async tries({ server, start }) {
      const { at } = await server.listen({ reuse: 'addr' });
      const second = await start('second', 'server');
      return { observed: (await second.listen({ port: at.port, reuse: 'addr' }).answer()).outcome };
    },
    isSo: untrueUnless(({ observed }) => observed === 'ok'),
    really:
      'while one server listens, a second server on its port fails with EADDRINUSE, although both have set SO_REUSEADDR',
    short: () => 'SO_REUSEADDR allows one listener',
    source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_state == TCP_LISTEN; socket(7): SO_REUSEADDR',
    expected: { verdict: 'false', observed: 'EADDRINUSE' },
  },
  'time-wait-blocks-a-restart': {
    said: 'a server cannot be started again until its TIME-WAIT has ended',
    by: 'documentation of many servers',
    topic: 'Ports',
    async tries({ client, server, closeInTurn }) {
      const listener = await server.listen();
      const { port } = listener.at;
      const [near, far] = await client.connect(listener);
      await closeInTurn(far, near);
      await listener.close();
      const plain = await server.listen({ port, reuse: 'none' }).answer();
      const reusing = await server.listen({ port, reuse: 'addr' }).answer();
      return { observed: `without SO_REUSEADDR: ${plain.outcome}; with it: ${reusing.outcome}` };
    },
    isSo: ({ observed }) =>
      observed.includes('without SO_REUSEADDR: ok') ? 'false' : observed.endsWith('with it: ok') ? 'partly' : 'true',
    really:
      'a new server on the port of a TIME-WAIT fails with EADDRINUSE if it has not set SO_REUSEADDR; if the old and the new server have, it can listen at once',
    short: () => 'SO_REUSEADDR ends restart waits',
    source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse of both sockets',
    expected: { verdict: 'partly', observed: 'without SO_REUSEADDR: EADDRINUSE; with it: ok' },
  },

  'tw-reuse-frees-a-server': {
    said: 'tcp_tw_reuse 1 frees a server of its TIME-WAIT',
    by: 'articles on tuning',
    topic: 'Servers',
    sysctls: { 'net.ipv4.tcp_tw_reuse': 1 },
    takes: reusableSeconds + 0.8,
    async tries(stage) {
      const { client, server, rest, sockets } = stage;
      const listener = await server.listen();
      const ports = client.ports(2 * several);
      await servedFrom(stage, listener, ports.slice(0, several));
      await rest(reusableSeconds);
      for (const localPort of ports.slice(several)) await client.connect(listener, { localPort });
      return { observed: `${sockets('server').timeWait} of ${several} in TIME-WAIT` };
    },
    isSo: untrueUnless(({ observed }) => observed !== `${several} of ${several} in TIME-WAIT`),
    really: `with tcp_tw_reuse 1 the server keeps each TIME-WAIT, ${reusableSeconds} s later and when new connections arrive: connect(2) reads that sysctl, accept(2) does not`,
    short: () => 'tcp_tw_reuse 1 does not free TIME-WAIT',
    source:
      'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c, which only __inet_check_established() calls; tcp_tw_reuse in ip-sysctl.rst',
    expected: { verdict: 'false', observed: `${several} of ${several} in TIME-WAIT` },
  },
  'server-needs-tw-reuse': {
    said: 'a server needs tcp_tw_reuse to accept a client whose old connection it has in TIME-WAIT',
    by: 'answers in forums',
    topic: 'Servers',
    sysctls: { 'net.ipv4.tcp_tw_reuse': 0 },
    async tries(stage) {
      const listener = await stage.server.listen();
      const [localPort = 0] = stage.client.ports(1);
      await servedFrom(stage, listener, [localPort]);
      return { observed: (await stage.client.connect(listener, { localPort }).answer()).outcome };
    },
    isSo: untrueUnless(({ observed }) => observed !== 'ok'),
    really:
      'with tcp_tw_reuse 0 a client connects again at once from the port of a connection that the server has in TIME-WAIT',
    short: () => 'TIME-WAIT accepts a new SYN, even with tcp_tw_reuse 0',
    source: 'RFC 9293 §3.6.1 MAY-2; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c: TCP_TW_SYN',
    expected: { verdict: 'false', observed: 'ok' },
  },
  'full-table-refuses': {
    said: '"time wait bucket table overflow" means that connections fail',
    by: 'articles on kernel messages',
    topic: 'Servers',
    sysctls: { 'net.ipv4.tcp_max_tw_buckets': 1 },
    async tries(stage) {
      const served = await servedFrom(stage, await stage.server.listen(), stage.client.ports(several));
      return { observed: `${served} of ${several} served, ${stage.sockets('server').timeWait} in TIME-WAIT` };
    },
    isSo: untrueUnless(({ observed }) => !observed.startsWith(`${several} of ${several} served`)),
    really: `with tcp_max_tw_buckets 1 each of ${several} clients connects and is served as before; one connection keeps TIME-WAIT`,
    short: () => 'above tcp_max_tw_buckets clients are served',
    source: 'tcp_time_wait() in net/ipv4/tcp_minisocks.c: TCPTIMEWAITOVERFLOW, then tcp_done()',
    expected: { verdict: 'false', observed: `${several} of ${several} served, 1 in TIME-WAIT` },
  },

  'orphan-retries-is-8': {
    said: 'tcp_orphan_retries is 8 by default',
    by: 'ip-sysctl.rst',
    topic: 'Defaults',
    tries: byDefault('net.ipv4.tcp_orphan_retries'),
    isSo: ({ observed }) => (observed === '8' ? 'true' : observed === '0' ? 'partly' : 'false'),
    really: "tcp_orphan_retries is 0 by default; by the kernel's code 0 stands for 8, on a dead path, too",
    short: (observed) => `tcp_orphan_retries is ${observed}${observed === '0' ? ', taken as 8' : ''}`,
    source:
      'tcp_orphan_retries() in net/ipv4/tcp_timer.c: 8 where alive, which is an RTO below tcp_rto_max() in tcp_write_timeout()',
    expected: { verdict: 'partly', observed: '0' },
  },
  'ephemeral-ports-as-assigned': {
    said: 'the kernel gives out ports 49152 to 65535 to clients',
    by: 'RFC 6335 §6: the Dynamic Ports',
    topic: 'Defaults',
    tries: byDefault('net.ipv4.ip_local_port_range'),
    isSo: untrueUnless(({ observed }) => observed.startsWith('49152')),
    really: 'net.ipv4.ip_local_port_range is 32768 60999 by default, 28,232 ports',
    short: (observed) => `ports are ${observed.replace(/\s+/, '–')}`,
    source: 'inet_init_net() in net/ipv4/af_inet.c; ip_local_port_range in Documentation/networking/ip-sysctl.rst',
    expected: { verdict: 'false', observed: '32768 60999' },
  },
  'syn-retries-is-5': {
    said: 'tcp_syn_retries is 5 by default',
    by: 'articles from before Linux 3.7',
    topic: 'Defaults',
    tries: byDefault('net.ipv4.tcp_syn_retries'),
    isSo: untrueUnless(({ observed }) => observed === '5'),
    really: 'tcp_syn_retries is 6 by default',
    short: (observed) => `tcp_syn_retries is ${observed}`,
    source: 'TCP_SYN_RETRIES in include/net/tcp.h, since Linux 3.7',
    expected: { verdict: 'false', observed: '6' },
  },
  'tw-reuse-is-off': {
    said: 'tcp_tw_reuse is off by default',
    by: 'tcp(7)',
    topic: 'Defaults',
    tries: byDefault('net.ipv4.tcp_tw_reuse'),
    isSo: untrueUnless(({ observed }) => observed === '0'),
    really: 'tcp_tw_reuse is 2 by default: on for loopback',
    short: (observed) => `tcp_tw_reuse is ${observed}`,
    source:
      'tcp_sk_init() in net/ipv4/tcp_ipv4.c: sysctl_tcp_tw_reuse = 2, since Linux 4.19; tcp_tw_reuse in ip-sysctl.rst',
    expected: { verdict: 'false', observed: '2' },
  },
  'tw-recycle-can-be-set': {
    said: 'tcp_tw_recycle 1 shortens TIME-WAIT',
    by: 'articles on tuning; until Linux 4.11',
    topic: 'Defaults',
    tries: byDefault('net.ipv4.tcp_tw_recycle'),
    isSo: untrueUnless(({ observed }) => observed !== 'no such sysctl'),
    really: 'the kernel has no tcp_tw_recycle',
    short: () => 'tcp_tw_recycle is gone',
    source: 'commit 4396e46187ca, tcp: remove tcp_tw_recycle, in Linux 4.12',
    expected: { verdict: 'false', observed: 'no such sysctl' },
  },

  'kill-9-resets': {
    said: 'kill -9 resets the connections of a process',
    by: 'answers in forums',
    topic: 'RST',
    takes: 1,
    async tries({ client, start }) {
      const service = await start('service', 'server');
      const listener = await service.listen();
      const [idle] = await client.connect(listener);
      const [sender, reader] = await client.connect(listener);
      await reader.stopReading();
      await sender.write(several);
      await reader.unread('kernel', several);
      await service.end('SIGKILL');
      return { observed: `read at once: ${await lastRead(idle)}; with data unread: ${await lastRead(sender)}` };
    },
    isSo: ({ observed }) =>
      observed.includes('read at once: ECONNRESET') ? 'true' : observed.endsWith('ECONNRESET') ? 'partly' : 'false',
    really:
      'with SO_LINGER off, kill -9 closes a connection with a FIN, or with a RST if the kernel holds data that the process has not read',
    short: () => 'kill -9 resets if data is unread',
    source: 'exit_files() in kernel/exit.c; __tcp_close() in net/ipv4/tcp.c: data_was_unread; RFC 2525 §2.17',
    expected: { verdict: 'partly', observed: `read at once: ${theEnd}; with data unread: ECONNRESET` },
  },
  'linger-0-reads-econnreset': {
    said: 'the other end of a close() with SO_LINGER 0 always reads ECONNRESET',
    by: 'articles on SO_LINGER',
    topic: 'RST',
    async tries({ client, server, until }) {
      const listener = await server.listen();
      const [near, far] = await client.connect(listener);
      await near.set('SO_LINGER', 0);
      await near.close('destroy');
      const idle = await lastRead(far);
      const [halfClosed, receiver] = await client.connect(listener);
      const raw = await receiver.raw();
      await halfClosed.shutdown('WR');
      await until(receiver, 'CLOSE-WAIT');
      await halfClosed.set('SO_LINGER', 0);
      await halfClosed.close('destroy');
      await until(receiver, 'CLOSED');
      const got = await raw.read(1).answer();
      const second = got.ok && got.value === '' ? theEnd : got.outcome;
      await raw.close();
      return { observed: `alone: ${idle}; after a FIN: ${second}` };
    },
    isSo: ({ observed }) =>
      !observed.startsWith('alone: ECONNRESET') ? 'false' : observed.endsWith('ECONNRESET') ? 'true' : 'partly',
    really: 'a RST that arrives after a FIN is read as the end of the stream; without a FIN before it as ECONNRESET',
    short: () => 'after FIN it reads as the end',
    source:
      'tcp_reset() in net/ipv4/tcp_input.c: CLOSE-WAIT; tcp_recvmsg_locked() in net/ipv4/tcp.c: SOCK_DONE before sk_err',
    expected: { verdict: 'partly', observed: `alone: ECONNRESET; after a FIN: ${theEnd}` },
  },
  'rfc1337-off-prevents': {
    said: 'tcp_rfc1337 0 prevents TIME-WAIT assassination',
    by: 'ip-sysctl.rst',
    topic: 'RST',
    network: 'wire',
    sysctls: { 'net.ipv4.tcp_rfc1337': 0 },
    async tries(stage) {
      const { client, server, wire, closeInTurn } = stage;
      const [near, far] = await client.connect(await server.listen());
      await closeInTurn(near, far);
      // TIME-WAIT acknowledges a copy of the FIN; the server, which has no socket any more, resets that
      await wire.replay(await wire.seen(fin.from('server')));
      await wire.answers(await wire.seen(rst.from('server')));
      return { observed: (await shown(stage, near)).observed };
    },
    isSo: untrueUnless(({ observed }) => observed === 'TIME-WAIT'),
    really: 'with tcp_rfc1337 0 the RST that answers an ACK of TIME-WAIT ends TIME-WAIT; 1 prevents that',
    short: () => 'a RST ends TIME-WAIT by default',
    source: 'RFC 1337 §2; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c: sysctl_tcp_rfc1337 == 0',
    expected: { verdict: 'false', observed: 'no socket' },
  },
  'last-ack-resets-a-syn': {
    said: 'in LAST-ACK a RST answers a SYN in the window',
    by: 'RFC 793, page 71',
    topic: 'RST',
    network: 'wire',
    async tries({ client, server, wire, until }) {
      const [near, far] = await client.connect(await server.listen());
      await near.close('destroy');
      await far.ended();
      await until(near, 'FIN-WAIT-2');
      const lost = await wire.drop(ack.from('client'));
      await far.close('destroy');
      await wire.seen(ack.from('client').withAck(2));
      const sent = await wire.inject({ from: 'client', on: near, flags: ['SYN'] });
      // the FIN may be sent again meanwhile
      const answers = (await wire.answers(sent)).filter(({ segment }) => !segment.flags.includes('FIN'));
      await lost.lift();
      await until(far, 'CLOSED');
      return { observed: answers.map(({ segment }) => segment.flags.join()).join('; ') || 'no answer' };
    },
    isSo: untrueUnless(({ observed }) => observed.includes('RST')),
    really: 'in LAST-ACK the kernel answers a SYN with an ACK, not with a RST',
    short: () => 'a SYN in LAST-ACK gets an ACK',
    source:
      'RFC 5961 §4.2; RFC 9293 §3.10.7.4; tcp_validate_incoming() in net/ipv4/tcp_input.c: syn_challenge, since Linux 3.8',
    expected: { verdict: 'false', observed: 'ACK' },
  },
} as const satisfies Readonly<Record<string, Statement>>;
type Name = keyof typeof statements;
const about = (name: Name): Statement => statements[name];
const names = Object.keys(statements) as [Name, ...Name[]];
/** How a finding gives what is so where a statement has this verdict. */
const verdicts: readonly (readonly [Verdict, string])[] = [
  ['false', 'false, as'],
  ['partly', 'partly true, as'],
  ['true', 'true:'],
];
const topics = [...new Set(names.map((name) => about(name).topic))];

export default experiment({
  id: 'myths',
  question: 'Which common statements about closing, TIME-WAIT and SO_LINGER are true of this kernel?',
  tags: [
    'TIME-WAIT',
    'SO_LINGER',
    'tcp_fin_timeout',
    'tcp_tw_reuse',
    'tcp_tw_recycle',
    'tcp_rfc1337',
    'tcp_orphan_retries',
    'tcp_syn_retries',
    'SO_REUSEADDR',
    'O_NONBLOCK',
  ],
  symptoms: [
    'is it true that',
    'common mistakes about TIME_WAIT',
    'does tcp_fin_timeout shorten TIME_WAIT',
    'does TIME_WAIT use a file descriptor',
    'tcp_tw_recycle cannot be set',
    'man page is wrong',
  ],
  factors: { statement: names },
  words: {
    statement: {
      text: 'the statement, and where it is found',
      values: Object.fromEntries(names.map((name) => [name, `${about(name).said} (${about(name).by})`])) as Record<
        Name,
        string
      >,
    },
  },
  network: ({ statement }) => about(statement).network ?? 'loopback',
  sysctls: ({ statement }) => about(statement).sysctls ?? {},
  seconds: ({ statement }) => about(statement).takes ?? 0.4,
  measures,
  shows: ['verdict', 'observed'],

  async scenario(stage, { statement }) {
    const { tries, isSo } = about(statement);
    const seen = await tries(stage);
    stage.note('observed', seen.observed);
    if (seen.seconds !== undefined) stage.note('seconds', seen.seconds);
    stage.note('verdict', isSo(seen));
  },

  claims: names.map((name) => {
    const { said, really, source, expected } = about(name);
    return {
      id: name,
      text: `“${said}” is ${expected.verdict === 'partly' ? 'true in part' : expected.verdict}: ${really}`,
      source,
      when: ({ statement }: { readonly statement: Name }) => statement === name,
      holds: (facts: FactsOf<readonly [], typeof measures>) =>
        facts.verdict === expected.verdict &&
        facts.observed === expected.observed &&
        (expected.seconds?.(facts.seconds) ?? true),
    };
  }),

  answer(outcomes) {
    const by = (verdict: Verdict) => outcomes.filter(({ facts }) => facts.verdict === verdict);
    const partly = by('partly').length;
    return {
      headline: `${share(by('false'), outcomes)} common statements are false on this kernel${partly > 0 ? `, ${partly} true only in part` : ''}.`,
      findings: topics.map((topic) => {
        const asked = outcomes.filter(({ cell }) => about(cell.statement).topic === topic);
        const found = asked.filter(({ cell, facts }) => facts.verdict === about(cell.statement).expected.verdict);
        const of = (verdict: Verdict) => found.filter(({ facts }) => facts.verdict === verdict);
        const parts = verdicts.flatMap(([verdict, words]) => {
          const facts = of(verdict).map(({ cell, facts }) => about(cell.statement).short(facts.observed));
          return facts.length > 0 ? [sentence(`${words} ${facts.join('; ')}`)] : [];
        });
        return parts.length > 0 && finding(share(of('false'), asked), `${topic}. ${parts.join(' ')}`);
      }),
    };
  },
});
