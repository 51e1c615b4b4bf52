import { experiment, kind, type ListenOptions } from 'lingerlab';

const options: Record<'net' | 'no-reuse' | 'reuseport', ListenOptions> = {
  net: {},
  'no-reuse': { reuse: 'none' },
  reuseport: { reuse: 'port' },
};
/** Between two tries to start, and how long the old server's last connection goes on where it does. */
const retrySeconds = 0.5;
const lastConnectionSeconds = 1;
/** What a busy machine may add between two steps: a cell that rested waits for its turn. */
const busySeconds = 0.5;
/** A slot of the kernel's timer wheel is at most an eighth of the timer. */
const latest = (timerSeconds: number) => timerSeconds * 1.125 + retrySeconds + busySeconds;

export default experiment({
  id: 'server-restart',
  question: 'How soon does a restarted server listen on its port again?',
  group: 'Port reuse',
  factors: {
    left: ['client-closed-first', 'alive', 'half-closed', 'time-wait'],
    sockets: ['net', 'no-reuse', 'reuseport'],
    finTimeout: [60, 3],
  },
  only: ({ left, sockets, finTimeout }) =>
    finTimeout === 60 || (sockets === 'no-reuse' && (left === 'half-closed' || left === 'time-wait')),
  sysctls: ({ finTimeout }) => ({ 'net.ipv4.tcp_fin_timeout': finTimeout }),
  seconds: ({ left, sockets, finTimeout }) => {
    if (sockets !== 'no-reuse') return left === 'alive' ? lastConnectionSeconds + 0.5 : 0.5;
    if (left === 'time-wait') return 64;
    return left === 'half-closed' ? finTimeout * 1.07 : lastConnectionSeconds + 0.5;
  },
  measures: {
    first: kind.outcome({ text: 'what listening said to the restarted server at once' }),
    freeAfter: kind.seconds({
      compare: 'within',
      // a slot of a 60 s timer at the highest HZ, and a retry
      resolution: 4.1 + retrySeconds,
      text: 'from the first try to the one that succeeded',
    }),
  },
  shows: ['first', 'freeAfter', 'server.path', 'timeWait.holder'],

  async scenario({ client, server, start, until, rest, note }, { left, sockets }) {
    const restarted = await start('restarted', 'server');
    const listener = await server.listen(options[sockets]);
    const [near, far] = await client.connect(listener);
    if (left === 'alive') await listener.close();
    else if (left === 'client-closed-first') {
      await near.close('destroy');
      await until(near, 'FIN-WAIT-2');
      await far.ended();
      await server.signal('SIGKILL');
      await until(far, 'CLOSED');
    } else {
      await server.signal('SIGKILL');
      await until(far, 'FIN-WAIT-2');
      await near.ended();
      if (left === 'time-wait') {
        await near.close();
        await near.gone();
        await until(far, 'TIME-WAIT');
      }
    }

    const began = performance.now();
    const listen = () => restarted.listen({ ...options[sockets], port: listener.at.port }).answer();
    let answer = await listen();
    const atOnce = answer.ok;
    note('first', answer.ok ? 'ok' : answer.errno);
    if (left === 'alive') {
      await rest(lastConnectionSeconds);
      await near.close('destroy');
      await until(near, 'FIN-WAIT-2');
      await far.ended();
      await far.close();
      await until(far, 'CLOSED');
    }
    while (!answer.ok) {
      answer = await listen();
      if (!answer.ok) await rest(retrySeconds);
    }
    note('freeAfter', atOnce ? 0 : (performance.now() - began) / 1000);
    if (!atOnce) await until(far, 'CLOSED');
  },

  claims: [
    {
      id: 'with-an-option-at-once',
      text: 'with SO_REUSEADDR on both servers, which libuv sets on every listener, or SO_REUSEPORT on both, it listens at once',
      source: 'uv__tcp_bind() in libuv src/unix/tcp.c; inet_bind_conflict() in net/ipv4/inet_connection_sock.c',
      when: ({ sockets }) => sockets !== 'no-reuse',
      holds: (facts) => facts.first === 'ok',
    },
    {
      id: 'without-it-refused',
      text: 'without either, whatever is left of one connection refuses it the port',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c; socket(7): SO_REUSEADDR',
      when: ({ sockets, left }) => sockets === 'no-reuse' && left !== 'client-closed-first',
      holds: (facts) => facts.first === 'EADDRINUSE',
    },
    {
      id: 'client-first-leaves-it-free',
      text: 'where the client closed first TIME-WAIT is with the client, and the server needs no option',
      source: 'RFC 9293 §3.6.1, MUST-13',
      when: ({ left }) => left === 'client-closed-first',
      holds: (facts) => facts.first === 'ok' && facts['timeWait.holder'] === 'client',
    },
    {
      id: 'until-time-wait-ends',
      text: 'TIME-WAIT keeps it waiting for as long as it lasts, 60 s, and no longer',
      source: 'TCP_TIMEWAIT_LEN in include/net/tcp.h; tolerance: one retry, and a busy machine',
      when: ({ sockets, left }) => sockets === 'no-reuse' && left === 'time-wait',
      holds: (facts) =>
        facts['timeWait.seconds'] >= 60 &&
        Math.abs(facts.freeAfter - facts['timeWait.seconds']) <= retrySeconds + busySeconds,
    },
    {
      id: 'fin-timeout-shortens-no-time-wait',
      text: 'tcp_fin_timeout 3 does not shorten that wait',
      source: 'tcp(7) of tcp_fin_timeout: FIN-WAIT-2; TCP_TIMEWAIT_LEN in include/net/tcp.h is a constant',
      when: ({ sockets, left, finTimeout }) => sockets === 'no-reuse' && left === 'time-wait' && finTimeout === 3,
      holds: (facts) => facts.freeAfter >= 60 - busySeconds,
    },
    {
      id: 'fin-timeout-ends-half-closed',
      text: 'a client that does not close keeps it waiting for tcp_fin_timeout',
      source:
        'tcp_fin_time() in include/net/tcp.h, tcp_time_wait() in net/ipv4/tcp_minisocks.c; tolerance: a slot of the timer wheel',
      when: ({ sockets, left }) => sockets === 'no-reuse' && left === 'half-closed',
      holds: (facts, { finTimeout }) =>
        facts.freeAfter >= finTimeout - busySeconds && facts.freeAfter <= latest(finTimeout),
    },
    {
      id: 'alive-until-the-last-ends',
      text: 'an old server that serves its last connection to its end keeps it waiting until then',
      source: 'inet_put_port() in net/ipv4/inet_hashtables.c, when the connection ends in CLOSED; tolerance: one retry',
      when: ({ sockets, left }) => sockets === 'no-reuse' && left === 'alive',
      holds: (facts) => {
        const states = ['ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK'] as const;
        const lifeMs = states.reduce((sum, state) => sum + facts[`server.stateMs.${state}`], 0);
        return facts.freeAfter >= lastConnectionSeconds && facts.freeAfter <= lifeMs / 1000 + retrySeconds;
      },
    },
  ],

  answer(outcomes) {
    const plain = outcomes.filter(({ cell }) => cell.sockets === 'net');
    const port = outcomes.filter(({ cell }) => cell.sockets === 'reuseport');
    const atOnce = (chosen: typeof outcomes) =>
      `${chosen.filter(({ facts }) => facts.first === 'ok').length} of ${chosen.length}`;
    const sentences: string[] = [];
    if (plain.length > 0)
      sentences.push(`a server written with net listened again at once in ${atOnce(plain)} restarts`);
    if (port.length > 0) sentences.push(`one with SO_REUSEPORT alone in ${atOnce(port)}`);
    const waited = outcomes.filter(({ cell }) => cell.sockets === 'no-reuse');
    if (waited.length > 0) {
      const each = waited.map(({ cell, facts }) => {
        const setting = cell.finTimeout === 60 ? '' : `, tcp_fin_timeout ${cell.finTimeout}`;
        return `${facts.freeAfter.toFixed(1)} s (${cell.left}${setting})`;
      });
      sentences.push(`without SO_REUSEADDR it waited ${each.join(', ')}`);
    }
    const answer = `${sentences.join('; ')}.`;
    return answer.charAt(0).toUpperCase() + answer.slice(1);
  },
});
