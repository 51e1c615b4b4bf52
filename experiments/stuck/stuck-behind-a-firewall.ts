import {
  any,
  type Cell,
  data,
  type Endpoint,
  errnos,
  experiment,
  fin,
  finding,
  is,
  kind,
  type OutcomeOf,
  range,
  type Stage,
  share,
} from 'lingerlab';
import { early, lasts, mostOf, onewayMs } from './shared/timers.ts';

const bytes = 1000;
const userTimeoutMs = 1000;
/** Retransmissions that the scenario waits for with the default limits. */
const followed = 6;

/** Retries that a limit stands for; tcp_orphan_retries 0 stands for 8: tcp_orphan_retries() in net/ipv4/tcp_timer.c. */
const retriesOf = (limit: string): number => (limit === 'default' ? 8 : Number(limit));
/** Seconds that a number of retries stands for, whatever the RTO: tcp_model_timeout() in net/ipv4/tcp_timer.c, TCP_RTO_MIN 200 ms. */
const budgetOf = (retries: number): number => (2 ** (retries + 1) - 1) * 0.2;

const gapsOf = (times: readonly number[]): number[] =>
  [0, ...times].slice(0, -1).map((at, index) => times[index]! - at);

const asked = {
  factors: {
    state: ['FIN-WAIT-1', 'LAST-ACK', 'ESTABLISHED'],
    unacked: ['nothing', 'data'],
    limit: ['default', '1', '3', 'user-timeout'],
  },
  measures: {
    given: kind.outcome({ text: 'limit of the end without an answer, read back from the kernel' }),
    rto: kind.ms({
      text: 'retransmission timeout of the end without an answer before the path went dead, by TCP_INFO',
    }),
    rtt: kind.ms({ text: 'smoothed round trip of the end without an answer before the path went dead, by TCP_INFO' }),
    after: kind.outcome({
      text: 'what the other end finds when the path works again: its own state, the end of the stream, or the result of a byte that it sends: is heard (it is read), or is gone (a RST answers)',
    }),
  },
} as const;
type Asked = Cell<typeof asked.factors>;
type Facts = OutcomeOf<typeof asked>['facts'];
/** The end that gets no answer. */
const closerOf = ({ state }: Asked) => (state === 'LAST-ACK' ? 'server' : 'client');
const resentOf = (facts: Facts, cell: Asked) => facts[`${closerOf(cell)}.resentAt`];
const gaveUpOf = (facts: Facts, cell: Asked) => facts[`${closerOf(cell)}.gaveUpAfter`];
const lastOf = (facts: Facts, cell: Asked) => facts[`${closerOf(cell)}.path`].at(-1);

/** Sets the limit if it is a socket option; returns the option's value or the sysctl's, read back from the kernel. */
async function limited(
  { sysctl }: Stage<readonly [], typeof asked.measures>,
  stuck: Endpoint,
  { state, limit }: Asked,
) {
  if (limit === 'user-timeout') {
    await stuck.set('TCP_USER_TIMEOUT', userTimeoutMs);
    return `TCP_USER_TIMEOUT ${await stuck.get('TCP_USER_TIMEOUT')} ms`;
  }
  const name = state === 'ESTABLISHED' ? 'tcp_retries2' : 'tcp_orphan_retries';
  return `${name} ${sysctl(`net.ipv4.${name}`, stuck.end)?.value ?? 'unknown'}`;
}

