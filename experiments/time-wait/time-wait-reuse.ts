import { ack, experiment, finding, kind, range, share, syn, tcp } from 'lingerlab';

/** net.ipv4.ip_local_port_range of each cell: the only port that connect(2) can choose. */
const onlyPort = 40_000;
/** How long the client tries: beyond the delay of a second, and far below TIME-WAIT. */
const triedSeconds = 1.5;
/** Seconds between two attempts. */
const pause = 0.02;
/** The kernel compares two times that are cut to milliseconds. */
const cutSeconds = 0.001;
/** The delay of a kernel without tcp_tw_reuse_delay: the next whole second of its clock. */
const wholeSecond = 1;

interface Tried {
  readonly atLast: string;
  readonly lastRefused: number;
}
const isRefused = ({ atLast, lastRefused }: Tried, how: string): boolean =>
  atLast === how && lastRefused >= triedSeconds;
const isAtOnce = ({ atLast, lastRefused }: Tried): boolean => atLast === 'ok' && lastRefused === 0;
/** Whether tcp_tw_reuse lets connect(2) take the port. */
const isCovered = (cell: {
  readonly port: string;
  readonly path: string;
  readonly twReuse: number;
  readonly timestamps: number;
}): boolean =>
  cell.port === 'chosen' &&
  cell.timestamps === 1 &&
  (cell.twReuse === 1 || (cell.twReuse === 2 && cell.path === 'loopback'));

/** Seconds after which the client is to connect; undefined: not while it tries. */
function expectedAfter(cell: Parameters<typeof isCovered>[0] & { old: string; delay: string | number }) {
  if (cell.old === 'at-server') return 0;
  if (cell.port !== 'chosen') return cell.port === 'bound-reuseaddr' && cell.timestamps === 1 ? 0 : undefined;
  if (cell.old === 'FIN-WAIT-2' || !isCovered(cell)) return undefined;
  return cell.delay === 'default' ? wholeSecond : Number(cell.delay) / 1000;
}

