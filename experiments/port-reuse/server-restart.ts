import {
  type Endpoint,
  experiment,
  kind,
  type Listener,
  type ListenOptions,
  type Stage,
  sentence,
  share,
} from 'lingerlab';

const options: Record<'net' | 'no-reuse' | 'reuseport' | 'handed-over', ListenOptions> = {
  net: {},
  'no-reuse': { reuse: 'none' },
  reuseport: { reuse: 'port' },
  // no option that could help: only the descriptor goes on
  'handed-over': { reuse: 'none' },
};
/** Between two tries to start, and how long the old server's last connection goes on where it does. */
const retrySeconds = 0.5;
const lastConnectionSeconds = 1;
/** What a busy machine may add between two steps: a cell that rested waits for its turn. */
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

/** The server stops: it closes its listener, or is killed; its one connection is left so. */
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
/** How long the old server's end lived, where its client closed first. */
const oldLifeSeconds = (facts: { readonly [S in (typeof living)[number] as `old.server.stateMs.${S}`]: number }) =>
  living.reduce((sum, state) => sum + facts[`old.server.stateMs.${state}`], 0) / 1000;

/** The client is sent a byte: the connection is not only accepted but served. */
async function served([near, far]: readonly [Endpoint, Endpoint]): Promise<void> {
  await far.write(1);
  await near.received(1);
  await near.close('resetAndDestroy');
  await far.gone();
}

