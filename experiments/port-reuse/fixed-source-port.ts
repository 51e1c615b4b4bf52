import { experiment, finding, kind, share } from 'lingerlab';

export default experiment({
  id: 'fixed-source-port',
  question: 'Can a client use the same source port for each of its connections?',
  tags: ['source port', 'bind(2)', 'EADDRINUSE', 'EADDRNOTAVAIL', 'SO_REUSEADDR', 'SO_REUSEPORT', 'TIME-WAIT', 'FTP'],
  symptoms: [
    'bind before connect fails with EADDRINUSE',
    'fixed source port',
    'reconnect from the same source port fails',
    'FTP data connection from port 20',
    'several connections from one source port',
  ],
  factors: {
    left: ['ESTABLISHED', 'TIME-WAIT', 'FIN-WAIT-2', 'CLOSED'],
    to: ['same', 'another'],
    reuse: ['none', 'addr', 'port'],
    timestamps: [1, 0],
    twReuse: [0, 1],
  },
  words: {
    left: {
      text: "the client's end of the old connection",
      values: {
        ESTABLISHED: 'ESTABLISHED',
        'TIME-WAIT': 'TIME-WAIT: the client closed first',
        'FIN-WAIT-2': 'FIN-WAIT-2 of an orphan: the client closed, the server did not',
        CLOSED: 'CLOSED: the server closed first',
      },
    },
    to: { text: 'where the new connection goes', values: { same: 'to the same server', another: 'to another server' } },
    reuse: {
      text: "option of the client's sockets, the old and the new one",
      values: { none: 'none', addr: 'SO_REUSEADDR', port: 'SO_REUSEPORT' },
    },
    timestamps: { text: 'net.ipv4.tcp_timestamps', values: { 1: 'on', 0: 'off' } },
    twReuse: { text: 'net.ipv4.tcp_tw_reuse', values: { 0: 'off', 1: 'on' } },
  },
  only({ left, to, reuse, timestamps, twReuse }) {
    const chosen: Readonly<Record<string, readonly string[]>> = {
      'ESTABLISHED same': ['addr 1 0', 'port 1 0'],
      'ESTABLISHED another': ['none 1 0', 'addr 1 0', 'port 1 0'],
      'TIME-WAIT same': ['none 1 0', 'none 1 1', 'addr 1 0', 'addr 0 1', 'port 1 0'],
      'TIME-WAIT another': ['none 1 0', 'addr 0 0'],
      'FIN-WAIT-2 same': ['none 1 0', 'addr 1 0'],
      'FIN-WAIT-2 another': ['addr 1 0'],
      'CLOSED same': ['none 1 0', 'addr 1 0'],
    };
    return chosen[`${left} ${to}`]?.includes(`${reuse} ${timestamps} ${twReuse}`) ?? false;
  },
  network: 'veth',
  connections: ['old', 'new'],
  sysctls: ({ timestamps, twReuse }) => ({ 'net.ipv4.tcp_timestamps': timestamps, 'net.ipv4.tcp_tw_reuse': twReuse }),
  seconds: 0.4,
  measures: {
    bind: kind.outcome({ text: "outcome of bind(2) of the new socket to the old one's port" }),
    connect: kind.outcome({ text: 'outcome of connect(2) after that' }),
  },
  shows: ['bind', 'connect', 'old.timeWait.endedBy'],

  async scenario({ client, server, until, note }, { left, to, reuse }) {
    const [listener, another] = [await server.listen(), await server.listen()];
    const [port = 0] = client.ports(1);
    const unbound = async () => {
      const socket = await client.socket();
      if (reuse !== 'none') await socket.set(reuse === 'addr' ? 'SO_REUSEADDR' : 'SO_REUSEPORT', true);
      return socket;
    };
    const old = await unbound();
    await old.bind({ port });
    const near = await old.connect(listener, { as: 'old' });
    const far = await listener.accepted(near);
    if (left === 'CLOSED') {
      await far.close('destroy');
      await Promise.all([until(near, 'CLOSE-WAIT'), until(far, 'FIN-WAIT-2')]);
      await near.close();
      await until(near, 'CLOSED');
    } else if (left !== 'ESTABLISHED') {
      await near.close();
      await until(near, 'FIN-WAIT-2');
      if (left === 'TIME-WAIT') {
        await far.ended();
        await far.close('destroy');
        // its FIN is acknowledged: the client is in TIME-WAIT
        await until(far, 'CLOSED');
      }
    }

    const socket = await unbound();
    const binding = await socket.bind({ port }).answer();
    note('bind', binding.outcome);
    if (!binding.ok) return;
    note('connect', (await socket.connect(to === 'same' ? listener : another, { as: 'new' }).answer()).outcome);
  },

  claims: [
    {
      id: 'bind-refuses',
      text: 'if neither socket has SO_REUSEADDR or SO_REUSEPORT, bind(2) fails with EADDRINUSE while the old connection is ESTABLISHED, in FIN-WAIT-2 or in TIME-WAIT, also for another server and with tcp_tw_reuse 1',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse, sk_reuseport of both',
      when: ({ left, reuse }) => left !== 'CLOSED' && reuse === 'none',
      holds: (facts) => facts.bind === 'EADDRINUSE',
    },
    {
      id: 'another-server-is-reached',
      text: "if the client's old and new socket both have SO_REUSEADDR, the port connects to another server while the old connection is ESTABLISHED, in an orphan's FIN-WAIT-2 or, without timestamps, in TIME-WAIT; if both have SO_REUSEPORT, while it is ESTABLISHED",
      source: '__inet_check_established() in net/ipv4/inet_hashtables.c compares all four numbers',
      when: ({ to, reuse }) => to === 'another' && reuse !== 'none',
      holds: (facts) => facts.bind === 'ok' && facts.connect === 'ok',
    },
    {
      id: 'same-server-is-taken',
      text: "if the client's old and new socket both have SO_REUSEADDR, or both SO_REUSEPORT, bind(2) succeeds, but connect(2) to the same server fails with EADDRNOTAVAIL: in ESTABLISHED with either option, in TIME-WAIT with SO_REUSEADDR but without timestamps",
      source: '__inet_check_established() in net/ipv4/inet_hashtables.c; tcp_twsk_unique() in net/ipv4/tcp_ipv4.c',
      when: ({ to, reuse, left, timestamps }) =>
        to === 'same' && reuse !== 'none' && (left === 'ESTABLISHED' || (left === 'TIME-WAIT' && timestamps === 0)),
      holds: (facts) => facts.bind === 'ok' && facts.connect === 'EADDRNOTAVAIL',
    },
    {
      id: 'mini-socket-gives-way',
      text: "if the client's old and new socket both have SO_REUSEADDR, or both SO_REUSEPORT, then with timestamps and tcp_tw_reuse 0 connect(2) to the same server replaces TIME-WAIT at once; with SO_REUSEADDR it also replaces an orphan's FIN-WAIT-2",
      source: '__inet_check_established() without twp; tcp_twsk_unique() does not ask tcp_tw_reuse then; RFC 6191 §2',
      when: ({ to, reuse, left, timestamps }) =>
        to === 'same' && reuse !== 'none' && (left === 'TIME-WAIT' || left === 'FIN-WAIT-2') && timestamps === 1,
      holds: (facts) => facts.bind === 'ok' && facts.connect === 'ok',
    },
    {
      id: 'server-closed-first',
      text: "if the server closed first, nothing is left at the client, and the port is free without SO_REUSEADDR; the server's TIME-WAIT accepts the new connection",
      source: 'RFC 9293 §3.6.1; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: ({ left, to }) => left === 'CLOSED' && to === 'same',
      holds: (facts) => facts.bind === 'ok' && facts.connect === 'ok' && facts['old.timeWait.endedBy'] === 'recycled',
    },
  ],

  guide: [
    {
      about: { SO_REUSEADDR: 'measured' },
      claim: 'mini-socket-gives-way',
      when: ({ reuse }) => reuse === 'addr',
      text: "With timestamps and SO_REUSEADDR on a client's old and new socket, the port connects to the same server at once from TIME-WAIT or an orphan's FIN-WAIT-2.",
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const isIn = ({ facts }: Outcome) => facts.bind === 'ok' && facts.connect === 'ok';
    const isTaken = ({ facts }: Outcome) => facts.bind === 'ok' && facts.connect === 'EADDRNOTAVAIL';
    const left = outcomes.filter(({ cell }) => cell.left !== 'CLOSED');
    const plain = left.filter(({ cell }) => cell.reuse === 'none');
    const refused = plain.filter(({ facts }) => facts.bind === 'EADDRINUSE');
    const shared = left.filter(({ cell }) => cell.reuse !== 'none');
    const another = shared.filter(({ cell }) => cell.to === 'another');
    const reached = another.filter(isIn);
    const same = shared.filter(({ cell }) => cell.to === 'same');
    const waiting = same.filter(({ cell }) => cell.left !== 'ESTABLISHED' && cell.timestamps === 1);
    const recycled = waiting.filter(isIn);
    const others = same.filter((each) => !waiting.includes(each));
    const taken = others.filter(isTaken);
    const free = outcomes.filter(({ cell }) => cell.left === 'CLOSED');
    const again = free.filter(isIn);
    const isWhole = (part: readonly Outcome[], whole: readonly Outcome[]) =>
      whole.length > 0 && part.length === whole.length;
    return {
      headline: isWhole(reached, another)
        ? `With SO_REUSEADDR a source port has one connection per server${isWhole(taken, others) ? ' at a time' : ''}.`
        : isWhole(refused, plain)
          ? 'bind(2) refuses a source port in use or in TIME-WAIT.'
          : `A source port connected again in ${share(outcomes.filter(isIn), outcomes)} cases.`,
      findings: [
        finding(
          share(refused, plain),
          'Without SO_REUSEADDR or SO_REUSEPORT, bind(2) fails with EADDRINUSE while the client keeps the old connection, even with tcp_tw_reuse 1.',
        ),
        finding(
          share(reached, another),
          "If the client's old and new socket both set SO_REUSEADDR, or both SO_REUSEPORT, the port connects to another server (SO_REUSEPORT: tried in ESTABLISHED only).",
        ),
        finding(
          share(recycled, waiting),
          "With timestamps and tcp_tw_reuse 0, the port connects to the same server at once: from TIME-WAIT with either option, an orphan's FIN-WAIT-2 with SO_REUSEADDR.",
        ),
        finding(
          share(taken, others),
          'connect(2) to the same server fails with EADDRNOTAVAIL: in ESTABLISHED with either option; in TIME-WAIT with SO_REUSEADDR but without timestamps.',
        ),
        finding(share(again, free), 'If the server closed first, the port is free, also without SO_REUSEADDR.'),
      ],
    };
  },
});