export default experiment({
  id: 'time-wait-reuse',
  question: 'When can a client connect again from a port that is in TIME-WAIT, and what does tcp_tw_reuse change?',
  tags: [
    'tcp_tw_reuse',
    'tcp_tw_reuse_delay',
    'TIME-WAIT',
    'tcp_timestamps',
    'SO_REUSEADDR',
    'EADDRNOTAVAIL',
    'LAST-ACK',
    'same source port',
  ],
  symptoms: [
    'does tcp_tw_reuse help',
    'is tcp_tw_reuse safe',
    'client runs out of ports because of TIME_WAIT',
    'reuse a port in TIME_WAIT',
    'tcp_tw_reuse has no effect',
  ],
  factors: {
    old: ['TIME-WAIT', 'FIN-WAIT-2', 'at-server', 'LAST-ACK'],
    path: ['loopback', 'own-address', 'veth', 'wire'],
    port: ['chosen', 'bound', 'bound-reuseaddr'],
    twReuse: [0, 1, 2],
    delay: ['default', 1, 300],
    timestamps: [1, 0],
  },
  words: {
    old: {
      text: 'what is left of the old connection',
      values: {
        'TIME-WAIT': 'TIME-WAIT at the client, which closed first',
        'FIN-WAIT-2': 'FIN-WAIT-2 at the client, an orphan: the server does not close',
        'at-server': 'TIME-WAIT at the server, which closed first',
        'LAST-ACK': 'TIME-WAIT at the client and LAST-ACK at the server: the last ACK is lost',
      },
    },
    path: {
      text: 'the path to the server',
      values: {
        loopback: 'loopback: an address of 127/8',
        'own-address': 'another address of the same machine',
        veth: 'another machine, over a veth',
        wire: 'another machine, over a wire',
      },
    },
    port: {
      text: 'how the new socket gets the port of the old one',
      values: {
        chosen: 'connect(2) chooses it: the range has no other port',
        bound: 'bind(2), without SO_REUSEADDR',
        'bound-reuseaddr': 'bind(2), with SO_REUSEADDR on the old and the new socket',
      },
    },
    twReuse: { text: 'net.ipv4.tcp_tw_reuse', values: { 0: 'off', 1: 'on', 2: 'on loopback only, the default' } },
    delay: {
      text: 'net.ipv4.tcp_tw_reuse_delay',
      values: { default: "the kernel's: 1 s", 1: '1 ms, the least', 300: '300 ms' },
    },
    timestamps: { text: 'net.ipv4.tcp_timestamps', values: { 1: 'on', 0: 'off' } },
  },
  // the last ACK is lost on a wire only; where connect(2) cannot take the port at all, there is no delay
  valid: ({ old, path, port, twReuse, delay, timestamps }) =>
    (old !== 'LAST-ACK' || path === 'wire') &&
    (delay === 'default' || (port === 'chosen' && twReuse !== 0 && timestamps === 1)),
  only({ old, path, port, twReuse, delay, timestamps }) {
    const setting = `${twReuse} ${delay} ${timestamps}`;
    const wanted: Readonly<Record<string, readonly string[]>> = {
      'TIME-WAIT loopback chosen': ['0 default 1', '1 default 1', '2 default 1', '2 1 1', '2 300 1', '2 default 0'],
      'TIME-WAIT own-address chosen': ['2 default 1'],
      'TIME-WAIT veth chosen': ['0 default 1', '1 default 1', '2 default 1', '1 1 1', '1 300 1', '1 default 0'],
      'TIME-WAIT veth bound': ['1 default 1'],
      'TIME-WAIT loopback bound-reuseaddr': ['0 default 1'],
      'TIME-WAIT veth bound-reuseaddr': ['0 default 1', '1 default 0'],
      'FIN-WAIT-2 loopback chosen': ['2 default 1'],
      'FIN-WAIT-2 veth chosen': ['1 default 1'],
      'FIN-WAIT-2 wire bound-reuseaddr': ['0 default 1'],
      'at-server loopback chosen': ['0 default 1'],
      'at-server veth chosen': ['0 default 1', '0 default 0'],
      'at-server veth bound': ['0 default 1'],
      'LAST-ACK wire chosen': ['1 default 1'],
      'LAST-ACK wire bound-reuseaddr': ['0 default 1'],
    };
    return wanted[`${old} ${path} ${port}`]?.includes(setting) ?? false;
  },
  network: ({ path }) => (path === 'own-address' ? 'veth' : path),
  connections: ['old', 'new'],
  sysctls: ({ twReuse, delay, timestamps }) => ({
    'net.ipv4.ip_local_port_range': `${onlyPort} ${onlyPort}`,
    'net.ipv4.tcp_tw_reuse': twReuse,
    'net.ipv4.tcp_tw_reuse_delay': delay === 'default' ? undefined : delay,
    'net.ipv4.tcp_timestamps': timestamps,
  }),
  seconds: (cell) => (expectedAfter(cell) ?? triedSeconds) + 0.5,
  measures: {
    atLast: kind.outcome({
      text: `the client's last attempt, of those in ${triedSeconds} s: ok, or the call that failed with its errno`,
    }),
    lastRefused: kind.seconds({ text: 'age of TIME-WAIT at the last attempt that failed; 0 where none did' }),
    firstAccepted: kind.seconds({ text: 'age of TIME-WAIT at the attempt that connected' }),
    delaySeconds: kind.seconds({ compare: 'exact', text: 'net.ipv4.tcp_tw_reuse_delay of this kernel' }),
    answer: { ...kind.word('SYN,ACK', 'ACK', 'RST,ACK'), text: "the server's answer to the first SYN, on a wire" },
  },
  shows: ['atLast', 'lastRefused', 'firstAccepted', 'answer', 'old.timeWait.endedBy', 'new.client.path'],

  async scenario({ client, server, start, wire, closeInTurn, until, rest, sysctl, note }, { old, path, port }) {
    const listening = path === 'own-address' ? await start('neighbour', 'client') : server;
    const listener = await listening.listen();
    const isShared = port === 'bound-reuseaddr';
    const [near, far] = await client.connect(listener, { as: 'old', ...(isShared && { localPort: onlyPort }) });
    if (old === 'LAST-ACK') await wire.drop(ack.from('client').on(near).withAck(2));
    let notBefore = performance.now();
    if (old === 'at-server') await closeInTurn(far, near);
    else {
      await near.close('destroy');
      await far.ended();
      await until(near, 'FIN-WAIT-2');
      if (old !== 'FIN-WAIT-2') {
        notBefore = performance.now();
        await far.close('destroy');
        if (old === 'LAST-ACK') await wire.seen(ack.from('client').on(near).withAck(2));
        else await until(far, 'CLOSED');
      }
    }
    const notAfter = performance.now();
    const delay = sysctl('net.ipv4.tcp_tw_reuse_delay', 'client');
    if (delay) note('delaySeconds', Number(delay.value) / 1000);

    const socket = await client.socket();
    if (isShared) await socket.set('SO_REUSEADDR', true);
    let isBound = port === 'chosen';
    const attempt = async (): Promise<string> => {
      if (!isBound) {
        const binding = await socket.bind({ port: onlyPort }).answer();
        if (!binding.ok) return `bind ${binding.errno}`;
        isBound = true;
      }
      const connecting = await socket.connect(listener, { as: 'new' }).answer();
      return connecting.ok ? 'ok' : `connect ${connecting.errno}`;
    };
    let lastRefused = 0;
    let atLast = '';
    for (;;) {
      const began = performance.now();
      const outcome = await attempt();
      // the youngest that TIME-WAIT can have been at a refusal, the oldest when it was given up
      if (outcome === 'ok') note('firstAccepted', (performance.now() - notBefore) / 1000);
      else lastRefused = Math.max(0, began - notAfter) / 1000;
      if (outcome !== 'ok' && lastRefused < triedSeconds) {
        await rest(pause);
        continue;
      }
      atLast = outcome;
      break;
    }
    note('atLast', atLast);
    note('lastRefused', lastRefused);
    const isClosing = old === 'LAST-ACK' || old === 'FIN-WAIT-2';
    if (path === 'wire' && isClosing && atLast === 'ok') {
      const first = await wire.seen(syn.nth(2));
      note('answer', (await wire.seen(tcp.from('server'), { after: first })).segment.flags.join() as 'ACK');
    }
  },

  claims: [
    {
      id: 'after-the-delay',
      text: 'with timestamps and tcp_tw_reuse 1, or 2 on loopback, connect(2) takes the port once TIME-WAIT is as old as tcp_tw_reuse_delay; on a kernel without that sysctl at the next whole second',
      source:
        'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: tw_entry_stamp, before Linux 6.14 tw_ts_recent_stamp. Tolerance: between the last attempt that failed and the one that connected, and 1 ms since the kernel compares whole milliseconds',
      when: (cell) => isCovered(cell) && cell.old === 'TIME-WAIT',
      holds(facts) {
        const isSet: boolean = 'delaySeconds' in facts;
        if (!isSet) return facts.atLast === 'ok' && facts.lastRefused <= wholeSecond;
        const isRefusedLater = facts.lastRefused > facts.delaySeconds + cutSeconds;
        return facts.atLast === 'ok' && !isRefusedLater && facts.firstAccepted >= facts.delaySeconds - cutSeconds;
      },
    },
    {
      id: 'not-elsewhere',
      text: `with tcp_tw_reuse 0, and with 2 between addresses that are not loopback addresses, even on one machine, connect(2) does not choose a port in TIME-WAIT: if the range has no other, it fails with EADDRNOTAVAIL for ${triedSeconds} s`,
      source: 'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: ipv4_is_loopback(), bound_dev_if',
      when: ({ old, port, path, twReuse, timestamps }) =>
        old === 'TIME-WAIT' &&
        port === 'chosen' &&
        timestamps === 1 &&
        (twReuse === 0 || (twReuse === 2 && path !== 'loopback')),
      holds: (facts) => isRefused(facts, 'connect EADDRNOTAVAIL'),
    },
    {
      id: 'needs-timestamps',
      text: `without timestamps the client's own TIME-WAIT keeps its port for ${triedSeconds} s, with tcp_tw_reuse 1 and with SO_REUSEADDR on both sockets, too`,
      source: 'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: ts_recent_stamp is 0; RFC 6191 §2',
      when: ({ old, port, timestamps }) => old === 'TIME-WAIT' && port !== 'bound' && timestamps === 0,
      holds: (facts) => isRefused(facts, 'connect EADDRNOTAVAIL'),
    },
    {
      id: 'not-in-fin-wait-2',
      text: `tcp_tw_reuse does not free the port of an orphan in FIN-WAIT-2: connect(2) fails with EADDRNOTAVAIL for ${triedSeconds} s`,
      source: 'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: tw_substate TCP_FIN_WAIT2',
      when: ({ old, port }) => old === 'FIN-WAIT-2' && port === 'chosen',
      holds: (facts) => isRefused(facts, 'connect EADDRNOTAVAIL'),
    },
    {
      id: 'bind-needs-the-option',
      text: `without SO_REUSEADDR, bind(2) to a port in TIME-WAIT fails with EADDRINUSE for ${triedSeconds} s, with tcp_tw_reuse 1, too`,
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c does not ask tcp_tw_reuse',
      when: ({ old, port }) => old === 'TIME-WAIT' && port === 'bound',
      holds: (facts) => isRefused(facts, 'bind EADDRINUSE'),
    },
    {
      id: 'bound-at-once',
      text: 'with SO_REUSEADDR on both sockets and timestamps, the client binds the port and connects at once, with tcp_tw_reuse 0, and from FIN-WAIT-2 of an orphan, too',
      source:
        '__inet_check_established() in net/ipv4/inet_hashtables.c without twp: tcp_twsk_unique() does not ask tcp_tw_reuse',
      when: ({ old, port, timestamps }) => old !== 'at-server' && port === 'bound-reuseaddr' && timestamps === 1,
      holds: (facts) => isAtOnce(facts),
    },
    {
      id: 'server-lets-it-in',
      text: 'where the server keeps TIME-WAIT, the client connects again at once, with tcp_tw_reuse 0',
      source: 'RFC 9293 §3.6.1 MAY-2; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: ({ old }) => old === 'at-server',
      holds: (facts) => isAtOnce(facts) && facts['old.timeWait.endedBy'] === 'recycled',
    },
    {
      id: 'costs-a-syn',
      text: "a server that is still in LAST-ACK or CLOSE-WAIT answers the new SYN with an ACK, not a RST; the client's RST to that ACK ends the old connection, and its second SYN connects",
      source: 'RFC 5961 §4.2; RFC 9293 §3.10.7.3; tcp_validate_incoming() in net/ipv4/tcp_input.c: syn_challenge',
      when: (cell) =>
        cell.path === 'wire' &&
        (cell.old === 'LAST-ACK' || cell.old === 'FIN-WAIT-2') &&
        expectedAfter(cell) !== undefined,
      holds: (facts) =>
        facts.atLast === 'ok' && facts.answer === 'ACK' && facts['counters.client.TcpExt.TCPSynRetrans'] === 1,
    },
  ],

  guide: [
    {
      about: { tcp_tw_reuse: 'measured', 'EADDRNOTAVAIL on connect': 'helps' },
      claim: 'after-the-delay',
      when: ({ delay }) => delay === 'default',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.firstAccepted, { digits: 1, unit: 's' }),
      text: 'With timestamps and tcp_tw_reuse 1, or 2 on loopback, connect(2) takes a port after {number} of TIME-WAIT.',
    },
    {
      id: 'delay-is-a-sysctl',
      about: { tcp_tw_reuse: 'measured' },
      claim: 'after-the-delay',
      when: ({ delay }) => delay !== 'default',
      text: 'tcp_tw_reuse_delay, here 1 and 300 ms, sets the age of TIME-WAIT from which connect(2) takes its port.',
    },
    {
      about: { tcp_tw_reuse: 'measured', 'EADDRNOTAVAIL on connect': 'look at' },
      claim: 'not-elsewhere',
      text: 'With tcp_tw_reuse 0, or 2 (the default) on a path other than loopback, connect(2) fails with EADDRNOTAVAIL while all ports are in TIME-WAIT (1.5 s tried).',
    },
    {
      about: { tcp_timestamps: 'risks', tcp_tw_reuse: 'risks', 'EADDRNOTAVAIL on connect': 'cannot help' },
      claim: 'needs-timestamps',
      text: 'Without TCP timestamps, neither tcp_tw_reuse 1 nor SO_REUSEADDR on both sockets frees a port in TIME-WAIT, for all 1.5 s tried.',
    },
    {
      about: { tcp_tw_reuse: 'measured', 'EADDRNOTAVAIL on connect': 'cannot help' },
      claim: 'not-in-fin-wait-2',
      text: 'tcp_tw_reuse gives out no port of an orphan in FIN-WAIT-2, for all 1.5 s tried.',
    },
    {
      about: { 'closing order': 'measured', 'EADDRNOTAVAIL on connect': 'helps' },
      claim: 'server-lets-it-in',
      text: 'Where the server closed first and keeps TIME-WAIT, the client connects again from the same port at once, with tcp_tw_reuse 0.',
    },
    {
      about: { SO_REUSEADDR: 'measured' },
      claim: 'bind-needs-the-option',
      text: "bind(2) to a client's port in TIME-WAIT fails with EADDRINUSE without SO_REUSEADDR, with tcp_tw_reuse 1, too.",
    },
  ],

  answer(outcomes) {
    const all = outcomes.filter(({ cell }) => cell.old === 'TIME-WAIT');
    const chosen = all.filter(({ cell }) => cell.port === 'chosen');
    const covered = chosen.filter(({ cell }) => isCovered(cell));
    const freed = covered.filter(({ facts }) => facts.atLast === 'ok');
    const others = chosen.filter(({ cell }) => !isCovered(cell));
    const kept = others.filter(({ facts }) => isRefused(facts, 'connect EADDRNOTAVAIL'));
    const bound = outcomes.filter(({ cell }) => cell.old !== 'at-server' && cell.port !== 'chosen');
    const alone = bound.filter(({ facts, cell }) =>
      expectedAfter(cell) === 0
        ? isAtOnce(facts)
        : isRefused(facts, cell.port === 'bound' ? 'bind EADDRINUSE' : 'connect EADDRNOTAVAIL'),
    );
    const half = outcomes.filter(({ cell }) => cell.old === 'FIN-WAIT-2' && cell.port === 'chosen');
    const never = half.filter(({ facts }) => isRefused(facts, 'connect EADDRNOTAVAIL'));
    const served = outcomes.filter(({ cell }) => cell.old === 'at-server');
    const admitted = served.filter(({ facts }) => isAtOnce(facts));
    const closing = outcomes.filter(
      ({ cell }) =>
        cell.path === 'wire' &&
        (cell.old === 'LAST-ACK' || cell.old === 'FIN-WAIT-2') &&
        expectedAfter(cell) !== undefined,
    );
    const second = closing.filter(({ facts }) => facts.atLast === 'ok' && facts.answer === 'ACK');
    const usual = freed.filter(({ cell }) => cell.delay === 'default');
    const byDefault = chosen.filter(({ cell }) => cell.twReuse === 2 && cell.timestamps === 1);
    const isLoopbackOnly =
      new Set(byDefault.map(({ cell }) => cell.path === 'loopback')).size === 2 &&
      byDefault.every(({ cell, facts }) => (facts.atLast === 'ok') === (cell.path === 'loopback'));
    const connected = outcomes.filter(({ facts }) => facts.atLast === 'ok');
    return {
      headline:
        usual.length > 0 && freed.length === covered.length
          ? `connect(2) uses a port after ${range(usual, ({ facts }) => facts.firstAccepted, { unit: 's' })} of TIME-WAIT${isLoopbackOnly ? ', by default on loopback only' : ''}.`
          : `A client connected again in ${triedSeconds} s in ${share(connected, outcomes)} cases.`,
      findings: [
        finding(
          share(freed, covered),
          'With timestamps and tcp_tw_reuse 1, or 2 on loopback, connect(2) takes the port once TIME-WAIT is as old as tcp_tw_reuse_delay, by default 1 s.',
        ),
        finding(
          share(kept, others),
          `Without timestamps, with tcp_tw_reuse 0, or with 2 off loopback, connect(2) cannot choose the port: EADDRNOTAVAIL if it is the only one (tried for ${triedSeconds} s).`,
        ),
        finding(
          share(alone, bound),
          'With SO_REUSEADDR on both and timestamps, bind(2) and connect(2) succeed at once. Without SO_REUSEADDR bind(2) fails; without timestamps connect(2) fails.',
        ),
        finding(share(never, half), 'tcp_tw_reuse does not free the port of an orphan in FIN-WAIT-2.'),
        finding(
          share(admitted, served),
          'Where the server keeps TIME-WAIT, the client connects again at once, even with tcp_tw_reuse 0.',
        ),
        finding(
          share(second, closing),
          'A server in LAST-ACK or CLOSE-WAIT answers the new SYN with an ACK; the client answers with a RST, and its second SYN connects.',
        ),
      ],
    };
  },
});