export default experiment({
  id: 'server-restart',
  question: 'How soon does a restarted server listen on its port again, and who is refused until then?',
  tags: [
    'EADDRINUSE',
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
    first: kind.outcome({ text: 'what listening said to the restarted server at once' }),
    between: kind.outcome({ text: 'what a connection met that was made after the old server and before the new one' }),
    triedWithin: kind.seconds({
      text: 'from before the old server stopped until the first try to listen: no longer since its socket entered its last state',
    }),
    lastRefused: kind.seconds({
      compare: 'within',
      resolution,
      text: 'from the first try to listen to the last that was refused',
    }),
    firstAccepted: kind.seconds({
      compare: 'within',
      resolution,
      text: 'from the first try to listen until one had succeeded',
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
      text: 'with SO_REUSEADDR on both servers, which libuv sets on every listener, or SO_REUSEPORT on both, a restarted server listens at once',
      source: 'uv__tcp_bind() in libuv src/unix/tcp.c; inet_bind_conflict() in net/ipv4/inet_connection_sock.c',
      when: ({ sockets }) => sockets === 'net' || sockets === 'reuseport',
      holds: (facts) => facts.first === 'ok',
    },
    {
      id: 'without-it-refused',
      text: 'without SO_REUSEADDR and SO_REUSEPORT, one connection that the old server left ESTABLISHED, in FIN-WAIT-2 or in TIME-WAIT refuses the port to a restarted server',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c; socket(7): SO_REUSEADDR',
      when: ({ sockets, left }) => sockets === 'no-reuse' && left !== 'client-closed-first',
      holds: (facts) => facts.first === 'EADDRINUSE',
    },
    {
      id: 'handed-over-at-once',
      text: 'a server that was handed the listening descriptor asks for no port and needs no option: it listens at once',
      source: 'unix(7): SCM_RIGHTS',
      when: ({ sockets }) => sockets === 'handed-over',
      holds: (facts) => facts.first === 'ok',
    },
    {
      id: 'handed-over-refuses-nobody',
      text: 'a connection made while neither server accepts waits in the queue of the listening socket, and the new one serves it',
      source: 'unix(7): SCM_RIGHTS; inet_csk_reqsk_queue_add() in net/ipv4/inet_connection_sock.c; accept(2)',
      when: ({ sockets }) => sockets === 'handed-over',
      holds: (facts) => facts.between === 'ok',
    },
    {
      id: 'gap-refuses',
      text: 'with SO_REUSEADDR, SO_REUSEPORT or neither, a server that closes and listens again refuses a client that connects in between',
      source: 'RFC 9293 §3.5.2: in CLOSED any segment is answered with a reset; connect(2): ECONNREFUSED',
      when: ({ sockets }) => sockets !== 'handed-over',
      holds: (facts) => facts.between === 'ECONNREFUSED',
    },
    {
      id: 'client-first-leaves-it-free',
      text: 'where the client closed first TIME-WAIT is with the client, and the server needs no option',
      source: 'RFC 9293 §3.6.1, MUST-13',
      when: ({ left }) => left === 'client-closed-first',
      holds: (facts) => facts.first === 'ok' && facts['old.timeWait.holder'] === 'client',
    },
    {
      id: 'until-time-wait-ends',
      text: 'without an option, TIME-WAIT keeps a restarted server waiting for as long as it lasts, 60 s, and no longer: refused before its end, accepted after',
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
      text: 'tcp_fin_timeout 3 does not shorten that wait: the restarted server is refused for a minute all the same',
      source: 'tcp(7) of tcp_fin_timeout: FIN-WAIT-2; TCP_TIMEWAIT_LEN in include/net/tcp.h is a constant',
      when: ({ sockets, left, finTimeout }) => sockets === 'no-reuse' && left === 'time-wait' && finTimeout === 3,
      holds: (facts) => facts.lastRefused >= 60 - facts.triedWithin - retrySeconds - busySeconds,
    },
    {
      id: 'fin-timeout-ends-half-closed',
      text: 'a client that does not close keeps a restarted server without an option waiting for tcp_fin_timeout, 60 and 3 s',
      source:
        'tcp_fin_time() in include/net/tcp.h, tcp_time_wait() in net/ipv4/tcp_minisocks.c; tolerance: what had passed before the first try; a slot of the timer wheel, a retry',
      when: ({ sockets, left }) => sockets === 'no-reuse' && left === 'half-closed',
      holds: (facts, { finTimeout }) =>
        facts.lastRefused >= finTimeout - facts.triedWithin - retrySeconds - busySeconds &&
        facts.firstAccepted <= latest(finTimeout),
    },
    {
      id: 'alive-until-the-last-ends',
      text: 'an old server that serves its last connection to its end keeps a restarted server without an option waiting until then',
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

  answer(outcomes) {
    type Facts = (typeof outcomes)[number]['facts'];
    const of = (...sockets: readonly string[]) => outcomes.filter(({ cell }) => sockets.includes(cell.sockets));
    const shareOf = (chosen: typeof outcomes, holds: (facts: Facts) => boolean) =>
      share(
        chosen.filter(({ facts }) => holds(facts)),
        chosen,
      );
    const atOnce = (facts: Facts) => facts.first === 'ok';
    const waited = of('no-reuse').map(({ cell, facts }) => {
      const setting = cell.finTimeout === 60 ? '' : `, tcp_fin_timeout ${cell.finTimeout}`;
      if (!('lastRefused' in facts)) return `not at all (${cell.left}${setting})`;
      // how long that connection lives is the script's doing: whether it waited for longer is not
      if (cell.left === 'alive' && facts.firstAccepted <= oldLifeSeconds(facts) + retrySeconds)
        return `until the last connection ended (alive${setting})`;
      return `${facts.firstAccepted.toFixed(1)} s (${cell.left}${setting})`;
    });
    const [usual, shared, handed, gap] = [
      of('net'),
      of('reuseport'),
      of('handed-over'),
      of('net', 'reuseport', 'no-reuse'),
    ];
    return sentence(
      usual.length > 0 && `a server written with net listened again at once in ${shareOf(usual, atOnce)} restarts`,
      shared.length > 0 && `a server with SO_REUSEPORT alone listened again at once in ${shareOf(shared, atOnce)}`,
      waited.length > 0 && `a server without SO_REUSEADDR waited ${waited.join(', ')}`,
      gap.length > 0 &&
        `who connected before it listened again was refused in ${shareOf(gap, (facts) => facts.between !== 'ok')}`,
      handed.length > 0 &&
        `where the listening descriptor was handed over, who connected while neither server accepted was served in ${shareOf(handed, (facts) => facts.between === 'ok')}`,
    );
  },
});
