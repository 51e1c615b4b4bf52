import {
  type Endpoint,
  experiment,
  finding,
  kind,
  type Listener,
  type ListenOptions,
  range,
  type Stage,
  share,
} from 'lingerlab';

const options: Record<'net' | 'no-reuse' | 'reuseport' | 'handed-over', ListenOptions> = {
  net: {},
  'no-reuse': { reuse: 'none' },
  reuseport: { reuse: 'port' },
  // only the descriptor is handed over
  'handed-over': { reuse: 'none' },
};
/** Time between two tries to listen, and how long the old server's last connection goes on where it does. */
const retrySeconds = 0.5;
const lastConnectionSeconds = 1;
/** A busy machine may add so much between two steps: a cell that rested waits for its turn. */
const busySeconds = 0.5;
/** A slot of the kernel's timer wheel is at most an eighth of the timer. */
const latest = (timerSeconds: number) => timerSeconds * 1.125 + retrySeconds + busySeconds;
// a slot of a 60 s timer at the highest HZ, and a retry
const resolution = 4.1 + retrySeconds;

type Played = Pick<Stage<['old', 'between'], object>, 'server' | 'until'>;
interface Old extends Played {
  readonly listener: Listener;
  readonly near: Endpoint;
  readonly far: Endpoint;
}

/** Stops the old server, by closing its listener or by SIGKILL, and leaves its connection in this state. */
const stop: Record<'client-closed-first' | 'alive' | 'half-closed' | 'time-wait', (old: Old) => Promise<unknown>> = {
  alive: async ({ listener }) => listener.close(),
  async 'client-closed-first'({ server, near, far, until }) {
    await near.close('destroy');
    await until(near, 'FIN-WAIT-2');
    await far.ended();
    await server.signal('SIGKILL');
    await until(far, 'CLOSED');
  },
  async 'half-closed'({ server, near, far, until }) {
    await server.signal('SIGKILL');
    await until(far, 'FIN-WAIT-2');
    await near.ended();
  },
  async 'time-wait'(old) {
    await stop['half-closed'](old);
    await old.near.close();
    await old.near.gone();
    await old.until(old.far, 'TIME-WAIT');
  },
};

const living = ['ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK'] as const;
/** How long the old server's end of the connection lived, where its client closed first. */
const oldLifeSeconds = (facts: { readonly [S in (typeof living)[number] as `old.server.stateMs.${S}`]: number }) =>
  living.reduce((sum, state) => sum + facts[`old.server.stateMs.${state}`], 0) / 1000;

/** Sends the client a byte: the server not only accepts the connection but serves it. */
async function served([near, far]: readonly [Endpoint, Endpoint]): Promise<void> {
  await far.write(1);
  await near.received(1);
  await near.close('resetAndDestroy');
  await far.gone();
}

