import { type Endpoint, experiment, type Kind, kind, type Reuse, type Stage, type Where } from 'lingerlab';

const reuses = ['none', 'addr', 'port', 'both'] as const;
const places = ['own', 'wildcard', 'other'] as const;
/** A new socket's options and address: `addr.wildcard`. */
type Attempt = `${Reuse}.${Where}`;
const attempts = reuses.flatMap((reuse) => places.map((at): Attempt => `${reuse}.${at}`));
type Call = 'bind' | 'listen' | 'connect';

const measures = Object.fromEntries(
  attempts.flatMap((attempt) => {
    const [reuse, at] = attempt.split('.');
    return (['bind', 'listen', 'connect'] as const).map((call) => [
      `${call}.${attempt}`,
      kind.outcome({ text: `${call} of the new socket, reuse ${reuse}, ${at} address` }),
    ]);
  }),
) as Record<`${Call}.${Attempt}`, Kind<string>>;

/** What a connection leaves behind when its listener is closed. */
const connected = [
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'FIN-WAIT-2-orphan',
  'CLOSE-WAIT',
  'LAST-ACK',
  'TIME-WAIT',
] as const;
const isConnected = (old: string) => (connected as readonly string[]).includes(old);

/** More than the other end's window and this end's send buffer take, at their largest. */
const tooMuch = 12_000_000;

type Leave = (near: Endpoint, far: Endpoint, until: Stage<[], object>['until']) => Promise<unknown>;
/** One end closes, then the other: when its acknowledgement is out, so that none crosses its FIN and meets TIME-WAIT. */
async function closeInTurn(first: Endpoint, second: Endpoint, until: Parameters<Leave>[2]): Promise<void> {
  await first.close('destroy');
  await until(first, 'FIN-WAIT-2');
  await second.ended();
  await second.close();
  await Promise.all([until(first, 'TIME-WAIT'), until(second, 'CLOSED'), second.gone()]);
}

/** How a connection is left with the server's end, `far`, in each state. */
const leave: Record<'CLOSED' | (typeof connected)[number], Leave> = {
  CLOSED: (near, far, until) => closeInTurn(near, far, until),
  ESTABLISHED: async () => undefined,
  async 'FIN-WAIT-1'(near, far, until) {
    // its FIN waits behind data for which the client has no room
    await near.stopReading();
    await far.close('destroy', { sending: tooMuch });
    await until(far, 'FIN-WAIT-1');
  },
  async 'FIN-WAIT-2'(near, far, until) {
    await far.shutdown('WR');
    await until(far, 'FIN-WAIT-2');
    await near.ended();
  },
  async 'FIN-WAIT-2-orphan'(near, far, until) {
    await far.close('destroy');
    await until(far, 'FIN-WAIT-2');
    await near.ended();
  },
  async 'CLOSE-WAIT'(near, far, until) {
    await near.close('destroy');
    await until(far, 'CLOSE-WAIT');
    await far.ended();
  },
  async 'LAST-ACK'(near, far, until) {
    await near.stopReading();
    await near.shutdown('WR');
    await far.ended();
    await far.close('destroy', { sending: tooMuch });
    await until(far, 'LAST-ACK');
  },
  'TIME-WAIT': (near, far, until) => closeInTurn(far, near, until),
};

