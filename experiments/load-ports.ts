import { experiment, kind, sentence } from 'lingerlab';

/** The client's: few, so that none is left in a fraction of a second; the kernel's own range; very few, for a long time. */
const portsOf = { short: 1000, filling: 28_232, long: 500 } as const;
const first = 32_768;
/** Of a long cell until every port has been taken once. */
const warmUpOf = { short: 0.1, filling: 0.1, long: 2 } as const;
/** TCP_TIMEWAIT_LEN, include/net/tcp.h. */
const timeWaitSeconds = 60;
/** The kernel's own range lasts 1.4 s at 20,000 connections a second. */
const secondsOf = { short: 2, filling: 6, long: timeWaitSeconds + 2 } as const;
export default experiment({
  id: 'load-ports',
  question: 'Where do the ports run out, and what moves that?',
  group: 'Load',
  whenNamed: true,
  factors: {
    // the client's ports: chosen by connect(2), by bind(2) before it, or by connect(2) though an address is bound
    source: ['unbound', 'bound', 'bound-late'],
    twReuse: [0, 1],
    addresses: [1, 4],
    lasts: ['short', 'filling', 'long'],
  },
  only: ({ lasts, twReuse, addresses, source }) =>
    lasts === 'short' ||
    (twReuse === 0 && addresses === 1 && (source === 'unbound' || (source === 'bound' && lasts === 'filling'))),
  load: () => 1,
  seconds: ({ lasts }) => secondsOf[lasts as keyof typeof secondsOf] + warmUpOf[lasts as keyof typeof warmUpOf] + 1,
  sysctls: ({ twReuse, lasts }) => ({
    'net.ipv4.ip_local_port_range': `${first} ${first + portsOf[lasts as keyof typeof portsOf] - 1}`,
    'net.ipv4.tcp_tw_reuse': twReuse,
  }),
  measures: {
    ceiling: kind.count({ text: 'ports, for each address of the server that they can be used with again' }),
    finished: kind.count({ compare: 'measurement', text: 'connections, warm-up included' }),
    refused: {
      ...kind.words('EADDRNOTAVAIL', 'EADDRINUSE'),
      text: 'what connect(2) or bind(2) answered when none was free',
    },
    refusals: kind.count({ compare: 'measurement', text: 'how often, each tried again after 10 ms' }),
    'rate.perSecond': kind.count({
      compare: 'measurement',
      text: 'connections that were over for the client, a second of the window',
    }),
    predicted: kind.count({ compare: 'measurement', text: 'ports a second that TIME-WAIT of 60 s gives back' }),
    emptyUs: kind.us({ text: 'the median latency in the first tenth of a second of the window' }),
    fullUs: kind.us({
      text: 'the median of the last tenth of a second in which a connection was made',
    }),
    'timeWait.peak': kind.count({ compare: 'measurement', text: 'most TIME-WAITs at once in the window' }),
    recycled: kind.count({
      compare: 'measurement',
      text: 'TIME-WAITs whose four numbers a new connection took: TWRecycled, TCP TW reuse',
    }),
  },
  shows: ['refused', 'finished', 'ceiling', 'rate.perSecond', 'predicted', 'refusals', 'timeWait.peak'],

  async scenario({ load, note }, { source, addresses, lasts }) {
    const done = await load({
      closer: 'client',
      by: 'destroy',
      inFlight: 32,
      requestBytes: 1,
      responseBytes: 1,
      seconds: secondsOf[lasts],
      warmUpSeconds: warmUpOf[lasts],
      servers: 1,
      addresses,
      source,
    });
    const range = portsOf[lasts];
    const ceiling = source === 'bound' ? range : range * addresses;
    note('ceiling', ceiling);
    note('predicted', ceiling / timeWaitSeconds);
    note('finished', done.before + done.finished);
    note('rate.perSecond', done.perSecond);
    note('refused', Object.keys(done.failed).toSorted() as ('EADDRNOTAVAIL' | 'EADDRINUSE')[]);
    note(
      'refusals',
      Object.values(done.failed).reduce((total, count) => total + count, 0),
    );
    const made = done.intervals.filter(({ perSecond }) => perSecond > 0);
    note('emptyUs', made[0]?.p50Us ?? 0);
    note('fullUs', made.at(-1)?.p50Us ?? 0);
    note('timeWait.peak', Math.max(0, ...done.timeWait.map(({ count }) => count)));
    note('recycled', done.counters['TcpExt.TWRecycled'] ?? 0);
  },

  claims: [
    {
      id: 'as-many-as-ports',
      text: 'without reuse there are as many connections as ports for each address of the server, and then none: TIME-WAIT keeps them for 60 s',
      source: '__inet_check_established() in net/ipv4/inet_hashtables.c; tcp_twsk_unique()',
      when: ({ twReuse, lasts, source }) => twReuse === 0 && lasts === 'short' && source !== 'bound',
      holds: (facts) => facts.finished === facts.ceiling && facts.refused.join() === 'EADDRNOTAVAIL',
    },
    {
      id: 'bound-first-has-fewer',
      text: 'a port that bind(2) chose is of no use with another address: the ceiling is the range, however many servers there are',
      source: 'inet_csk_get_port() in net/ipv4/inet_connection_sock.c; ip(7), IP_BIND_ADDRESS_NO_PORT',
      when: ({ twReuse, lasts, source }) => twReuse === 0 && lasts === 'short' && source === 'bound',
      holds: (facts) => facts.finished <= facts.ceiling && facts.refused.length > 0,
    },
    {
      id: 'rate-of-the-range',
      text: 'in the long run there are as many connections a second as ports for each address, by 60 s',
      source:
        'TCP_TIMEWAIT_LEN. Tolerance: 10 %: each port was taken once before the window, and the timer wheel gives it back up to 2 s late',
      when: ({ lasts }) => lasts === 'long',
      holds: (facts) => Math.abs(facts['rate.perSecond'] / facts.predicted - 1) <= 0.1,
    },
    {
      id: 'reuse-goes-on',
      text: 'with tcp_tw_reuse 1 a client goes on: a TIME-WAIT that is older than a second gives its port',
      source: 'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: ts_recent_stamp',
      when: ({ twReuse, lasts, source }) => twReuse === 1 && lasts === 'short' && source !== 'bound',
      holds: (facts) => facts.finished > facts.ceiling,
    },
  ],

  answer(outcomes) {
    const plain = outcomes.filter(({ cell }) => cell.twReuse === 0 && cell.lasts === 'short');
    const at = (source: string, addresses: number) =>
      plain
        .filter(({ cell }) => cell.source === source && cell.addresses === addresses)
        .map(({ facts }) => facts.finished)[0];
    const long = outcomes.find(({ cell }) => cell.lasts === 'long');
    const filling = outcomes.find(({ cell }) => cell.lasts === 'filling' && cell.source === 'unbound');
    const reuse = outcomes.find(
      ({ cell }) => cell.twReuse === 1 && cell.lasts === 'short' && cell.source === 'unbound' && cell.addresses === 1,
    );
    const [one, four, bound] = [at('unbound', 1), at('unbound', 4), at('bound', 4)];
    return sentence(
      one !== undefined &&
        `of ${portsOf.short} ports a client that closes first had ${one} connections to one address, and then none for 60 s`,
      four !== undefined && `to four addresses ${four}`,
      bound !== undefined && `where its own address was bound first, ${bound} to the four together`,
      reuse && `with tcp_tw_reuse 1 it had ${reuse.facts.finished} in ${secondsOf.short} s`,
      filling &&
        `the median connection took ${Math.round(filling.facts.emptyUs)} µs while the range of ${portsOf.filling} was empty, ${Math.round(filling.facts.fullUs)} µs in the last tenth of a second before none was free`,
      long &&
        `in ${secondsOf.long} s ${portsOf.long} ports gave ${long.facts['rate.perSecond'].toFixed(1)} connections a second, where ${long.facts.predicted.toFixed(1)} are predicted`,
    );
  },
});