export default experiment({
  id: 'server-restart',
  question: 'How soon can a restarted server listen on its port again, and which clients fail until then?',
  tags: [
    'EADDRINUSE',
    'FIN_WAIT2',
    'SO_REUSEADDR',
    'SO_REUSEPORT',
    'ECONNREFUSED',
    'listen(2)',
    'restart',
    'systemd socket',
    'graceful restart',
    'libuv',
  ],
  symptoms: [
    'EADDRINUSE on restart',
    'address already in use on restart',
    'port already in use after kill',
    'zero downtime restart',
    'bind: address already in use',
    'server does not start again',
  ],
  freshPeers: true,
  factors: {
    left: ['client-closed-first', 'alive', 'half-closed', 'time-wait'],
    sockets: ['net', 'no-reuse', 'reuseport', 'handed-over'],
    finTimeout: [60, 3],
  },
  words: {
    left: {
      text: 'the connection that the old server leaves',
      values: {
        'client-closed-first': 'none: the client closed first',
        alive: 'ESTABLISHED: the old server closes its listener and serves on',
        'half-closed': 'FIN-WAIT-2: the old server was killed, the client does not close',
        'time-wait': 'TIME-WAIT: the old server was killed, the client closed',
      },
    },
    sockets: {
      text: 'the listening sockets of both servers',
      values: {
        net: 'SO_REUSEADDR, as net sets it',
        'no-reuse': 'neither SO_REUSEADDR nor SO_REUSEPORT',
        reuseport: 'SO_REUSEPORT alone',
        'handed-over': 'one socket, handed over to the new server',
      },
    },
    finTimeout: { text: 'net.ipv4.tcp_fin_timeout, s', values: { 60: '60, the default', 3: '3' } },
  },
  only: ({ left, sockets, finTimeout }) =>
    finTimeout === 60 || (sockets === 'no-reuse' && (left === 'half-closed' || left === 'time-wait')),
  sysctls: ({ finTimeout }) => ({ 'net.ipv4.tcp_fin_timeout': finTimeout }),
  seconds: ({ left, sockets, finTimeout }) => {
    if (sockets !== 'no-reuse') return 0.5;
    if (left === 'time-wait') return 64;
    return left === 'half-closed' ? finTimeout * 1.07 : lastConnectionSeconds + 0.5;
  },
  connections: ['old', 'between'],
  measures: {
    first: kind.outcome({ text: 'outcome of the first try of the restarted server to listen' }),
    between: kind.outcome({
      text: 'outcome of a connect(2) between the end of the old server and the start of the new one',
    }),
    triedWithin: kind.seconds({
      text: 'from before the old server stopped until the first try to listen; the connection that it leaves entered its state within this time',
    }),
    lastRefused: kind.seconds({
      compare: 'within',
      resolution,
      text: 'from the first try to listen to the last that failed',
    }),
    firstAccepted: kind.seconds({
      compare: 'within',
      resolution,
      text: 'from the first try to listen until one succeeded',
    }),
  },
  shows: ['first', 'lastRefused', 'firstAccepted', 'between', 'old.server.path', 'old.timeWait.holder'],

  async scenario({ client, server, start, closeInTurn, until, rest, note }, { left, sockets }) {
    const restarted = await start('restarted', 'server');
    const listener = await server.listen(options[sockets]);
    const [near, far] = await client.connect(listener, { as: 'old' });
    const handed = sockets === 'handed-over' ? await listener.handTo(restarted) : undefined;
    const old = { server, listener, near, far, until };
    const stopped = performance.now();
    await stop[left](old);

    const waiting = handed && client.connect(handed, { as: 'between' });
    if (handed) await handed.queued(1);
    else note('between', (await client.knock(listener).answer()).outcome);

    const began = performance.now();
    note('triedWithin', (began - stopped) / 1000);
    const elapsed = () => (performance.now() - began) / 1000;
    const listen = () =>
      (handed?.serve() ?? restarted.listen({ ...options[sockets], port: listener.at.port })).answer();
    let answer = await listen();
    const { ok: atOnce, outcome: first } = answer;
    note('first', first);
    let finished = left !== 'alive';
    for (let asked = 0; !answer.ok; answer = await listen()) {
      note('lastRefused', asked);
      if (finished || asked < lastConnectionSeconds) await rest(retrySeconds);
      else {
        // the old server closes its last connection when its client has
        await closeInTurn(near, far);
        finished = true;
      }
      asked = elapsed();
    }
    note('firstAccepted', elapsed());
    if (waiting) {
      const met = await waiting.answer();
      if (met.ok) await served(met.value);
      note('between', met.outcome);
    }
    if (!atOnce) await until(far, 'CLOSED');
  },

  claims: [
    {
      id: 'with-an-option-at-once',
      text: 'with SO_REUSEADDR on both servers, which libuv sets on every listener, or with SO_REUSEPORT on both, a restarted server listens at once',
      source: 'uv__tcp_bind() in libuv src/unix/tcp.c; inet_bind_conflict() in net/ipv4/inet_connection_sock.c',
      when: ({ sockets }) => sockets === 'net' || sockets === 'reuseport',
      holds: (facts) => facts.first === 'ok',
    },
    {
      id: 'without-it-refused',
      text: 'without SO_REUSEADDR or SO_REUSEPORT, one connection that the old server left in ESTABLISHED, FIN-WAIT-2 or TIME-WAIT makes a restarted server fail with EADDRINUSE',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c; socket(7): SO_REUSEADDR',
      when: ({ sockets, left }) => sockets === 'no-reuse' && left !== 'client-closed-first',
      holds: (facts) => facts.first === 'EADDRINUSE',
    },
    {
      id: 'handed-over-at-once',
      text: 'a server that receives the listening descriptor needs no port and no option: it listens at once',
      source: 'unix(7): SCM_RIGHTS',
      when: ({ sockets }) => sockets === 'handed-over',
      holds: (facts) => facts.first === 'ok',
    },
    {
      id: 'handed-over-refuses-nobody',
      text: 'a connection that a client makes while neither server accepts waits in the queue of the listening socket, and the new server serves it',
      source: 'unix(7): SCM_RIGHTS; inet_csk_reqsk_queue_add() in net/ipv4/inet_connection_sock.c; accept(2)',
      when: ({ sockets }) => sockets === 'handed-over',
      holds: (facts) => facts.between === 'ok',
    },
    {
      id: 'gap-refuses',
      text: 'with SO_REUSEADDR, SO_REUSEPORT or neither, a client that connects between the two servers fails with ECONNREFUSED',
      source: 'RFC 9293 §3.5.2: in CLOSED any segment is answered with a reset; connect(2): ECONNREFUSED',
      when: ({ sockets }) => sockets !== 'handed-over',
      holds: (facts) => facts.between === 'ECONNREFUSED',
    },
    {
      id: 'client-first-leaves-it-free',
      text: 'if the client closed first, the client keeps TIME-WAIT, and the server needs neither option',
      source: 'RFC 9293 §3.6.1, MUST-13',
      when: ({ left }) => left === 'client-closed-first',
      holds: (facts) => facts.first === 'ok' && facts['old.timeWait.holder'] === 'client',
    },
    {
      id: 'until-time-wait-ends',
      text: 'without SO_REUSEADDR or SO_REUSEPORT, a restarted server fails to listen until TIME-WAIT expires after 60 s, and listens at the next try',
      source:
        'TCP_TIMEWAIT_LEN in include/net/tcp.h; tolerance: what had passed before the first try, one retry, and a busy machine',
      when: ({ sockets, left }) => sockets === 'no-reuse' && left === 'time-wait',
      holds: (facts) => {
        const lasted = facts['old.timeWait.seconds'];
        return (
          lasted >= 60 &&
          // the first try came after TIME-WAIT began
          facts.lastRefused <= lasted &&
          facts.firstAccepted >= lasted - facts.triedWithin &&
          facts.firstAccepted <= lasted + retrySeconds + busySeconds
        );
      },
    },
    {
      id: 'fin-timeout-shortens-no-time-wait',
      text: 'without SO_REUSEADDR or SO_REUSEPORT, tcp_fin_timeout 3 does not shorten the wait for TIME-WAIT: the restarted server fails to listen for 60 s all the same',
      source: 'tcp(7) of tcp_fin_timeout: FIN-WAIT-2; TCP_TIMEWAIT_LEN in include/net/tcp.h is a constant',
      when: ({ sockets, left, finTimeout }) => sockets === 'no-reuse' && left === 'time-wait' && finTimeout === 3,
      holds: (facts) => facts.lastRefused >= 60 - facts.triedWithin - retrySeconds - busySeconds,
    },
    {
      id: 'fin-timeout-ends-half-closed',
      text: 'without SO_REUSEADDR or SO_REUSEPORT, if the client does not close, a restarted server fails to listen for tcp_fin_timeout, 60 or 3 s',
      source:
        'tcp_fin_time() in include/net/tcp.h, tcp_time_wait() in net/ipv4/tcp_minisocks.c; tolerance: what had passed before the first try; a slot of the timer wheel, a retry',
      when: ({ sockets, left }) => sockets === 'no-reuse' && left === 'half-closed',
      holds: (facts, { finTimeout }) =>
        facts.lastRefused >= finTimeout - facts.triedWithin - retrySeconds - busySeconds &&
        facts.firstAccepted <= latest(finTimeout),
    },
    {
      id: 'alive-until-the-last-ends',
      text: 'without SO_REUSEADDR or SO_REUSEPORT, a restarted server fails to listen until the last connection of the old server ends',
      source: 'inet_put_port() in net/ipv4/inet_hashtables.c, when the connection ends in CLOSED; tolerance: one retry',
      when: ({ sockets, left }) => sockets === 'no-reuse' && left === 'alive',
      holds: (facts) => {
        const lifeSeconds = oldLifeSeconds(facts);
        return (
          facts.lastRefused >= lastConnectionSeconds &&
          facts.lastRefused <= lifeSeconds &&
          facts.firstAccepted <= lifeSeconds + retrySeconds
        );
      },
    },
  ],

  guide: [
    {
      about: { 'EADDRINUSE on restart': 'look at' },
      claim: 'without-it-refused',
      text: 'Without SO_REUSEADDR or SO_REUSEPORT, one connection of the old server in ESTABLISHED, FIN-WAIT-2 or TIME-WAIT makes the new server fail.',
    },
    {
      about: { 'EADDRINUSE on restart': 'look at' },
      claim: 'until-time-wait-ends',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.firstAccepted, { digits: 1, unit: 's' }),
      text: 'Without SO_REUSEADDR or SO_REUSEPORT, TIME-WAIT of one old connection keeps the new server off its port for {number}.',
    },
    {
      about: { SO_REUSEADDR: 'measured', 'EADDRINUSE on restart': 'helps' },
      claim: 'with-an-option-at-once',
      when: ({ sockets }) => sockets === 'net',
      text: 'With SO_REUSEADDR on both servers, which net sets on every listener, the new server listens at once.',
    },
    {
      id: 'with-reuseport-at-once',
      about: { SO_REUSEPORT: 'measured', 'EADDRINUSE on restart': 'helps' },
      claim: 'with-an-option-at-once',
      when: ({ sockets }) => sockets === 'reuseport',
      text: 'With SO_REUSEPORT alone on both servers, of one user, the new server listens at once.',
    },
    {
      about: { 'EADDRINUSE on restart': 'helps' },
      claim: 'handed-over-refuses-nobody',
      text: 'If the old server hands its listening socket over, a client that connects in between waits in the queue and is served.',
    },
    {
      about: { 'closing order': 'measured', 'EADDRINUSE on restart': 'helps' },
      claim: 'client-first-leaves-it-free',
      text: 'If the client closed first, nothing is left on the port: the new server needs neither SO_REUSEADDR nor SO_REUSEPORT.',
    },
    {
      about: { tcp_fin_timeout: 'measured', 'EADDRINUSE on restart': 'cannot help' },
      claim: 'fin-timeout-shortens-no-time-wait',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.firstAccepted, { digits: 1, unit: 's' }),
      text: 'With tcp_fin_timeout 3, a server without SO_REUSEADDR or SO_REUSEPORT still waits {number} for TIME-WAIT to end.',
    },
    {
      about: { tcp_fin_timeout: 'measured' },
      claim: 'fin-timeout-ends-half-closed',
      when: ({ finTimeout }) => finTimeout === 3,
      number: (outcomes) => range(outcomes, ({ facts }) => facts.firstAccepted, { digits: 1, unit: 's' }),
      text: 'With tcp_fin_timeout 3, a server without SO_REUSEADDR or SO_REUSEPORT waits only {number} for a client that does not close (FIN-WAIT-2).',
    },
    {
      about: { SO_REUSEADDR: 'risks', SO_REUSEPORT: 'risks' },
      claim: 'gap-refuses',
      when: ({ sockets }) => sockets !== 'no-reuse',
      text: 'A client that connects after the old server and before the new server fails with ECONNREFUSED, with SO_REUSEADDR and with SO_REUSEPORT.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const of = (...sockets: readonly string[]) => outcomes.filter(({ cell }) => sockets.includes(cell.sockets));
    const atOnce = (from: Outcomes) => from.filter(({ facts }) => facts.first === 'ok');
    const [net, handed, gap] = [of('net'), of('handed-over'), of('net', 'reuseport', 'no-reuse')];
    const reuse = of('net', 'reuseport');
    const plain = of('no-reuse').filter(({ cell }) => cell.left !== 'client-closed-first');
    const waited = (left: string) => plain.filter(({ cell, facts }) => cell.left === left && 'lastRefused' in facts);
    const seconds = { digits: 1, unit: 's' } as const;
    const until = ({ facts }: Outcomes[number]) => facts.firstAccepted;
    const [timeWait, halfClosed, alive] = [waited('time-wait'), waited('half-closed'), waited('alive')];
    const isTuned = timeWait.some(({ cell }) => cell.finTimeout === 3);
    const isShorter = timeWait.some((one) => until(one) < 60);
    const perTimeout = [...Map.groupBy(halfClosed, ({ cell }) => cell.finTimeout)]
      .toSorted(([a], [b]) => a - b)
      .map(([timeout, own]) => `${range(own, until, seconds)} with ${timeout}`);
    const refused = gap.filter(({ facts }) => facts.between === 'ECONNREFUSED');
    const served = handed.filter(({ facts }) => facts.between === 'ok');
    const isWaiting = plain.length > 0 && atOnce(plain).length === 0;
    return {
      headline:
        net.length === 0
          ? `A restarted server listened at once in ${share(atOnce(outcomes), outcomes)} restarts.`
          : atOnce(net).length < net.length
            ? `A restarted Node server listened at once in ${share(atOnce(net), net)} restarts only.`
            : isWaiting
              ? 'Old connections can block a restart; Node sets SO_REUSEADDR, which prevents it.'
              : 'A restarted Node server can listen at once.',
      findings: [
        finding(
          share(atOnce(reuse), reuse),
          'With SO_REUSEADDR on both servers, as net sets it on every listener, or with SO_REUSEPORT on both, the new server listens at once.',
        ),
        timeWait.length > 0 &&
          finding(
            range(timeWait, until, seconds),
            isShorter
              ? 'Without SO_REUSEADDR or SO_REUSEPORT, TIME-WAIT of an old connection makes the new server wait.'
              : `Without SO_REUSEADDR or SO_REUSEPORT, the new server waits for TIME-WAIT: 60 s, a slot of its timer, and a retry${isTuned ? '; tcp_fin_timeout 3 does not shorten that' : ''}.`,
          ),
        halfClosed.length > 0 &&
          finding(
            perTimeout.join(', '),
            'Without SO_REUSEADDR or SO_REUSEPORT, if the client does not close, the new server waits for tcp_fin_timeout, which ends FIN-WAIT-2.',
            halfClosed,
          ),
        alive.length > 0 &&
          finding(
            range(alive, until, seconds),
            'Without SO_REUSEADDR or SO_REUSEPORT, the new server waits until the last connection that the old server still serves has ended.',
          ),
        finding(
          share(refused, gap),
          'A client that connects between the two servers fails with ECONNREFUSED, with SO_REUSEADDR, SO_REUSEPORT or neither.',
        ),
        finding(
          share(served, handed),
          'If the old server hands its listening socket over, such a client waits in the queue and is served.',
        ),
      ],
    };
  },
});
