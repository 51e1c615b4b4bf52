import { experiment, finding, is, kind, range, share } from 'lingerlab';
import { keepAlive } from './shared/keepalive.ts';

/** Seconds that the wait may be seen late on a busy machine, besides a slot of the timer wheel. */
const seenLate = 0.5;
/** How long a socket with an open descriptor is watched: beyond tcp_fin_timeout 1 and its timer's slot. */
const watchedSeconds = 2.5;
/** The kernel's own tcp_fin_timeout, and the length of TIME-WAIT. */
const minute = 60;
/** TCP_LINGER2 is cut to this: TCP_FIN_TIMEOUT_MAX in include/net/tcp.h. */
const most = 120;
/** What `ss` prints of a minute or more is cut to whole seconds; the rest passed before it looked. */
const printed = 1;

/** Of an orphan in FIN-WAIT-2: 3.5 times TCP_RTO_MIN, 200 ms. */
const leastSeconds = 0.7;

/** What a limit sets. */
interface Limit {
  readonly finTimeout?: number;
  readonly linger2?: number;
  /** Seconds after which an orphan's FIN-WAIT-2 ends, where the cell waits for that. */
  readonly ends?: number;
}
const limits = {
  default: {},
  'fin-timeout-0': { finTimeout: 0 },
  'fin-timeout-1': { finTimeout: 1, ends: 1 },
  'fin-timeout-2': { finTimeout: 2, ends: 2 },
  'linger2-1': { linger2: 1, ends: 1 },
  'linger2-2': { linger2: 2, ends: 2 },
  'linger2-0': { linger2: 0 },
  'linger2-80': { linger2: 80 },
  'linger2-200': { linger2: 200 },
  'linger2-minus-1': { linger2: -1 },
  keepalive: {},
} as const satisfies Readonly<Record<string, Limit>>;
type Name = keyof typeof limits;
const limitOf = (name: Name): Limit => limits[name];
/** What does not end FIN-WAIT-2 while a process holds the socket, in a sentence. */
const endsNot: Readonly<Partial<Record<Name, string>>> = {
  'fin-timeout-1': 'with tcp_fin_timeout 1',
  'linger2-1': 'with TCP_LINGER2 1',
  keepalive: 'if keepalive probes are answered',
};
/** Whether the cell waits until the orphan is gone. */
const isWaitedFor = (cell: { readonly left: string; readonly limit: Name; readonly arrives: string }): boolean =>
  cell.left === 'orphan' && cell.arrives === 'nothing' && limitOf(cell.limit).ends !== undefined;
const names = Object.keys(limits) as [Name, ...Name[]];

