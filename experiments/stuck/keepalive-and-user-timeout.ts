import { any, errnos, experiment, finding, is, kind, range, share } from 'lingerlab';
import { isProbedInTime, keepAlive } from './shared/keepalive.ts';
import { early, onewayMs } from './shared/timers.ts';

const keepalive = { TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 3 } as const;

/**
 * Probes that a dead path sees, from when the first left, in seconds from the last segment that was received; then one each interval.
 * Without TCP_USER_TIMEOUT so many as TCP_KEEPCNT says; with it until a timer expires after that time, and one at least.
 */
const probesOf = (timeoutMs: number, first: number): number =>
  timeoutMs === 0
    ? keepalive.TCP_KEEPCNT
    : Math.max(1, Math.ceil((timeoutMs / 1000 - first) / keepalive.TCP_KEEPINTVL));

/** Whether so many were sent. The wire can have seen the first too late. */
const isAsRuled = (probedAt: readonly number[], timeoutMs: number): boolean => {
  const [first = Number.NaN] = probedAt;
  return [first, first - early].some((at) => probedAt.length === probesOf(timeoutMs, at));
};

export default experiment({
  id: 'keepalive-and-user-timeout',
  question: 'An idle connection has keepalive and TCP_USER_TIMEOUT: which of them ends it, and when?',
  tags: [
    'keepalive',
    'SO_KEEPALIVE',
    'TCP_USER_TIMEOUT',
    'TCP_KEEPCNT',
    'TCP_KEEPIDLE',
    'TCP_KEEPINTVL',
    'ETIMEDOUT',
    'dead peer',
  ],
  symptoms: [
    'TCP_USER_TIMEOUT and keepalive together',
    'TCP_KEEPCNT is ignored',
    'how fast is a dead peer detected',
    'keepalive probes and user timeout',
  ],
  factors: { timeoutMs: [0, 500, 2500, 5500] },
  words: {
    timeoutMs: {
      text: `TCP_USER_TIMEOUT, beside TCP_KEEPIDLE ${keepalive.TCP_KEEPIDLE} s, TCP_KEEPINTVL ${keepalive.TCP_KEEPINTVL} s, TCP_KEEPCNT ${keepalive.TCP_KEEPCNT}`,
      values: {
        0: '0: off, the default',
        500: '0.5 s: shorter than the idle time',
        2500: '2.5 s: between the second and the third probe',
        5500: '5.5 s: longer than keepalive alone takes',
      },
    },
  },
  network: 'wire',
  seconds: ({ timeoutMs }) =>
    keepalive.TCP_KEEPIDLE + probesOf(timeoutMs, keepalive.TCP_KEEPIDLE) * keepalive.TCP_KEEPINTVL + 0.5,
  measures: {
    keptWithin: kind.seconds({
      text: 'time from before connect(2) until SO_KEEPALIVE was set: at least the time since the client last received a segment',
    }),
  },
  shows: [
    'client.gaveUpAfter',
    'client.probedAt',
    'client.errors',
    'client.closedWith',
    'counters.client.TcpExt.TCPAbortOnTimeout',
  ],

  async scenario({ client, server, wire, until, note }, { timeoutMs }) {
    const path = await wire.delay(any, onewayMs);
    const listener = await server.listen();
    const began = performance.now();
    const [near] = await client.connect(listener);
    if (timeoutMs > 0) await near.set('TCP_USER_TIMEOUT', timeoutMs);
    await path.lift();
    await wire.blackhole(any);
    // not earlier: a probe that the working path answers would restart the timer
    await keepAlive(near, keepalive);
    note('keptWithin', (performance.now() - began) / 1000);
    await until(near, 'CLOSED');
  },

  claims: [
    {
      id: 'count-without-timeout',
      text: `without TCP_USER_TIMEOUT, the connection ends after TCP_KEEPCNT probes, here ${keepalive.TCP_KEEPCNT}`,
      source: 'tcp_keepalive_timer() in net/ipv4/tcp_timer.c: keepalive_probes(); tcp(7), TCP_KEEPCNT',
      when: ({ timeoutMs }) => timeoutMs === 0,
      holds: (facts) => isAsRuled(facts['client.probedAt'], 0),
    },
    {
      id: 'timeout-replaces-the-count',
      text: 'with TCP_USER_TIMEOUT, the kernel ignores TCP_KEEPCNT: the connection ends at the first keepalive timer that expires after TCP_USER_TIMEOUT, after more probes than TCP_KEEPCNT, or fewer',
      source:
        'tcp_keepalive_timer() in net/ipv4/tcp_timer.c: icsk_user_timeout; tcp(7), TCP_USER_TIMEOUT: "will override keepalive". The expected number of probes is computed from the time of the first probe; tolerance: 100 ms by which the wire can have seen that probe late',
      when: ({ timeoutMs }) => timeoutMs > keepalive.TCP_KEEPIDLE * 1000,
      holds: (facts, { timeoutMs }) => isAsRuled(facts['client.probedAt'], timeoutMs),
    },
    {
      id: 'one-probe-at-least',
      text: 'with TCP_USER_TIMEOUT shorter than TCP_KEEPIDLE, the connection still lasts for TCP_KEEPIDLE and one probe',
      source: 'tcp_keepalive_timer() in net/ipv4/tcp_timer.c: icsk_probes_out > 0',
      when: ({ timeoutMs }) => timeoutMs > 0 && timeoutMs < keepalive.TCP_KEEPIDLE * 1000,
      holds: (facts) => facts['client.probedAt'].length === 1,
    },
    {
      id: 'each-interval',
      text: 'the first probe leaves after TCP_KEEPIDLE; each further probe, and the end, follows after TCP_KEEPINTVL, whatever TCP_USER_TIMEOUT is',
      source:
        'keepalive_time_when(), keepalive_intvl_when() in include/net/tcp.h. Tolerance for each timer: late by the timer wheel and 300 ms of a busy machine, early by 100 ms that the wire can be late',
      holds: (facts) =>
        isProbedInTime(
          {
            probedAt: facts['client.probedAt'],
            gaveUpAfter: facts['client.gaveUpAfter'],
            keptWithin: facts.keptWithin,
          },
          keepalive,
        ),
    },
    {
      id: 'times-out-with-a-reset',
      text: 'at the end the client sends a RST, and the application reads ETIMEDOUT',
      source: 'tcp_keepalive_timer(): tcp_send_active_reset(), tcp_write_err() in net/ipv4/tcp_timer.c',
      holds: (facts) =>
        is(errnos(facts['client.errors']), 'ETIMEDOUT') &&
        is(facts['client.closedWith'], 'RST') &&
        facts['counters.client.TcpExt.TCPAbortOnTimeout'] === 1,
    },
  ],

  guide: [
    {
      about: { TCP_USER_TIMEOUT: 'measured', keepalive: 'risks' },
      claim: 'timeout-replaces-the-count',
      text: 'With TCP_USER_TIMEOUT, the kernel ignores TCP_KEEPCNT: the first keepalive timer after TCP_USER_TIMEOUT ends the connection.',
    },
    {
      about: { TCP_USER_TIMEOUT: 'measured' },
      claim: 'one-probe-at-least',
      text: 'With TCP_USER_TIMEOUT shorter than TCP_KEEPIDLE, the connection still lasts for TCP_KEEPIDLE and one probe.',
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const probes = ({ facts }: Outcome) => facts['client.probedAt'].length;
    const after = ({ facts }: Outcome) => facts['client.gaveUpAfter'];
    const ruled = (of: readonly Outcome[]) =>
      of.filter(({ cell, facts }) => isAsRuled(facts['client.probedAt'], cell.timeoutMs));
    const plain = outcomes.filter(({ cell }) => cell.timeoutMs === 0);
    const limited = outcomes.filter(({ cell }) => cell.timeoutMs > 0);
    const early = limited.filter(({ cell }) => cell.timeoutMs < keepalive.TCP_KEEPIDLE * 1000);
    const between = limited.filter((each) => !early.includes(each) && each.cell.timeoutMs < 4000);
    const late = limited.filter(({ cell }) => cell.timeoutMs > 4000);
    const others = limited.filter((each) => probes(each) !== keepalive.TCP_KEEPCNT);
    const timedOut = outcomes.filter(({ facts }) => is(errnos(facts['client.errors']), 'ETIMEDOUT'));
    const { TCP_KEEPCNT: count } = keepalive;
    const timeoutOf = (of: readonly Outcome[]) =>
      `With TCP_USER_TIMEOUT ${range(of, ({ cell }) => cell.timeoutMs / 1000, { digits: 1, unit: 's' })}`;
    const probesIn = (of: readonly Outcome[]) =>
      `${range(of, probes)} ${of.every((each) => probes(each) === 1) ? 'probe' : 'probes'}`;
    const ends = (of: readonly Outcome[], which: () => string, how: string) =>
      of.length > 0 &&
      finding(
        range(of, after, { digits: 1, unit: 's' }),
        `${which()}, the connection ends after ${probesIn(of)} without an answer${how}.`,
      );
    return {
      headline:
        limited.length > 0
          ? ruled(limited).length === limited.length && others.length > 0
            ? 'TCP_USER_TIMEOUT replaces TCP_KEEPCNT as the limit of keepalive.'
            : `TCP_USER_TIMEOUT decides how many keepalive probes are sent in ${share(ruled(limited), limited)} cases.`
          : plain.length > 0 &&
            (ruled(plain).length === plain.length
              ? 'Keepalive alone ends an idle connection after TCP_KEEPCNT probes.'
              : 'Keepalive alone does not send TCP_KEEPCNT probes.'),
      findings: [
        ends(plain, () => 'With keepalive alone', `: TCP_KEEPCNT is ${count}`),
        ends(late, () => timeoutOf(late), `, although TCP_KEEPCNT is ${count}`),
        ends(between, () => timeoutOf(between), `, although TCP_KEEPCNT is ${count}`),
        ends(early, () => `${timeoutOf(early)}, shorter than TCP_KEEPIDLE`, ': the kernel always sends one probe'),
        finding(share(timedOut, outcomes), 'At the end, the client sends a RST, and its application reads ETIMEDOUT.'),
      ],
    };
  },
});
