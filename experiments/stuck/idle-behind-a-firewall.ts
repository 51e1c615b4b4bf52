import { any, errnos, experiment, is, kind, range, sentence, share } from 'lingerlab';
import { lasts, leastOf, mostOf, onewayMs } from './shared/timers.ts';

const keepalive = { TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 2 } as const;
/** How long a path stays dead that nobody asks anything of. */
const idleSeconds = 4;

export default experiment({
  id: 'idle-behind-a-firewall',
  question: 'The path of an idle connection goes dead without a word: does either end find out?',
  tags: [
    'SO_KEEPALIVE',
    'keepalive',
    'TCP_KEEPIDLE',
    'TCP_KEEPINTVL',
    'TCP_KEEPCNT',
    'ETIMEDOUT',
    'half-open connection',
    'dead peer',
    'firewall',
  ],
  symptoms: [
    'dead connection is not detected',
    'server keeps ESTABLISHED after the client is gone',
    'ESTABLISHED forever',
    'peer lost power',
  ],
  factors: { limit: ['default', 'keepalive'] },
  network: 'wire',
  seconds: ({ limit }) => (limit === 'default' ? 5 : 3.5),
  measures: {
    given: kind.outcome({ text: 'what limits how long the client waits, read back from the kernel' }),
    rto: kind.ms({ text: "the client's RTO, by TCP_INFO, before the path went dead" }),
    rtt: kind.ms({ text: 'and its smoothed round trip' }),
    keptWithin: kind.seconds({
      text: 'from before it connected until SO_KEEPALIVE was set: no longer since anything had come to it',
    }),
    after: {
      ...kind.word('is heard', 'is gone'),
      text: 'what became of the server once the path lived again, and it sent a byte',
    },
  },
  shows: [
    'given',
    'client.gaveUpAfter',
    'counters.client.TcpExt.TCPAbortOnTimeout',
    'client.errors',
    'after',
    'client.resentAt',
    'client.probedAt',
  ],

  async scenario({ client, server, wire, until, look, rest, sysctl, note }, { limit }) {
    const path = await wire.delay(any, onewayMs);
    const listener = await server.listen();
    const began = performance.now();
    const [near, far] = await client.connect(listener);
    const { rtoUs, rttUs } = await near.info();
    note('rto', rtoUs / 1000);
    note('rtt', rttUs / 1000);
    await path.lift();
    const dead = await wire.blackhole(any);

    if (limit === 'keepalive') {
      // not before: a probe that the living path answers would begin its time again
      for (const [option, value] of Object.entries(keepalive)) await near.set(option as keyof typeof keepalive, value);
      await near.set('SO_KEEPALIVE', true);
      note('keptWithin', (performance.now() - began) / 1000);
      const [idle, interval] = [await near.get('TCP_KEEPIDLE'), await near.get('TCP_KEEPINTVL')];
      note('given', `keepalive ${idle} s, then ${await near.get('TCP_KEEPCNT')} times ${interval} s`);
      await until(near, 'CLOSED');
    } else {
      note('given', `tcp_retries2 ${sysctl('net.ipv4.tcp_retries2', 'client')?.value ?? 'unknown'}`);
      await rest(idleSeconds);
      await look(near);
    }

    await dead.lift();
    await far.write(1);
    if (limit === 'keepalive') await far.gone();
    else await near.received(1);
    note('after', limit === 'keepalive' ? 'is gone' : 'is heard');
  },

  claims: [
    {
      id: 'keepalive',
      text: 'keepalive ends an idle connection on a dead path: TCP_KEEPIDLE after SO_KEEPALIVE was set, or after anything came later, it sends a probe, then one every TCP_KEEPINTVL up to TCP_KEEPCNT, and after one more a RST; another RST is the answer to what the other end sends later',
      source:
        'RFC 9293 §3.8.4; tcp_set_keepalive() and tcp_keepalive_timer() in net/ipv4/tcp_timer.c, keepalive_time_elapsed() in include/net/tcp.h; tolerance for each timer, from the event that starts it: the wheel, a busy machine, 300 ms late, and 100 ms early where the wire took the one before late',
      when: ({ limit }) => limit === 'keepalive',
      holds: (facts) => {
        const probes = facts['client.probedAt'];
        const [first, ...later] = [...probes, facts['client.gaveUpAfter']];
        const gaps = later.map((at, index) => at - [first, ...later][index]!);
        return (
          probes.length === keepalive.TCP_KEEPCNT &&
          first >= leastOf(keepalive.TCP_KEEPIDLE) &&
          first - facts.keptWithin <= mostOf(keepalive.TCP_KEEPIDLE) &&
          gaps.every((gap) => lasts(gap, keepalive.TCP_KEEPINTVL)) &&
          is(facts['client.closedWith'], 'RST', 'RST')
        );
      },
    },
    {
      id: 'each-hears-in-its-turn',
      text: 'keepalive ends it with ETIMEDOUT for the application that set it; the other end still has the connection, and reads ECONNRESET once it sends something',
      source: 'tcp_write_err() in net/ipv4/tcp_timer.c; RFC 9293 §3.5.1: half-open connections',
      when: ({ limit }) => limit === 'keepalive',
      holds: (facts) =>
        is(errnos(facts['client.errors']), 'ETIMEDOUT') &&
        facts['counters.client.TcpExt.TCPAbortOnTimeout'] === 1 &&
        facts.after === 'is gone' &&
        is(errnos(facts['server.errors']), 'ECONNRESET'),
    },
    {
      id: 'idle-knows-nothing',
      text: `an idle connection without keepalive sends nothing in ${idleSeconds} s on a dead path, and goes on when the path comes back`,
      source: 'RFC 9293 §3.8.4: keepalives are off by default',
      when: ({ limit }) => limit === 'default',
      holds: (facts) =>
        facts['client.resentAt'].length === 0 &&
        facts['client.path'].at(-1) === 'ESTABLISHED' &&
        facts.after === 'is heard' &&
        !('client.probedAt' in facts),
    },
  ],

  answer(outcomes) {
    const of = (limit: string) => outcomes.filter(({ cell }) => cell.limit === limit);
    const [silent, kept] = [of('default'), of('keepalive')];
    const heard = silent.filter(({ facts }) => facts.after === 'is heard');
    const probes = kept.map(({ facts }) => facts['client.probedAt'].length);
    const over = kept.map(({ facts }) => facts['client.gaveUpAfter']);
    return sentence(
      silent.length > 0 &&
        `without keepalive the connection went on after ${idleSeconds} s of a dead path in ${share(heard, silent)}`,
      kept.length > 0 &&
        `with keepalive ${keepalive.TCP_KEEPIDLE} s and ${keepalive.TCP_KEEPCNT} times ${keepalive.TCP_KEEPINTVL} s the client gave up after ` +
          `${range(over, { digits: 1, unit: 's' })} and ${range(probes)} probes`,
    );
  },
});
