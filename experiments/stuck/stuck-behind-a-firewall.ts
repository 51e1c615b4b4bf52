import {
  any,
  type Cell,
  data,
  type Endpoint,
  errnos,
  experiment,
  fin,
  is,
  kind,
  type OutcomeOf,
  range,
  type Stage,
  sentence,
  share,
} from 'lingerlab';
import { early, lasts, mostOf, onewayMs } from './shared/timers.ts';

const bytes = 1000;
const userTimeoutMs = 1000;
/** The schedule of the default is followed so far. */
const followed = 6;

/** tcp_orphan_retries 0 stands for 8: tcp_orphan_retries() in net/ipv4/tcp_timer.c. */
const retriesOf = (limit: string): number => (limit === 'default' ? 8 : Number(limit));
/** What so many retries come to in seconds, whatever the RTO: tcp_model_timeout() in net/ipv4/tcp_timer.c, TCP_RTO_MIN 200 ms. */
const budgetOf = (retries: number): number => (2 ** (retries + 1) - 1) * 0.2;

const gapsOf = (times: readonly number[]): number[] =>
  [0, ...times].slice(0, -1).map((at, index) => times[index]! - at);

const asked = {
  factors: {
    // in which state, while the path is dead
    state: ['FIN-WAIT-1', 'LAST-ACK', 'ESTABLISHED'],
    unacked: ['nothing', 'data'],
    // tcp_orphan_retries, in ESTABLISHED tcp_retries2; or a socket option; `default` is tcp_orphan_retries 0, tcp_retries2 15
    limit: ['default', '1', '3', 'user-timeout'],
  },
  measures: {
    given: kind.outcome({ text: 'what limits how long it waits, read back from the kernel' }),
    rto: kind.ms({ text: 'the RTO of the end that gets no answer, by TCP_INFO, before the path went dead' }),
    rtt: kind.ms({ text: 'and its smoothed round trip' }),
    after: kind.outcome({
      text: 'what became of the other end once the path lived again, and, LAST-ACK apart, it sent a byte',
    }),
  },
} as const;
type Asked = Cell<typeof asked.factors>;
type Facts = OutcomeOf<typeof asked>['facts'];
/** The end that gets no answer, and what it sent again, or came to. */
const closerOf = ({ state }: Asked) => (state === 'LAST-ACK' ? 'server' : 'client');
const resentOf = (facts: Facts, cell: Asked) => facts[`${closerOf(cell)}.resentAt`];
const gaveUpOf = (facts: Facts, cell: Asked) => facts[`${closerOf(cell)}.gaveUpAfter`];
const lastOf = (facts: Facts, cell: Asked) => facts[`${closerOf(cell)}.path`].at(-1);