export default experiment({
  id: 'fin-wait-2',
  question: 'How long does an end stay in FIN-WAIT-2 if the other end never closes, and what shortens that?',
  tags: ['FIN-WAIT-2', 'tcp_fin_timeout', 'TCP_LINGER2', 'orphan', 'half-close', 'keepalive'],
  symptoms: ['FIN_WAIT_2 grows', 'sockets stuck in FIN_WAIT2', 'FIN_WAIT2 never ends', 'what does tcp_fin_timeout do'],
  factors: {
    left: ['orphan', 'held'],
    limit: names,
    arrives: ['nothing', 'data', 'FIN'],
  },
  // an end that holds its socket reads what comes, and with TCP_LINGER2 −1 an orphan has none to which it could
  valid: ({ left, limit, arrives }) =>
    left === 'held' ? arrives !== 'data' : limit !== 'linger2-minus-1' || arrives === 'nothing',
  words: {
    left: {
      text: 'whether a process still has the socket of the end that sent its FIN',
      values: {
        orphan: 'no: the application has closed the socket',
        held: 'yes: the application has called shutdown() only',
      },
    },
    limit: {
      text: 'what that end has set',
      values: {
        default: 'nothing: tcp_fin_timeout is 60 s',
        'fin-timeout-0': 'tcp_fin_timeout 0 s',
        'fin-timeout-1': 'tcp_fin_timeout 1 s',
        'fin-timeout-2': 'tcp_fin_timeout 2 s',
        'linger2-1': 'TCP_LINGER2 1 s',
        'linger2-2': 'TCP_LINGER2 2 s',
        'linger2-0': 'TCP_LINGER2 0, which stands for tcp_fin_timeout',
        'linger2-80': 'TCP_LINGER2 80 s',
        'linger2-200': 'TCP_LINGER2 200 s',
        'linger2-minus-1': 'TCP_LINGER2 −1',
        keepalive: 'SO_KEEPALIVE with TCP_KEEPIDLE 1 s, TCP_KEEPINTVL 1 s, TCP_KEEPCNT 1',
      },
    },
    arrives: {
      text: 'what the other end sends in that state',
      values: { nothing: 'nothing: its application never closes', data: 'a byte', FIN: 'its FIN' },
    },
  },
  only: ({ left, limit, arrives }) =>
    left === 'orphan'
      ? limit !== 'keepalive' && (arrives === 'nothing' || limit === 'default' || limit === 'fin-timeout-2')
      : ['default', 'fin-timeout-1', 'linger2-1', 'keepalive'].includes(limit) && arrives === 'nothing',
  sysctls: ({ limit }) => ({ 'net.ipv4.tcp_fin_timeout': limitOf(limit).finTimeout }),
  seconds: ({ left, limit, arrives }) =>
    arrives !== 'nothing' ? 0.4 : left === 'held' ? watchedSeconds + 0.3 : (limitOf(limit).ends ?? leastSeconds) + 0.4,
  measures: {
    kept: kind.count({ text: 'TCP_LINGER2 as getsockopt(2) returns it, in seconds' }),
    slot: kind.seconds({ text: 'how late the timer of FIN-WAIT-2 can be' }),
    timer: kind.outcome({ text: 'timer of the socket in FIN-WAIT-2 that ss shows' }),
    timerSeconds: kind.seconds({ text: 'time until that timer expires' }),
    process: kind.boolean({ text: 'whether ss shows an inode: a process has the socket' }),
    after: kind.outcome({ text: 'state of the socket at the end, by ss' }),
    afterSeconds: kind.seconds({ text: 'time until the timer of the socket expires at the end' }),
    told: kind.outcome({ label: "other end's SO_ERROR", text: "SO_ERROR of the other end's socket after its byte" }),
  },
  shows: [
    'after',
    'client.stateMs.FIN-WAIT-2',
    'timer',
    'timerSeconds',
    'process',
    'kept',
    'client.closedWith',
    'told',
    'afterSeconds',
  ],

  async scenario({ client, server, until, look, rest, timerSlot, note }, { left, limit, arrives }) {
    const [near, far] = await client.connect(await server.listen());
    const { linger2, ends } = limitOf(limit);
    if (linger2 !== undefined) {
      await near.set('TCP_LINGER2', linger2);
      note('kept', await near.get('TCP_LINGER2'));
    }
    if (limit === 'keepalive') await keepAlive(near, { TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 1 });
    if (left === 'held') await near.shutdown('WR');
    else await near.close('destroy');
    await far.ended().answer();
    if ((await until(near, 'FIN-WAIT-2', 'CLOSED')) === 'FIN-WAIT-2') {
      const seen = await look(near);
      note('timer', seen?.timer?.name ?? 'none');
      if (seen?.timer) note('timerSeconds', seen.timer.ms / 1000);
      note('process', (seen?.inode ?? 0) > 0);
    }

    if (arrives === 'data') {
      await far.write(1);
      await until(far, 'CLOSED');
      note('told', await far.error());
    }
    if (arrives === 'FIN') {
      await far.close('destroy');
      await until(far, 'CLOSED');
    }
    const waits = limit === 'fin-timeout-0' ? leastSeconds : ends;
    if (left === 'orphan' && arrives === 'nothing' && waits !== undefined) {
      note('slot', timerSlot(waits));
      await until(near, 'CLOSED');
    }
    if (left === 'held') await rest(watchedSeconds);
    const last = await look(near);
    note('after', last?.state ?? 'no socket');
    if (last?.timer) note('afterSeconds', last.timer.ms / 1000);
  },

  claims: [
    {
      id: 'held-never-ends',
      text: `after shutdown() without close(), FIN-WAIT-2 has no timer, and lasts beyond ${watchedSeconds} s even with tcp_fin_timeout 1 or TCP_LINGER2 1`,
      source:
        'RFC 9293 §3.6, case 1; tcp_rcv_state_process() in net/ipv4/tcp_input.c starts the timer of SOCK_DEAD only',
      when: ({ left, limit, arrives }) => left === 'held' && limit !== 'keepalive' && arrives === 'nothing',
      holds: (facts) => facts.after === 'FIN-WAIT-2' && facts.timer === 'none' && facts.process,
    },
    {
      id: 'keepalive-does-not-end-it',
      text: 'keepalive does not end FIN-WAIT-2 while the kernel of the other end answers the probes',
      source: 'RFC 9293 §3.8.4; tcp_keepalive_timer() in net/ipv4/tcp_timer.c',
      when: ({ left, limit, arrives }) => left === 'held' && limit === 'keepalive' && arrives === 'nothing',
      holds: (facts) => facts.after === 'FIN-WAIT-2' && facts.timer === 'keepalive',
    },
    {
      id: 'orphan-ends',
      text: 'an orphan stays in FIN-WAIT-2 for tcp_fin_timeout, or for TCP_LINGER2 if that is set, then the kernel removes it without a segment',
      source:
        "tcp_fin_time() in include/net/tcp.h; inet_twsk_schedule() in net/ipv4/inet_timewait_sock.c. Tolerance: this kernel's slot of the timer wheel, and 0.5 s to see it on a busy machine",
      when: isWaitedFor,
      holds: (facts, { limit }) => {
        const [seconds, wanted] = [facts['client.stateMs.FIN-WAIT-2'] / 1000, limitOf(limit).ends ?? Number.NaN];
        return (
          facts.after === 'no socket' &&
          seconds >= wanted &&
          seconds <= wanted + facts.slot + seenLate &&
          is(facts['client.closedWith'], 'FIN')
        );
      },
    },
    {
      id: 'not-less-than-a-few-timeouts',
      text: `with tcp_fin_timeout 0, too, an orphan stays in FIN-WAIT-2 for 3.5 retransmission time-outs, ${leastSeconds} s`,
      source:
        "tcp_fin_time() in include/net/tcp.h: (rto << 2) - (rto >> 1). Tolerance: this kernel's slot of the timer wheel, and 0.5 s to see it on a busy machine",
      when: ({ left, limit, arrives }) => left === 'orphan' && limit === 'fin-timeout-0' && arrives === 'nothing',
      holds: (facts) => {
        const seconds = facts['client.stateMs.FIN-WAIT-2'] / 1000;
        return (
          facts.after === 'no socket' && seconds >= leastSeconds && seconds <= leastSeconds + facts.slot + seenLate
        );
      },
    },
    {
      id: 'orphan-has-a-mini-socket',
      text: 'an orphan that is to stay for at most 60 s is a mini-socket, which ss shows with the timer of TIME-WAIT',
      source:
        'tcp_close() and tcp_rcv_state_process(): tcp_time_wait() with TCP_FIN_WAIT2 where the time is at most TCP_TIMEWAIT_LEN',
      // the look of ss can come after the 0.7 s of tcp_fin_timeout 0
      when: ({ left, limit }) =>
        left === 'orphan' && !['fin-timeout-0', 'linger2-80', 'linger2-200', 'linger2-minus-1'].includes(limit),
      holds: (facts) =>
        facts.timer === 'timewait' && !facts.process && is(facts['client.miniSocket'].slice(0, 1), 'FIN-WAIT-2'),
    },
    {
      id: 'longer-is-a-full-socket',
      text: 'TCP_LINGER2 above 60 s keeps the full socket first, for what is above 60 s: ss shows the timer of keepalive',
      source: 'tcp_close() in net/ipv4/tcp.c: tcp_reset_keepalive_timer() with the time less TCP_TIMEWAIT_LEN',
      when: ({ left, limit }) => left === 'orphan' && (limit === 'linger2-80' || limit === 'linger2-200'),
      holds: (facts) =>
        facts.timer === 'keepalive' &&
        facts.timerSeconds <= facts.kept - minute &&
        facts.timerSeconds >= facts.kept - minute - printed - seenLate,
    },
    {
      id: 'linger2-as-kept',
      text: `TCP_LINGER2 0 reads back as tcp_fin_timeout, and more than ${most} s as ${most}`,
      source: 'do_tcp_setsockopt() and do_tcp_getsockopt() in net/ipv4/tcp.c; TCP_FIN_TIMEOUT_MAX in include/net/tcp.h',
      when: ({ limit }) => limit === 'linger2-0' || limit === 'linger2-200',
      holds: (facts, { limit }) => facts.kept === (limit === 'linger2-0' ? minute : most),
    },
    {
      id: 'negative-leaves-it-out',
      text: 'with TCP_LINGER2 −1 an orphan does not stay in FIN-WAIT-2: it sends a RST when its FIN is acknowledged',
      source: 'tcp_rcv_state_process() in net/ipv4/tcp_input.c, FIN-WAIT-1: tp->linger2 < 0',
      when: ({ left, limit }) => left === 'orphan' && limit === 'linger2-minus-1',
      holds: (facts) => facts.after === 'no socket' && is(facts['client.closedWith'], 'FIN', 'RST'),
    },
    {
      id: 'data-is-reset',
      text: 'a RST answers data that arrives at an orphan in FIN-WAIT-2: that socket is gone, and SO_ERROR of the end that sent the data is EPIPE',
      source:
        'RFC 9293 §3.6, case 1; RFC 2525 §2.17; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c, tcp_reset() in net/ipv4/tcp_input.c: CLOSE-WAIT',
      when: ({ arrives }) => arrives === 'data',
      holds: (facts) =>
        facts.after === 'no socket' && facts.told === 'EPIPE' && is(facts['client.closedWith'], 'FIN', 'RST'),
    },
    {
      id: 'fin-begins-time-wait',
      text: 'a FIN that arrives at an orphan in FIN-WAIT-2 begins TIME-WAIT of 60 s, with tcp_fin_timeout 60 and 2',
      source: 'tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c: inet_twsk_reschedule() with TCP_TIMEWAIT_LEN',
      when: ({ left, arrives }) => left === 'orphan' && arrives === 'FIN',
      holds: (facts) =>
        facts.after === 'TIME-WAIT' &&
        facts['timeWait.holder'] === 'client' &&
        facts.afterSeconds >= minute - printed - seenLate,
    },
  ],

  guide: [
    {
      about: { 'FIN-WAIT-2 grows': 'look at' },
      claim: 'held-never-ends',
      text: `While a process holds the socket, FIN-WAIT-2 has no timer and no limit (watched for ${watchedSeconds} s).`,
    },
    {
      about: { 'FIN-WAIT-2 grows': 'look at' },
      claim: 'orphan-has-a-mini-socket',
      text: 'After close(), FIN-WAIT-2 of at most 60 s is a mini-socket without a process; ss shows its timer as timewait.',
    },
    {
      about: { tcp_fin_timeout: 'measured', 'FIN-WAIT-2 grows': 'helps' },
      claim: 'orphan-ends',
      when: ({ limit }) => limit.startsWith('fin-timeout'),
      number: (outcomes) =>
        range(outcomes, ({ facts }) => facts['client.stateMs.FIN-WAIT-2'] / 1000, { digits: 1, unit: 's' }),
      text: 'After close(), FIN-WAIT-2 lasts for tcp_fin_timeout and up to a slot of the timer wheel: {number} with 1 and 2 s.',
    },
    {
      id: 'orphan-ends-by-linger2',
      about: { TCP_LINGER2: 'measured', 'FIN-WAIT-2 grows': 'helps' },
      claim: 'orphan-ends',
      when: ({ limit }) => limit.startsWith('linger2'),
      number: (outcomes) =>
        range(outcomes, ({ facts }) => facts['client.stateMs.FIN-WAIT-2'] / 1000, { digits: 1, unit: 's' }),
      text: 'After close(), FIN-WAIT-2 lasts for TCP_LINGER2 and up to a slot of the timer wheel: {number} with 1 and 2 s.',
    },
    {
      id: 'no-limit-of-a-held-socket',
      about: { tcp_fin_timeout: 'measured', TCP_LINGER2: 'measured', 'FIN-WAIT-2 grows': 'cannot help' },
      claim: 'held-never-ends',
      when: ({ limit }) => limit !== 'default',
      text: 'Neither tcp_fin_timeout 1 nor TCP_LINGER2 1 ends FIN-WAIT-2 while a process holds the socket: shutdown() without close().',
    },
    {
      about: { keepalive: 'measured', 'FIN-WAIT-2 grows': 'cannot help' },
      claim: 'keepalive-does-not-end-it',
      text: 'Keepalive does not end FIN-WAIT-2 while the kernel of the other end answers the probes.',
    },
    {
      about: { tcp_fin_timeout: 'risks' },
      claim: 'data-is-reset',
      text: 'Data that arrives at a closed socket in FIN-WAIT-2 is answered by a RST; SO_ERROR of the end that sent the data is EPIPE.',
    },
    {
      about: { TCP_LINGER2: 'risks' },
      claim: 'negative-leaves-it-out',
      text: 'With TCP_LINGER2 −1 a RST follows the ACK of the FIN: there is no FIN-WAIT-2 after close().',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const held = outcomes.filter(({ cell }) => cell.left === 'held' && cell.arrives === 'nothing');
    const stays = held.filter(({ facts }) => facts.after === 'FIN-WAIT-2');
    const shown = [...new Set(held.flatMap(({ cell }) => endsNot[cell.limit] ?? []))];
    const waited = outcomes.filter(({ cell }) => isWaitedFor(cell));
    const seconds = ({ facts }: Outcomes[number]) => facts['client.stateMs.FIN-WAIT-2'] / 1000;
    const inTime = waited.filter((each) => {
      const wanted = limitOf(each.cell.limit).ends ?? Number.NaN;
      return seconds(each) >= wanted && seconds(each) <= wanted + each.facts.slot + seenLate;
    });
    const orphans = outcomes.filter(({ cell }) => cell.left === 'orphan');
    const long = orphans.filter(({ cell }) => cell.limit === 'linger2-80' || cell.limit === 'linger2-200');
    const full = long.filter(({ facts }) => facts.timer === 'keepalive');
    const minus = orphans.filter(({ cell }) => cell.limit === 'linger2-minus-1');
    const aborted = minus.filter(({ facts }) => is(facts['client.closedWith'], 'FIN', 'RST'));
    const data = orphans.filter(({ cell }) => cell.arrives === 'data');
    const refused = data.filter(({ facts }) => facts.told === 'EPIPE' && facts.after === 'no socket');
    const fin = orphans.filter(({ cell }) => cell.arrives === 'FIN');
    const whole = fin.filter(
      ({ facts }) => facts.after === 'TIME-WAIT' && facts.afterSeconds >= minute - printed - seenLate,
    );
    const isLimited = waited.length > 0 && inTime.length === waited.length;
    return {
      headline:
        held.length > 0 && stays.length < held.length
          ? `A half-closed socket leaves FIN-WAIT-2 in ${held.length - stays.length} of ${held.length} cases.`
          : held.length > 0
            ? `FIN-WAIT-2 has a limit${isLimited ? ', tcp_fin_timeout, only once the socket is closed' : ' only once the socket is closed'}.`
            : isLimited
              ? 'A closed socket stays in FIN-WAIT-2 for tcp_fin_timeout or TCP_LINGER2.'
              : waited.length > 0 && `A closed socket leaves FIN-WAIT-2 in time in ${share(inTime, waited)} cases.`,
      findings: [
        finding(
          share(stays, held),
          `While a process holds the socket, FIN-WAIT-2 lasts beyond ${watchedSeconds} s${shown.length > 0 ? `, even ${shown.join(' or ')}` : ''}.`,
        ),
        waited.length > 0 &&
          finding(
            range(waited, seconds, { digits: 1, unit: 's' }),
            'After close(), FIN-WAIT-2 lasts for tcp_fin_timeout, or TCP_LINGER2 if set, here 1 or 2 s, plus at most a slot of the timer wheel.',
          ),
        finding(
          share(refused, data),
          'A byte that arrives after close() is answered by a RST; the other end reads EPIPE from SO_ERROR.',
        ),
        finding(
          share(whole, fin),
          `A FIN that arrives after close() begins TIME-WAIT of ${minute} s${fin.some(({ cell }) => cell.limit === 'fin-timeout-2') ? ', also with tcp_fin_timeout 2' : ''}.`,
        ),
        finding(
          share(aborted, minus),
          'With TCP_LINGER2 −1 a closed socket leaves FIN-WAIT-2 at once: it sends a RST when its FIN is acknowledged.',
        ),
        finding(
          share(full, long),
          `TCP_LINGER2 above ${minute} s keeps a full socket at first: ss shows a timer for the time above ${minute} s. More than ${most} s counts as ${most}.`,
        ),
      ],
    };
  },
});
