import { is, kind, loadExperiment, median, sentence } from 'lingerlab';

/** The client's: few, so that none is left in a fraction of a second; the kernel's own range; very few, for a long time. */
const portsOf = { short: 1000, filling: 28_232, long: 500 } as const;
const first = 32_768;
/** Of a long cell until every port has been taken once. */
const warmUpOf = { short: 0.1, filling: 0.1, long: 2 } as const;
/** TCP_TIMEWAIT_LEN, include/net/tcp.h. */
const timeWaitSeconds = 60;
/** Seconds of an interval of the series. */
const tenth = 0.1;
/** Of the kernel's own range, the half that is gone through first lasts 0.6 s at 24,000 connections a second. */
const secondsOf = { short: 1.6, filling: 3, long: timeWaitSeconds + 8 } as const;

/** Ports of the kernel's own range that are gone through first. */
const firstTaken = (source: string): number => portsOf.filling / (source === 'bound' ? 4 : 2);

export default loadExperiment({
  id: 'load-ports',
  question: 'Where do the ports run out, and what moves that?',
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
    // the client's ports: chosen by connect(2), by bind(2) before it, or by connect(2) though an address is bound
    source: ['unbound', 'bound', 'bound-late'],
    twReuse: [0, 1],
    addresses: [1, 4],
    lasts: ['short', 'filling', 'long'],
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
    ceiling: kind.count({ text: 'ports, for each address of the server that they can be used with again' }),
    predicted: kind.count({ compare: 'measurement', text: 'ports a second that TIME-WAIT of 60 s gives back' }),
    emptyUs: kind.us({ text: 'median latency of the first tenth of a second' }),
    slowsAt: kind.count({
      compare: 'measurement',
      text: 'connections that were made before one took ten times as long as the first ones: the search for a free port is long',
    }),
    slowUs: kind.us({ text: 'median latency from then on' }),
    sustained: kind.count({
      compare: 'measurement',
      text: 'connections a second that the ports then allow: each once in that time',
    }),
    backAfter: kind.seconds({
      text: 'from the beginning of the warm-up, in which all ports are taken, until a connection is made again',
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
    // a machine that has not come so far tells nothing
    if (slow < 0 && made < firstTaken(source)) return;
    note('slowsAt', Math.round(made));
    const latencies = done.intervals.slice(fast.length).map(({ p50Us }) => p50Us);
    if (slow >= 0) note('slowUs', median(latencies));
  },

  claims: [
    {
      id: 'as-many-as-ports',
      text: `with tcp_tw_reuse 0 a client that closes first has as many connections as ports for each address of the server, and then none in ${secondsOf.short} s: TIME-WAIT keeps the ports`,
      source: '__inet_check_established() in net/ipv4/inet_hashtables.c; tcp_twsk_unique()',
      when: ({ twReuse, lasts, source }) => twReuse === 0 && lasts === 'short' && source !== 'bound',
      holds: (facts) => facts['load.finished'] === facts.ceiling && is(facts['load.errors'], 'EADDRNOTAVAIL'),
    },
    {
      id: 'bound-first-has-fewer',
      text: 'a port that bind(2) chose is of no use with another address of the server: with one address and with four there are as many connections as ports',
      source: 'inet_csk_get_port() in net/ipv4/inet_connection_sock.c; ip(7), IP_BIND_ADDRESS_NO_PORT',
      when: ({ twReuse, lasts, source }) => twReuse === 0 && lasts === 'short' && source === 'bound',
      holds: (facts) => facts['load.finished'] === facts.ceiling && is(facts['load.errors'], 'EADDRINUSE'),
    },
    {
      id: 'slow-before-full',
      text: 'connect(2) goes through every other port first, bind(2) through every other one of the lower half: once these are taken each call goes through them all',
      source:
        '__inet_hash_connect() in net/ipv4/inet_hashtables.c; inet_csk_find_open_port() in net/ipv4/inet_connection_sock.c: attempt_half, for a socket with SO_REUSEADDR, which net sets where it binds. Tolerance: 10 % more, since a tenth of a second is counted whole; less by what a tenth of a second at 25,000 a second is of it',
      when: ({ lasts }) => lasts === 'filling',
      holds: (facts, { source }) =>
        facts.slowsAt <= 1.1 * firstTaken(source) && facts.slowsAt >= firstTaken(source) - 2500,
    },
    {
      id: 'back-after-60-s',
      text: 'ports that were all taken at once are there again a minute later, and not before',
      source:
        'TCP_TIMEWAIT_LEN. Tolerance: a tenth of a second before, since it is counted in tenths, with what the processes need to begin; after it a slot of the timer wheel, an eighth of the time at most, kernel/time/timer.c',
      when: ({ lasts }) => lasts === 'long',
      holds: ({ backAfter }) => backAfter >= timeWaitSeconds - 2 * tenth && backAfter <= timeWaitSeconds * (1 + 1 / 8),
    },
    {
      id: 'reuse-goes-on',
      text: 'with tcp_tw_reuse 1 a client whose ports connect(2) chooses has more connections than ports in the same time: a TIME-WAIT that is older than a second gives its port',
      source: 'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: ts_recent_stamp',
      when: ({ twReuse, lasts, source }) => twReuse === 1 && lasts === 'short' && source !== 'bound',
      holds: (facts) => facts['load.finished'] > facts.ceiling,
    },
  ],

  answer(outcomes) {
    const among = (lasts: string, twReuse = 0) =>
      outcomes.filter(({ cell }) => cell.lasts === lasts && cell.twReuse === twReuse);
    const at = (source: string, addresses: number, twReuse = 0) =>
      among('short', twReuse).find(({ cell }) => cell.source === source && cell.addresses === addresses)?.facts[
        'load.finished'
      ];
    const [one, four, bound, reuse] = [at('unbound', 1), at('unbound', 4), at('bound', 4), at('unbound', 1, 1)];
    const [long] = among('long');
    const [filling, boundFilling] = ['unbound', 'bound'].map((source) =>
      among('filling').find(({ cell }) => cell.source === source),
    );
    return sentence(
      one !== undefined &&
        `of ${portsOf.short} ports a client that closes first had ${one} connections to one address, and no more in the ${secondsOf.short} s that it tried`,
      four !== undefined && `to four addresses ${four}`,
      bound !== undefined && `where its own address was bound first, ${bound} to the four together`,
      reuse !== undefined && `with tcp_tw_reuse 1 it had ${reuse} in ${secondsOf.short} s`,
      filling &&
        `of the range of ${portsOf.filling} a connection took ${(filling.facts.emptyUs / 1000).toFixed(1)} ms until ${filling.facts.slowsAt} had been made, and ${(filling.facts.slowUs / 1000).toFixed(0)} ms from then on: every other port had been taken, and each connect(2) went through them all first`,
      boundFilling && `bound first, that came at ${boundFilling.facts.slowsAt}`,
      long &&
        `${portsOf.long} ports, all taken at once, were there again after ${long.facts.backAfter.toFixed(1)} s, so that they allow ${long.facts.sustained.toFixed(1)} connections a second, where ${long.facts.predicted.toFixed(1)} are predicted`,
    );
  },
});