/** Sets the limit, where it is a socket option; returns what the kernel kept of it, or the sysctl. */
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
  question: 'The path goes dead without a word: how long does each end send again, and what frees it?',
  tags: [
    'FIN-WAIT-1',
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
  // of a connection with nothing to send again, idle-behind-a-firewall asks
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
      // data and FIN leave as two segments
      const first = state === 'FIN-WAIT-1' && unacked === 'data' ? 2 : 1;
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
      text: 'what is not acknowledged on a dead path is sent again after an RTO, then after twice, four times, … as long; before that once as a probe for a lost tail, after two round trips or an RTO',
      source:
        'RFC 6298 §5.5; RFC 8985 §7. Tolerance for each: the wheel, an eighth of it; a busy machine, 300 ms late, and 100 ms early where the wire took the one before late',
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
      text: 'tcp_orphan_retries and tcp_retries2 of 1 and 3 count no retries: they are a time, (2^(n+1)-1) · 200 ms from the first retransmission by the RTO, and the first RTO that ends after it is the last',
      source: 'retransmits_timed_out() and tcp_model_timeout() in net/ipv4/tcp_timer.c; tolerance as before',
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
      text: 'with tcp_orphan_retries or tcp_retries2 1, what is not acknowledged is sent again more than once: as a probe, and at least once by the RTO',
      source: 'tcp_send_loss_probe() in net/ipv4/tcp_output.c; follows from the claim before',
      when: ({ limit }) => limit === '1',
      holds: (facts, cell) => resentOf(facts, cell).length > 1,
    },
    {
      id: 'user-timeout',
      text: `TCP_USER_TIMEOUT of ${userTimeoutMs / 1000} s ends a connection with unacknowledged data or FIN so long after the first retransmission by the RTO, an orphan as one that an application has`,
      source:
        'tcp_clamp_rto_to_user_timeout() in net/ipv4/tcp_timer.c; RFC 5482; tolerance: the wheel and a busy machine',
      when: ({ limit }) => limit === 'user-timeout',
      holds: (facts, cell) => {
        const [, first] = resentOf(facts, cell);
        return first !== undefined && lasts(gaveUpOf(facts, cell) - first, userTimeoutMs / 1000);
      },
    },
    {
      id: 'orphans-go-silently',
      text: 'an orphan that is given up is gone without an error that anyone reads and without a RST, but for the answer to what the other end sends later; TCPAbortOnTimeout counts it',
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
      text: 'an application that still has the socket reads ETIMEDOUT when its kernel gives up',
      source: 'tcp_write_err() in net/ipv4/tcp_timer.c',
      when: ({ state, limit }) => state === 'ESTABLISHED' && limit !== 'default',
      holds: (facts) =>
        is(errnos(facts['client.errors']), 'ETIMEDOUT') && facts['counters.client.TcpExt.TCPAbortOnTimeout'] === 1,
    },
    {
      id: 'the-other-end-is-not-told',
      text: 'where one end gave up on a dead path, the other end still has the connection, and reads ECONNRESET once it sends something',
      source: 'RFC 9293 §3.5.1: half-open connections; it is RST since nobody has that connection any more',
      when: ({ state, limit }) => state !== 'LAST-ACK' && limit !== 'default',
      holds: (facts) => facts.after === 'is gone' && is(errnos(facts['server.errors']), 'ECONNRESET'),
    },
    {
      id: 'neither-end-keeps-time-wait',
      text: 'where LAST-ACK is given up, the end that closed first is left in FIN-WAIT-2, and nobody in TIME-WAIT',
      source: 'RFC 9293 §3.6: TIME-WAIT follows the FIN, which never came',
      when: ({ state, limit }) => state === 'LAST-ACK' && limit !== 'default',
      holds: (facts) =>
        facts.after === 'is in FIN-WAIT-2' &&
        facts['timeWait.holder'] === 'none' &&
        facts['server.path'].at(-1) === 'CLOSED',
    },
    {
      id: 'default-outlives-the-gap',
      text: `with tcp_orphan_retries 0 and tcp_retries2 15, the defaults, a connection outlives a dead path of ${followed} retransmissions, some 9 s: an orphan closes in order, an application reads what was sent`,
      source:
        'tcp_orphan_retries() in net/ipv4/tcp_timer.c: 0 stands for 8, which is 102 s; TCP_RETR2 in include/net/tcp.h: 15, 924 s',
      when: ({ limit }) => limit === 'default',
      holds: (facts, cell) => {
        const last = lastOf(facts, cell);
        const resent = resentOf(facts, cell).length >= followed;
        if (cell.state === 'LAST-ACK') return resent && facts.after === 'is in TIME-WAIT' && last === 'CLOSED';
        const delivered = facts['client.delivered'] === (cell.unacked === 'data' ? bytes : 0);
        if (cell.state === 'ESTABLISHED') return resent && delivered && last === 'ESTABLISHED';
        return resent && delivered && facts.after === 'reads the end' && last === 'FIN-WAIT-2';
      },
    },
  ],

  answer(outcomes) {
    /** `2.0 to 2.1 s with …`; nothing where no such cell ran. */
    const after = (words: string, ...limits: readonly Asked['limit'][]) => {
      const chosen = outcomes.filter(({ cell }) => limits.includes(cell.limit));
      if (chosen.length === 0) return [];
      const seconds = chosen.map(({ cell, facts }) => gaveUpOf(facts, cell));
      const sent = chosen.map(({ cell, facts }) => resentOf(facts, cell).length);
      return [`${range(seconds, { digits: 1, unit: 's' })} with ${words} (${range(sent)} times)`];
    };
    const each = [
      ...after('tcp_orphan_retries or tcp_retries2 1', '1'),
      ...after('3', '3'),
      ...after(`TCP_USER_TIMEOUT ${userTimeoutMs / 1000} s`, 'user-timeout'),
    ];
    const defaults = outcomes.filter(({ cell }) => cell.limit === 'default');
    const kept = defaults.filter(({ facts }) => facts.after !== 'is gone' && facts.after !== 'is in FIN-WAIT-2');
    return sentence(
      each.length > 0 && `on a dead path an end sent again and gave up after ${each.join(', ')}`,
      defaults.length > 0 &&
        `with the defaults ${share(kept, defaults)} outlived it and went on when the path came back`,
    );
  },
});