const has = (reuse: Reuse, option: 'addr' | 'port') => reuse === option || reuse === 'both';
const share = (a: Reuse, b: Reuse, option: 'addr' | 'port') => has(a, option) && has(b, option);
const outcome = (answer: { ok: true } | { ok: false; errno: string }) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'rebind',
  question: 'When can a port be bound again beside what an earlier server left on it?',
  group: 'Port reuse',
  factors: {
    old: ['CLOSED', 'BOUND', 'BOUND-then-LISTEN', 'LISTEN', ...connected],
    reuse: reuses,
    held: ['own', 'wildcard'],
    // each attempt alone, with --all: that they share an old socket changes nothing
    tries: ['all', ...attempts],
  },
  only: ({ old, held, tries }) =>
    tries === 'all' && (held === 'own' || old === 'BOUND' || old === 'LISTEN' || old === 'TIME-WAIT'),
  seconds: 0.2,
  connections: ['old'],
  measures,
  shows: (['own', 'other'] as const).flatMap((at) => reuses.map((reuse) => `bind.${reuse}.${at}` as const)),

  async scenario({ client, server, until, note }, { old, reuse, held, tries }) {
    const first = await server.bind({ reuse, at: held });
    if (old === 'BOUND-then-LISTEN') await first.close();
    else if (old !== 'BOUND') {
      const listener = await first.listen();
      if (old !== 'LISTEN') {
        const [near, far] = await client.connect(listener, { as: 'old' });
        await listener.close();
        await leave[old](near, far, until);
      }
    }

    for (const attempt of attempts.filter((one) => tries === 'all' || tries === one)) {
      const [again, at] = attempt.split('.') as [Reuse, Where];
      // one that listens stays: each attempt to bind before that needs another
      const rival = old === 'BOUND-then-LISTEN' ? await server.bind({ reuse, at: held }) : undefined;
      const { port } = (rival ?? first).at;
      const binding = await server.bind({ port, reuse: again, at }).answer();
      await rival?.listen();
      note(`bind.${attempt}`, outcome(binding));
      if (!binding.ok) continue;
      const listening = await binding.value.listen().answer();
      note(`listen.${attempt}`, outcome(listening));
      if (listening.ok) {
        note(`connect.${attempt}`, outcome(await client.knock(listening.value).answer()));
        await listening.value.close();
      } else await binding.value.close();
    }
  },

  claims: [
    {
      id: 'nothing-left-nothing-refused',
      text: 'a server whose client closed first leaves nothing on its port: it can be bound again without any option',
      source:
        'RFC 9293 §3.6.1: TIME-WAIT is with the end that closed first; inet_csk_get_port() in net/ipv4/inet_connection_sock.c',
      when: ({ old, tries }) => tries === 'all' && old === 'CLOSED',
      holds: (facts) => attempts.every((attempt) => facts[`bind.${attempt}`] === 'ok'),
    },
    {
      id: 'blocks-without-option',
      text: 'a new socket without SO_REUSEADDR and SO_REUSEPORT is refused beside any old one on its address',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c; socket(7)',
      when: ({ old, tries }) => tries === 'all' && old !== 'CLOSED',
      holds: (facts) => facts['bind.none.own'] === 'EADDRINUSE' && facts['bind.none.wildcard'] === 'EADDRINUSE',
    },
    {
      id: 'both-must-share-an-option',
      text: 'what only one of the two sockets has set does not help, nor SO_REUSEADDR on one and SO_REUSEPORT on the other',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c asks sk and sk2',
      when: ({ old, tries }) => tries === 'all' && old !== 'CLOSED',
      holds: (facts, { reuse }) =>
        reuses
          .filter((again) => !share(reuse, again, 'addr') && !share(reuse, again, 'port'))
          .every((again) => facts[`bind.${again}.own`] === 'EADDRINUSE'),
    },
    {
      id: 'reuseaddr-beside-connections',
      text: 'with SO_REUSEADDR on both, a port is bound again beside a connection in any state, not only TIME-WAIT',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse of both, sk2 not in TCP_LISTEN',
      when: ({ old, reuse, tries }) => tries === 'all' && isConnected(old) && has(reuse, 'addr'),
      holds: (facts) => facts['bind.addr.own'] === 'ok' && facts['bind.addr.wildcard'] === 'ok',
    },
    {
      id: 'reuseaddr-not-beside-listener',
      text: 'SO_REUSEADDR, on both or not, never binds a port beside one who listens on it',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk2->sk_state != TCP_LISTEN; socket(7)',
      when: ({ old, tries }) => tries === 'all' && old === 'LISTEN',
      holds: (facts) => facts['bind.addr.own'] === 'EADDRINUSE' && facts['bind.addr.wildcard'] === 'EADDRINUSE',
    },
    {
      id: 'reuseport-beside-anything',
      text: 'with SO_REUSEPORT on both, and one user, a port is bound again beside anything, a listener too',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuseport of both, uid_eq(); socket(7)',
      when: ({ reuse, tries }) => tries === 'all' && has(reuse, 'port'),
      holds: (facts) => facts['bind.port.own'] === 'ok' && facts['bind.port.wildcard'] === 'ok',
    },
    {
      id: 'other-address-is-free',
      text: 'on another address of the machine the port is free, whatever a socket of one address left',
      source: 'inet_bhash2_conflict() in net/ipv4/inet_connection_sock.c; inet_rcv_saddr_equal()',
      when: ({ old, held, tries }) => tries === 'all' && (held === 'own' || isConnected(old)),
      holds: (facts) => reuses.every((again) => facts[`bind.${again}.other`] === 'ok'),
    },
    {
      id: 'wildcard-holds-every-address',
      text: 'a socket on the wildcard that is bound or listens holds the port of every address alike',
      source: 'inet_bhash2_addr_any_conflict() in net/ipv4/inet_connection_sock.c',
      when: ({ old, held, tries }) => tries === 'all' && held === 'wildcard' && (old === 'BOUND' || old === 'LISTEN'),
      holds: (facts) => reuses.every((again) => facts[`bind.${again}.other`] === facts[`bind.${again}.own`]),
    },
    {
      id: 'wildcard-asks-the-same',
      text: 'the wildcard is bound and refused exactly as the address itself',
      source: 'inet_rcv_saddr_equal() with match_wildcard, net/ipv4/inet_connection_sock.c',
      when: ({ tries }) => tries === 'all',
      holds: (facts) => reuses.every((again) => facts[`bind.${again}.wildcard`] === facts[`bind.${again}.own`]),
    },
    {
      id: 'bound-is-as-good-as-listening',
      text: 'where bind(2) succeeded and nobody else listens since, listen(2) succeeds and a client connects',
      when: ({ old, tries }) => tries === 'all' && old !== 'BOUND-then-LISTEN',
      source:
        'inet_csk_listen_start() in net/ipv4/inet_connection_sock.c asks for the port again: only a listener could refuse it now',
      holds: (facts) =>
        attempts
          .filter((attempt) => facts[`bind.${attempt}`] === 'ok')
          .every((attempt) => facts[`listen.${attempt}`] === 'ok' && facts[`connect.${attempt}`] === 'ok'),
    },
    {
      id: 'first-listener-wins',
      text: 'of two sockets that SO_REUSEADDR let bind to one port, the first to listen keeps the other from listening; SO_REUSEPORT lets both',
      source:
        'inet_csk_listen_start() in net/ipv4/inet_connection_sock.c calls get_port() again, after TCP_LISTEN is set',
      when: ({ old, reuse, tries }) => tries === 'all' && old === 'BOUND-then-LISTEN' && has(reuse, 'addr'),
      holds: (facts, { reuse }) =>
        facts['bind.addr.own'] === 'ok' &&
        facts['listen.addr.own'] === 'EADDRINUSE' &&
        facts['listen.both.own'] === (reuse === 'both' ? 'ok' : 'EADDRINUSE'),
    },
  ],

  across: [
    {
      id: 'time-wait-is-nothing-special',
      text: 'TIME-WAIT refuses a port exactly as a live connection does, and as every state on the way',
      source:
        'inet_bind_conflict() in net/ipv4/inet_connection_sock.c knows TCP_LISTEN, and TCP_TIME_WAIT only for the user',
      holds: (outcomes) => {
        const left = outcomes.filter(
          ({ cell }) => isConnected(cell.old) && cell.held === 'own' && cell.tries === 'all',
        );
        return left.every(({ cell, facts }) => {
          const live = left.find(({ cell: other }) => other.old === 'ESTABLISHED' && other.reuse === cell.reuse);
          return attempts.every((attempt) => live?.facts[`bind.${attempt}`] === facts[`bind.${attempt}`]);
        });
      },
    },
  ],

  answer(outcomes) {
    const bound = (chosen: typeof outcomes, news: readonly Reuse[]) => {
      const made = chosen.flatMap(({ facts }) =>
        news.filter((again) => `bind.${again}.own` in facts).map((again) => facts[`bind.${again}.own`] === 'ok'),
      );
      return `${made.filter(Boolean).length} of ${made.length}`;
    };
    const left = outcomes.filter(({ cell }) => isConnected(cell.old));
    const listening = outcomes.filter(({ cell }) => cell.old === 'LISTEN');
    const addr = ({ cell }: (typeof outcomes)[number]) => has(cell.reuse, 'addr');
    const port = ({ cell }: (typeof outcomes)[number]) => has(cell.reuse, 'port');
    const late = outcomes.filter((one) => one.cell.old === 'BOUND-then-LISTEN' && addr(one));
    const kept = late.filter(({ facts }) => 'listen.addr.own' in facts && facts['listen.addr.own'] !== 'ok');
    const sentences: string[] = [];
    if (left.length > 0) {
      sentences.push(
        `Beside a connection that an earlier server left, ESTABLISHED to TIME-WAIT, its port was bound again in ${bound(left, ['none'])} attempts without an option, in ${bound(left.filter(addr), ['addr'])} with SO_REUSEADDR on both servers' sockets, in ${bound(
          left.filter((one) => !addr(one)),
          ['addr'],
        )} with SO_REUSEADDR on the new one alone`,
      );
    }
    if (listening.length > 0) {
      sentences.push(
        `beside a listener in ${bound(listening.filter(addr), ['addr'])} with SO_REUSEADDR on both, in ${bound(listening.filter(port), ['port'])} with SO_REUSEPORT on both`,
      );
    }
    if (late.length > 0) {
      sentences.push(
        `of two sockets that SO_REUSEADDR let bind to it, the second could not listen in ${kept.length} of ${late.length} once the first did`,
      );
    }
    return sentences.length > 0 ? `${sentences.join('; ')}.` : 'No attempt was made beside what a server left.';
  },
});