export default experiment({
  id: 'stuck-behind-a-firewall',
  question: 'How long does each end send again on a dead path, and what ends the connection?',
  tags: [
    'FIN-WAIT-1',
    'FIN-WAIT-2',
    'LAST-ACK',
    'TCP_USER_TIMEOUT',
    'tcp_retries2',
    'tcp_orphan_retries',
    'retransmission',
    'RTO',
    'ETIMEDOUT',
    'orphan',
    'firewall',
  ],
  symptoms: [
    'stuck in FIN_WAIT_1',
    'connection hangs for 15 minutes',
    'network cable unplugged',
    'firewall drops packets silently',
    'write does not fail though the peer is gone',
  ],
  ...asked,
  words: {
    state: {
      text: 'state of the end without an answer while the path is dead',
      values: {
        'FIN-WAIT-1': 'FIN-WAIT-1: the client has closed first',
        'LAST-ACK': 'LAST-ACK: the server has closed second',
        ESTABLISHED: 'ESTABLISHED: the client has the socket open',
      },
    },
    unacked: {
      text: 'what that end has sent without an acknowledgement, apart from a FIN',
      values: { nothing: 'nothing', data: `${bytes} bytes` },
    },
    limit: {
      text: 'what limits the retransmissions',
      values: {
        default: 'the defaults: tcp_orphan_retries 0 and tcp_retries2 15',
        1: 'tcp_orphan_retries 1 and tcp_retries2 1',
        3: 'tcp_orphan_retries 3 and tcp_retries2 3',
        'user-timeout': `TCP_USER_TIMEOUT ${userTimeoutMs / 1000} s`,
      },
    },
  },
  // idle-behind-a-firewall has the connection with nothing to send again
  only: ({ state, unacked }) => state === 'FIN-WAIT-1' || (state === 'LAST-ACK') === (unacked === 'nothing'),
  network: 'wire',
  sysctls: ({ limit }) => ({
    'net.ipv4.tcp_orphan_retries': Number(limit) || undefined,
    'net.ipv4.tcp_retries2': Number(limit) || undefined,
  }),
  seconds: ({ limit }) => (limit === 'default' ? 8.5 : limit === '3' ? 5 : 2.7),
  roles: { stuck: closerOf },
  shows: [
    'given',
    'stuck.gaveUpAfter',
    'counters.client.TcpExt.TCPAbortOnTimeout',
    'counters.server.TcpExt.TCPAbortOnTimeout',
    'stuck.errors',
    'after',
    'rto',
    'stuck.resentAt',
  ],

  async scenario(stage, cell) {
    const { state, unacked, limit } = cell;
    const { client, server, wire, until, look, note } = stage;
    const path = await wire.delay(any, onewayMs);
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    const [stuck, other] = state === 'LAST-ACK' ? [far, near] : [near, far];
    note('given', await limited(stage, stuck, cell));
    if (state === 'LAST-ACK') {
      await near.close('destroy');
      await until(near, 'FIN-WAIT-2');
      await far.ended();
    }
    const { rtoUs, rttUs } = await stuck.info();
    note('rto', rtoUs / 1000);
    note('rtt', rttUs / 1000);

    await path.lift();
    const dead = await wire.blackhole(any);
    if (state === 'ESTABLISHED') await stuck.write(bytes);
    else await stuck.close('destroy', unacked === 'data' ? { sending: bytes } : {});

    if (limit !== 'default') await until(stuck, 'CLOSED');
    else {
      const sent = state === 'ESTABLISHED' ? data : unacked === 'data' ? data.or(fin) : fin;
      // data and FIN are two segments
      const first = state !== 'ESTABLISHED' && unacked === 'data' ? 2 : 1;
      await wire.seen(sent.from(stuck.end).nth(first + followed - 1));
      await look(stuck);
    }
    await dead.lift();

    if (state === 'LAST-ACK') {
      if (limit === 'default') await until(stuck, 'CLOSED');
      return note('after', `is in ${(await look(other))?.state ?? 'no state'}`);
    }
    if (limit === 'default' && state !== 'ESTABLISHED') {
      const { ok } = await other.ended().answer();
      await until(stuck, 'FIN-WAIT-2', 'CLOSED');
      note('after', ok ? 'reads the end' : 'is reset');
    } else {
      await other.write(1);
      const lives = limit === 'default';
      if (!lives) await other.gone();
      else await Promise.all([stuck.received(1), other.received(bytes)]);
      note('after', lives ? 'is heard' : 'is gone');
    }
  },

  claims: [
    {
      id: 'doubles',
      text: 'on a dead path an end first sends a tail loss probe (its last segment again), after two round trips or an RTO; then it retransmits after an RTO, 2 RTOs, 4 RTOs and so on',
      source:
        'RFC 6298 §5.5; RFC 8985 §7. Tolerance for each: late by the timer wheel, an eighth, and 300 ms of a busy machine; early by 100 ms that the wire can be late',
      holds: (facts, cell) => {
        const rto = facts.rto / 1000;
        const [probe, ...gaps] = gapsOf(resentOf(facts, cell));
        return (
          probe !== undefined &&
          probe <= mostOf(rto) &&
          gaps.length > 0 &&
          gaps.every((gap, index) => lasts(gap, rto * 2 ** index))
        );
      },
    },
    {
      id: 'a-budget-of-time',
      text: 'tcp_orphan_retries and tcp_retries2 of n = 1 and n = 3 set a time, not a count: (2^(n+1)-1) · 200 ms from the first retransmission after an RTO; the end gives up at the first timer that expires later, and a tail loss probe comes in addition',
      source:
        'retransmits_timed_out() and tcp_model_timeout() in net/ipv4/tcp_timer.c. Tolerance for each timer as in the claim doubles',
      when: ({ limit }) => limit === '1' || limit === '3',
      holds: (facts, cell) => {
        const [, first, ...more] = resentOf(facts, cell);
        const last = more.at(-1) ?? first;
        const over = gaveUpOf(facts, cell);
        if (first === undefined || last === undefined) return false;
        const budget = budgetOf(retriesOf(cell.limit));
        const wait = (facts.rto * 2 ** (1 + more.length)) / 1000;
        return last - first < budget + early && over - first >= budget - early && lasts(over - last, wait);
      },
    },
    {
      id: 'more-than-it-says',
      text: 'with tcp_orphan_retries 1 or tcp_retries2 1, an end sends again more than once: a tail loss probe, and at least one retransmission after an RTO',
      source: 'tcp_send_loss_probe() in net/ipv4/tcp_output.c; follows from the claim a-budget-of-time',
      when: ({ limit }) => limit === '1',
      holds: (facts, cell) => resentOf(facts, cell).length > 1,
    },
    {
      id: 'user-timeout',
      text: `with TCP_USER_TIMEOUT ${userTimeoutMs / 1000} s, a connection with unacknowledged data or FIN ends ${userTimeoutMs / 1000} s after the first retransmission by the RTO, also if the application has closed the socket`,
      source:
        'tcp_clamp_rto_to_user_timeout() in net/ipv4/tcp_timer.c; RFC 5482. Tolerance: the timer wheel and a busy machine',
      when: ({ limit }) => limit === 'user-timeout',
      holds: (facts, cell) => {
        const [, first] = resentOf(facts, cell);
        return first !== undefined && lasts(gaveUpOf(facts, cell) - first, userTimeoutMs / 1000);
      },
    },
    {
      id: 'orphans-go-silently',
      text: 'when the kernel gives up on a closed socket, no application reads an error and no RST is sent, except as the answer to what the other end sends later; TCPAbortOnTimeout counts it',
      source: 'tcp_write_err() in net/ipv4/tcp_timer.c',
      when: ({ state, limit }) => state !== 'ESTABLISHED' && limit !== 'default',
      holds: (facts, cell) => {
        const end = closerOf(cell);
        return (
          is(facts[`${end}.closedWith`], 'FIN', ...(cell.state === 'LAST-ACK' ? [] : (['RST'] as const))) &&
          facts[`${end}.errors`].length === 0 &&
          lastOf(facts, cell) === 'CLOSED' &&
          facts[`counters.${end}.TcpExt.TCPAbortOnTimeout`] === 1
        );
      },
    },
    {
      id: 'applications-hear-etimedout',
      text: 'an application that has the socket open reads ETIMEDOUT when its kernel gives up',
      source: 'tcp_write_err() in net/ipv4/tcp_timer.c',
      when: ({ state, limit }) => state === 'ESTABLISHED' && limit !== 'default',
      holds: (facts) =>
        is(errnos(facts['client.errors']), 'ETIMEDOUT') && facts['counters.client.TcpExt.TCPAbortOnTimeout'] === 1,
    },
    {
      id: 'the-other-end-is-not-told',
      text: 'when one end has given up, the other end still has the connection, and reads ECONNRESET when it sends data',
      source: 'RFC 9293 §3.5.1: half-open connections; a RST answers a segment without a connection',
      when: ({ state, limit }) => state !== 'LAST-ACK' && limit !== 'default',
      holds: (facts) => facts.after === 'is gone' && is(errnos(facts['server.errors']), 'ECONNRESET'),
    },
    {
      id: 'neither-end-keeps-time-wait',
      text: 'if the second end gives up in LAST-ACK, the end that closed first stays in FIN-WAIT-2, and no end keeps TIME-WAIT',
      source: 'RFC 9293 §3.6: TIME-WAIT begins with the FIN, which never arrives',
      when: ({ state, limit }) => state === 'LAST-ACK' && limit !== 'default',
      holds: (facts) =>
        facts.after === 'is in FIN-WAIT-2' &&
        facts['timeWait.holder'] === 'none' &&
        facts['server.path'].at(-1) === 'CLOSED',
    },
    {
      id: 'default-outlives-the-gap',
      text: `with the defaults, tcp_orphan_retries 0 and tcp_retries2 15, a connection survives a dead path of ${followed} retransmissions: a closed socket closes in order, and an application reads what was sent`,
      source:
        'tcp_orphan_retries() in net/ipv4/tcp_timer.c: 0 stands for 8, which is 102 s; TCP_RETR2 in include/net/tcp.h: 15, 924 s',
      // data behind the FIN of an end that has closed is reset
      when: ({ state, unacked, limit }) => limit === 'default' && (state !== 'LAST-ACK' || unacked === 'nothing'),
      holds: (facts, cell) => {
        const last = lastOf(facts, cell);
        const resent = resentOf(facts, cell).length >= followed;
        if (cell.state === 'LAST-ACK') return resent && facts.after === 'is in TIME-WAIT' && last === 'CLOSED';
        const sent = cell.unacked === 'data' || cell.state === 'ESTABLISHED' ? bytes : 0;
        const delivered = facts['client.delivered'] === sent;
        if (cell.state === 'ESTABLISHED') return resent && delivered && last === 'ESTABLISHED';
        return resent && delivered && facts.after === 'reads the end' && last === 'FIN-WAIT-2';
      },
    },
  ],

  guide: [
    {
      about: { tcp_retries2: 'measured' },
      claim: 'a-budget-of-time',
      when: ({ state, limit }) => state === 'ESTABLISHED' && limit === '3',
      number: (outcomes) => range(outcomes, ({ cell, facts }) => gaveUpOf(facts, cell), { digits: 1, unit: 's' }),
      text: 'With tcp_retries2 3, an end gives up after {number}: at the first timer after a time limit, not after 3 retransmissions.',
    },
    {
      id: 'orphans-have-a-budget-of-time',
      about: { tcp_orphan_retries: 'measured' },
      claim: 'a-budget-of-time',
      when: ({ state, limit }) => state !== 'ESTABLISHED' && limit === '3',
      number: (outcomes) => range(outcomes, ({ cell, facts }) => gaveUpOf(facts, cell), { digits: 1, unit: 's' }),
      text: 'With tcp_orphan_retries 3, a closed end gives up after {number}: at the first timer after a time limit, not after 3 retransmissions.',
    },
    {
      about: { TCP_USER_TIMEOUT: 'measured' },
      claim: 'user-timeout',
      number: (outcomes) => range(outcomes, ({ cell, facts }) => gaveUpOf(facts, cell), { digits: 1, unit: 's' }),
      text: 'TCP_USER_TIMEOUT 1 s ends a connection without ACKs after {number}, closed or not: TCP_USER_TIMEOUT counts from the first retransmission after an RTO.',
    },
    {
      about: { tcp_retries2: 'measured' },
      claim: 'applications-hear-etimedout',
      when: ({ limit }) => limit !== 'user-timeout',
      text: 'An application that still has the socket reads ETIMEDOUT when its kernel gives up.',
    },
    {
      about: { tcp_retries2: 'risks' },
      claim: 'the-other-end-is-not-told',
      when: ({ state, limit }) => state === 'ESTABLISHED' && limit !== 'user-timeout',
      text: 'The other end still has the connection when one end has given up, and reads ECONNRESET when it sends data.',
    },
    {
      about: { tcp_orphan_retries: 'risks' },
      claim: 'orphans-go-silently',
      when: ({ limit }) => limit !== 'user-timeout',
      text: 'When the kernel gives up on a closed socket, no application reads an error, and a RST answers only what the other end sends later.',
    },
  ],

  answer(outcomes) {
    const of = (...limits: readonly Asked['limit'][]) => outcomes.filter(({ cell }) => limits.includes(cell.limit));
    const gaveUp = (limited: typeof outcomes, name: string, more = '') =>
      limited.length > 0 &&
      finding(
        secondsOf(limited),
        `With ${name}, an end gives up after ${timesOf(limited)} (RTO ${range(limited, ({ facts }) => facts.rto, { unit: 'ms' })})${more}.`,
      );
    const secondsOf = (limited: typeof outcomes) =>
      range(limited, ({ cell, facts }) => gaveUpOf(facts, cell), { digits: 1, unit: 's' });
    const timesOf = (limited: typeof outcomes) =>
      `${range(limited, ({ cell, facts }) => resentOf(facts, cell).length)} retransmissions`;
    const deadFor = (limited: typeof outcomes) =>
      range(limited, ({ cell, facts }) => resentOf(facts, cell).at(-1) ?? Number.NaN, { digits: 1, unit: 's' });
    const counted = of('1', '3');
    const byCount = counted.filter(({ cell, facts }) => resentOf(facts, cell).length === Number(cell.limit));
    const timed = of('user-timeout');
    const userTimeout = `TCP_USER_TIMEOUT ${userTimeoutMs / 1000} s`;
    const defaults = of('default');
    const kept = defaults.filter(({ facts }) => facts.after !== 'is gone' && facts.after !== 'is in FIN-WAIT-2');
    const open = [...counted, ...timed].filter(({ cell }) => cell.state === 'ESTABLISHED');
    const etimedout = open.filter(({ facts }) => is(errnos(facts['client.errors']), 'ETIMEDOUT'));
    const others = [...counted, ...timed].filter(({ cell }) => cell.state !== 'LAST-ACK');
    const reset = others.filter(({ facts }) => is(errnos(facts['server.errors']), 'ECONNRESET'));
    return {
      headline:
        counted.length > 0
          ? byCount.length === 0
            ? 'tcp_retries2 and tcp_orphan_retries limit the time of retransmissions.'
            : `tcp_retries2 and tcp_orphan_retries limit the retries in ${share(byCount, counted)} cases.`
          : timed.length > 0
            ? `With ${userTimeout}, the kernel gives up after ${secondsOf(timed)}.`
            : defaults.length > 0 &&
              (kept.length === defaults.length
                ? `With the defaults, a connection survives a dead path of ${deadFor(defaults)}.`
                : `With the defaults, a connection can die on a dead path of ${deadFor(defaults)}.`),
      findings: [
        gaveUp(of('1'), 'tcp_orphan_retries 1 or tcp_retries2 1', ', the tail loss probe among them'),
        gaveUp(
          of('3'),
          'tcp_orphan_retries 3 or tcp_retries2 3',
          `, at the first timer after a budget of ${budgetOf(3).toFixed(1)} s`,
        ),
        gaveUp(timed, userTimeout, ': TCP_USER_TIMEOUT counts from the first retransmission after an RTO'),
        defaults.length > 0 &&
          finding(
            share(kept, defaults),
            `With the defaults, a connection survives a dead path of ${deadFor(defaults)}. By the kernel's rule, tcp_orphan_retries 0 stands for 102 s, tcp_retries2 15 for 924 s.`,
          ),
        finding(
          share(etimedout, open),
          'An application that has the socket open reads ETIMEDOUT when its kernel gives up.',
        ),
        finding(
          share(reset, others),
          'The other end gets no notice when the kernel gives up; that end reads ECONNRESET when it sends data later.',
        ),
      ],
    };
  },
});
