import { any, errnos, experiment, finding, is, kind, range, share } from 'lingerlab';
import { isProbedInTime, keepAlive } from './shared/keepalive.ts';
import { onewayMs } from './shared/timers.ts';

const keepalive = { TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 2 } as const;
/** How long the path stays dead while no end sends. */
const idleSeconds = 4;

export default experiment({
  id: 'idle-behind-a-firewall',
  question: 'Does either end of an idle connection notice that the path is dead?',
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
  words: {
    limit: {
      text: 'what the client has set',
      values: {
        default: 'nothing: keepalive is off',
        keepalive: `SO_KEEPALIVE with TCP_KEEPIDLE ${keepalive.TCP_KEEPIDLE} s, TCP_KEEPINTVL ${keepalive.TCP_KEEPINTVL} s, TCP_KEEPCNT ${keepalive.TCP_KEEPCNT}`,
      },
    },
  },
  network: 'wire',
  seconds: ({ limit }) => (limit === 'default' ? 5 : 3.5),
  measures: {
    given: kind.outcome({ text: 'limit of how long the client waits, read back from the kernel' }),
    rto: kind.ms({ text: 'retransmission timeout of the client before the path went dead, by TCP_INFO' }),
    rtt: kind.ms({ text: 'smoothed round trip of the client before the path went dead, by TCP_INFO' }),
    keptWithin: kind.seconds({
      text: 'time from before connect(2) until SO_KEEPALIVE was set: at least the time since the client last received a segment',
    }),
    after: {
      ...kind.word('is heard', 'is gone'),
      text: 'result of a byte that the server sends when the path works again: is heard (the client reads it), or is gone (a RST answers)',
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
      // not earlier: a probe that the working path answers would restart the timer
      await keepAlive(near, keepalive);
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
      text: 'keepalive ends an idle connection on a dead path: TCP_KEEPCNT probes, the first after TCP_KEEPIDLE, the others after TCP_KEEPINTVL each, then a RST; a second RST answers what the other end sends later',
      source:
        'RFC 9293 §3.8.4; tcp_set_keepalive() and tcp_keepalive_timer() in net/ipv4/tcp_timer.c, keepalive_time_elapsed() in include/net/tcp.h; tolerance for each timer: late by the timer wheel and 300 ms of a busy machine, early by 100 ms that the wire can be late',
      when: ({ limit }) => limit === 'keepalive',
      holds: (facts) =>
        facts['client.probedAt'].length === keepalive.TCP_KEEPCNT &&
        isProbedInTime(
          {
            probedAt: facts['client.probedAt'],
            gaveUpAfter: facts['client.gaveUpAfter'],
            keptWithin: facts.keptWithin,
          },
          keepalive,
        ) &&
        is(facts['client.closedWith'], 'RST', 'RST'),
    },
    {
      id: 'each-hears-in-its-turn',
      text: 'the application that set keepalive reads ETIMEDOUT; the other end still has the connection, and reads ECONNRESET when it sends data',
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
      text: `an idle connection without keepalive sends nothing in ${idleSeconds} s on a dead path, and goes on when the path works again`,
      source: 'RFC 9293 §3.8.4: keepalives are off by default',
      when: ({ limit }) => limit === 'default',
      holds: (facts) =>
        facts['client.resentAt'].length === 0 &&
        facts['client.path'].at(-1) === 'ESTABLISHED' &&
        facts.after === 'is heard' &&
        !('client.probedAt' in facts),
    },
  ],

  guide: [
    {
      about: { keepalive: 'measured' },
      claim: 'keepalive',
      text: 'Keepalive ends an idle connection on a dead path: TCP_KEEPCNT probes, the first after TCP_KEEPIDLE, the others each TCP_KEEPINTVL.',
    },
    {
      about: { keepalive: 'measured' },
      claim: 'idle-knows-nothing',
      text: 'Without keepalive, an idle connection sends nothing on a path that is dead for 4 s, and goes on when the path comes back.',
    },
    {
      about: { keepalive: 'risks' },
      claim: 'each-hears-in-its-turn',
      text: 'The application that set keepalive reads ETIMEDOUT; the other end keeps the connection, and reads ECONNRESET when it sends data.',
    },
  ],

  answer(outcomes) {
    const of = (limit: string) => outcomes.filter(({ cell }) => cell.limit === limit);
    const [silent, kept] = [of('default'), of('keepalive')];
    const heard = silent.filter(({ facts }) => facts.after === 'is heard');
    const ended = kept.filter(({ facts }) => errnos(facts['client.errors']).includes('ETIMEDOUT'));
    const later = kept.filter(({ facts }) => errnos(facts['server.errors']).includes('ECONNRESET'));
    const lasted = range(ended, ({ facts }) => facts['client.gaveUpAfter'], { digits: 1, unit: 's' });
    const isNoticed = kept.length > 0 && ended.length === kept.length;
    return {
      headline:
        silent.length > 0 && heard.length < silent.length
          ? 'An idle connection can fail on a dead path even without keepalive.'
          : kept.length > 0 && !isNoticed
            ? 'Keepalive does not always end an idle connection on a dead path.'
            : silent.length > 0
              ? `${isNoticed ? 'Without keepalive, an' : 'An'} idle connection survives a dead path of ${idleSeconds} s.`
              : isNoticed && 'Keepalive ends an idle connection on a dead path with ETIMEDOUT.',
      findings: [
        ended.length > 0 &&
          finding(
            lasted,
            `Keepalive ends the connection with ETIMEDOUT: TCP_KEEPIDLE ${keepalive.TCP_KEEPIDLE} s, then ${keepalive.TCP_KEEPCNT} probes without an answer, TCP_KEEPINTVL ${keepalive.TCP_KEEPINTVL} s each.`,
          ),
        finding(
          share(heard, silent),
          `Without keepalive, neither end notices a dead path of ${idleSeconds} s: a later byte reaches the client.`,
        ),
        finding(
          share(later, kept),
          'After keepalive has ended the connection at one end, the other end still has the connection, and reads ECONNRESET when it sends data.',
        ),
      ],
    };
  },
});
