import { finding, is, kind, loadExperiment, median, range, share } from 'lingerlab';

/** Ports of the client: few, which run out in a fraction of a second; the kernel's own range; very few, for a cell of more than a minute. */
const portsOf = { short: 1000, filling: 28_232, long: 500 } as const;
const first = 32_768;
/** Seconds before the window; in a long cell each port is taken once in that time. */
const warmUpOf = { short: 0.1, filling: 0.1, long: 2 } as const;
/** TCP_TIMEWAIT_LEN, include/net/tcp.h. */
const timeWaitSeconds = 60;
/** Length of an interval of the series, in seconds. */
const tenth = 0.1;
/** At 24,000 connections per second the half of the kernel's own range that connect(2) takes first lasts 0.6 s. */
const secondsOf = { short: 1.6, filling: 3, long: timeWaitSeconds + 8 } as const;

/** How many ports of the kernel's own range are taken first. */
const firstTaken = (source: string): number => portsOf.filling / (source === 'bound' ? 4 : 2);

export default loadExperiment({
  id: 'load-ports',
  question: 'When does a client run out of ports, and what changes that?',
  tags: [
    'ephemeral port',
    'port exhaustion',
    'EADDRNOTAVAIL',
    'tcp_tw_reuse',
    'ip_local_port_range',
    'IP_BIND_ADDRESS_NO_PORT',
    'TIME-WAIT',
  ],
  symptoms: [
    'port exhaustion',
    'EADDRNOTAVAIL: cannot assign requested address',
    'out of ports',
    'client runs out of source ports',
    'connect slows down with many TIME_WAIT',
    'thousands of TIME_WAIT on the client',
  ],
  whenNamed: true,
  factors: {
    source: ['unbound', 'bound', 'bound-late'],
    twReuse: [0, 1],
    addresses: [1, 4],
    lasts: ['short', 'filling', 'long'],
  },
  words: {
    source: {
      text: "which call chooses the client's port",
      values: {
        unbound: 'connect(2)',
        bound: 'bind(2), before connect(2)',
        'bound-late': 'connect(2), after bind(2) with IP_BIND_ADDRESS_NO_PORT',
      },
    },
    twReuse: {
      text: 'net.ipv4.tcp_tw_reuse',
      values: { 0: 'off', 1: 'on: connect(2) may take the port of a TIME-WAIT' },
    },
    addresses: {
      text: 'addresses of the server, taken in turn',
      values: { 1: 'one', 4: 'four' },
    },
    lasts: {
      text: 'ports and duration',
      values: {
        short: `${portsOf.short} ports, ${secondsOf.short} s`,
        filling: `${portsOf.filling.toLocaleString('en')} ports, the kernel's own range, ${secondsOf.filling} s`,
        long: `${portsOf.long} ports, ${secondsOf.long} s: longer than TIME-WAIT`,
      },
    },
  },
  only: ({ lasts, twReuse, addresses, source }) =>
    lasts === 'short' ||
    (twReuse === 0 && addresses === 1 && (source === 'unbound' || (source === 'bound' && lasts === 'filling'))),
  load: { repeats: 1 },
  seconds: ({ lasts }) => secondsOf[lasts as keyof typeof secondsOf] + warmUpOf[lasts as keyof typeof warmUpOf] + 0.1,
  sysctls: ({ twReuse, lasts }) => ({
    'net.ipv4.ip_local_port_range': `${first} ${first + portsOf[lasts as keyof typeof portsOf] - 1}`,
    'net.ipv4.tcp_tw_reuse': twReuse,
  }),
  measures: {
    ceiling: kind.count({ text: 'ports, times the addresses of the server that each port can be used with' }),
    predicted: kind.count({ compare: 'measurement', text: 'ports per second that a TIME-WAIT of 60 s gives back' }),
    emptyUs: kind.us({ text: 'median latency of the first tenth of a second' }),
    slowsAt: kind.count({
      compare: 'measurement',
      text: 'connections made before the median latency was ten times that of the first ones: the search for a free port takes long',
    }),
    slowUs: kind.us({ text: 'median latency after that' }),
    sustained: kind.count({
      compare: 'measurement',
      text: 'connections per second that the ports allow: each port once in backAfter',
    }),
    backAfter: kind.seconds({
      text: 'from the beginning of the warm-up, in which all ports are taken, until the next connection is made',
    }),
  },
  shows: [
    'load.finished',
    'ceiling',
    'load.errors',
    'load.failed',
    'rate.perSecond',
    'emptyUs',
    'slowsAt',
    'slowUs',
    'timeWait.peak',
  ],

  async scenario({ load, note }, { source, addresses, lasts }) {
    const done = await load({ seconds: secondsOf[lasts], warmUpSeconds: warmUpOf[lasts], addresses, source });
    const range = portsOf[lasts];
    const ceiling = source === 'bound' ? range : range * addresses;
    note('ceiling', ceiling);
    note('predicted', ceiling / timeWaitSeconds);
    if (lasts === 'long') {
      const back = done.intervals.findIndex(({ perSecond }) => perSecond > 0);
      if (back < 0) return;
      const backAfter = warmUpOf.long + back * tenth;
      note('backAfter', backAfter);
      note('sustained', ceiling / backAfter);
    }
    if (lasts !== 'filling') return;
    const emptyUs = done.intervals[0]?.p50Us ?? 0;
    const slow = done.intervals.findIndex(({ p50Us }) => p50Us > 10 * emptyUs);
    const fast = slow < 0 ? done.intervals : done.intervals.slice(0, slow);
    const made = fast.reduce((total, { perSecond }) => total + perSecond * tenth, done.before);
    note('emptyUs', emptyUs);
    // a slow machine has not taken these ports: nothing follows from that
    if (slow < 0 && made < firstTaken(source)) return;
    note('slowsAt', Math.round(made));
    const latencies = done.intervals.slice(fast.length).map(({ p50Us }) => p50Us);
    if (slow >= 0) note('slowUs', median(latencies));
  },

  claims: [
    {
      id: 'as-many-as-ports',
      text: `with tcp_tw_reuse 0 a client that closes first makes one connection per port and server address, then none in ${secondsOf.short} s: TIME-WAIT keeps the ports`,
      source: '__inet_check_established() in net/ipv4/inet_hashtables.c; tcp_twsk_unique()',
      when: ({ twReuse, lasts, source }) => twReuse === 0 && lasts === 'short' && source !== 'bound',
      holds: (facts) => facts['load.finished'] === facts.ceiling && is(facts['load.errors'], 'EADDRNOTAVAIL'),
    },
    {
      id: 'bound-first-has-fewer',
      text: 'a port that bind(2) chose serves one connection only: with one server address and with four there are as many connections as ports',
      source: 'inet_csk_get_port() in net/ipv4/inet_connection_sock.c; ip(7), IP_BIND_ADDRESS_NO_PORT',
      when: ({ twReuse, lasts, source }) => twReuse === 0 && lasts === 'short' && source === 'bound',
      holds: (facts) => facts['load.finished'] === facts.ceiling && is(facts['load.errors'], 'EADDRINUSE'),
    },
    {
      id: 'slow-before-full',
      text: 'connect(2) takes every second port first, bind(2) every second port of the lower half; once these are taken each call searches all of them, and is slow',
      source:
        '__inet_hash_connect() in net/ipv4/inet_hashtables.c; inet_csk_find_open_port() in net/ipv4/inet_connection_sock.c: attempt_half, for a socket with SO_REUSEADDR, which net sets where it binds. Tolerance: 10 % more, since a tenth of a second is counted whole; less by what a tenth of a second at 25,000 a second is of it',
      when: ({ lasts }) => lasts === 'filling',
      holds: (facts, { source }) =>
        facts.slowsAt <= 1.1 * firstTaken(source) && facts.slowsAt >= firstTaken(source) - 2500,
    },
    {
      id: 'back-after-60-s',
      text: 'with tcp_tw_reuse 0, ports that were all taken at once are free again a minute later, and not before',
      source:
        'TCP_TIMEWAIT_LEN. Tolerance: a tenth of a second before, since it is counted in tenths, with what the processes need to begin; after it a slot of the timer wheel, an eighth of the time at most, kernel/time/timer.c',
      when: ({ lasts }) => lasts === 'long',
      holds: ({ backAfter }) => backAfter >= timeWaitSeconds - 2 * tenth && backAfter <= timeWaitSeconds * (1 + 1 / 8),
    },
    {
      id: 'reuse-goes-on',
      text: 'with tcp_tw_reuse 1 a client whose ports connect(2) chooses makes more connections than it has ports: connect(2) takes the port of a TIME-WAIT older than a second',
      source: 'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: ts_recent_stamp',
      when: ({ twReuse, lasts, source }) => twReuse === 1 && lasts === 'short' && source !== 'bound',
      holds: (facts) => facts['load.finished'] > facts.ceiling,
    },
  ],

  guide: [
    {
      about: { ip_local_port_range: 'measured', 'EADDRNOTAVAIL on connect': 'look at' },
      claim: 'as-many-as-ports',
      text: 'Under load with tcp_tw_reuse 0, a client that closes first makes one connection per port and server address, then none: EADDRNOTAVAIL.',
    },
    {
      about: { ip_local_port_range: 'costs', 'EADDRNOTAVAIL on connect': 'look at' },
      claim: 'back-after-60-s',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.backAfter, { digits: 1, unit: 's' }),
      text: 'Ports that were all taken at once are free again after {number}: the ports divided by this are the connections per second.',
    },
    {
      about: { tcp_tw_reuse: 'measured', 'EADDRNOTAVAIL on connect': 'helps' },
      claim: 'reuse-goes-on',
      text: 'Under load with tcp_tw_reuse 1, a client whose ports connect(2) chooses makes more connections than it has ports.',
    },
    {
      about: { IP_BIND_ADDRESS_NO_PORT: 'measured' },
      claim: 'bound-first-has-fewer',
      text: 'Under load, a port that bind(2) chose serves one connection only, with one server address and with four.',
    },
    {
      about: { 'slow connect(2)': 'look at', ip_local_port_range: 'costs' },
      claim: 'slow-before-full',
      when: ({ source }) => source === 'unbound',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.slowUs / facts.emptyUs, { unit: '×' }),
      text: 'Once the ports that connect(2) takes first are taken, half of the range, each connection takes {number} as long.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const finished = ({ facts }: Outcomes[number]) => facts['load.finished'];
    const of = (lasts: Outcomes[number]['cell']['lasts'], isBound: boolean) =>
      outcomes.filter(({ cell }) => cell.lasts === lasts && (cell.source === 'bound') === isBound);
    const [chosen, bound] = [of('short', false), of('short', true)];
    const kept = chosen.filter(({ cell }) => cell.twReuse === 0);
    const full = kept.filter(
      (outcome) => finished(outcome) === outcome.facts.ceiling && is(outcome.facts['load.errors'], 'EADDRNOTAVAIL'),
    );
    const reuse = chosen.filter(({ cell }) => cell.twReuse === 1);
    const more = reuse.filter((outcome) => finished(outcome) > outcome.facts.ceiling);
    const once = bound.filter((outcome) => finished(outcome) === portsOf.short);
    const long = of('long', false);
    const slow = of('filling', false).filter(({ facts }) => 'slowUs' in facts);
    return {
      headline:
        kept.length > 0 &&
        (full.length === kept.length
          ? 'A client that closes first uses each port once per server, without tcp_tw_reuse.'
          : `A client that closes first uses each port exactly once in ${share(full, kept)} cells only.`),
      findings: [
        finding(
          share(full, kept),
          'With tcp_tw_reuse 0 each port serves one connection per server address; then connect(2) fails with EADDRNOTAVAIL.',
        ),
        finding(
          share(more, reuse),
          'tcp_tw_reuse 1 gives more connections than ports: connect(2) takes the port of a TIME-WAIT older than a second.',
        ),
        finding(
          share(once, bound),
          'Where bind(2) chooses the port, each serves one connection, whatever tcp_tw_reuse is and to however many addresses.',
        ),
        long.length > 0 &&
          finding(
            range(long, ({ facts }) => facts.backAfter, { digits: 1, unit: 's' }),
            `Ports that are all taken at once are free again only after this time: ${portsOf.long} ports allow ${range(
              long.map(({ facts }) => facts.sustained),
              { digits: 1 },
            )} connections per second.`,
          ),
        slow.length > 0 &&
          finding(
            range(slow, ({ facts }) => facts.slowUs / facts.emptyUs, { unit: '×' }),
            'The median latency grows by this factor once half of the ports are taken: each connect(2) searches all of that half first.',
          ),
      ],
    };
  },
});
