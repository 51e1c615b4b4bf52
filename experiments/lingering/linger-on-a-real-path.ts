import {
  ack,
  any,
  data,
  errnos,
  experiment,
  fin,
  finding,
  is,
  kind,
  largest,
  least,
  range,
  rst,
  share,
} from 'lingerlab';

/** Bytes written in the same turn of the event loop as the close; 500 kB take six round trips from a window of ten segments. */
const amounts = { nothing: 0, byte: 1, '6kB': 6000, '100kB': 100_000, '500kB': 500_000 } as const;
/** What ten segments carry at an MTU of 1500, with timestamps: TCP_INIT_CWND in include/net/tcp.h. */
const firstWindow = 14_480;
/** How long the reader stays stopped after close() has returned: at least two probes come meanwhile, the second half a second before the end. */
const aloneSecondsOf = (roundTrip: number) => (roundTrip === 200 ? 2.6 : 2);
/** With this seed the wire loses the same segments in each run: of the first ten the sixth at 1 %; also the seventh and the ninth at 10 %. */
const seed = 6;
/** What one segment carries at that MTU. */
const segmentBytes = 1448;
/** A slot of the timer wheel, and a busy machine. */
const lateMs = 400;
/** A busy machine alone. */
const busyMs = 200;
/** Of a call that waits for nothing. */
const soon = `tolerance: one round trip; on a path without delay ${busyMs} ms, for a busy machine`;
/** TCP_DELACK_MIN, HZ / 25, in include/net/tcp.h; its timer counts from a tick that may be 10 ms old, at HZ=100. */
const delayedAckMs = 30;
/** A slot of the timer wheel is at most an eighth of the time that it is for: kernel/time/timer.c. */
const wheel = 1 / 8;

export default experiment({
  id: 'linger-on-a-real-path',
  question: 'On a path with delay and loss, how long does close() wait, and until which segment?',
  tags: ['SO_LINGER', 'latency', 'packet loss', 'round trip', 'RTT', 'orphan', 'close(2)'],
  symptoms: ['which linger timeout should I choose', 'close() takes a round trip', 'linger over the internet'],
  factors: {
    linger: ['off', 0, 1, 2],
    roundTrip: [0, 50, 200],
    loss: [0, 1, 10],
    sent: ['nothing', 'byte', '6kB', '100kB', '500kB'],
    reader: ['reads', 'stopped'],
  },
  words: {
    linger: {
      text: 'SO_LINGER of the client, which closes first',
      values: { off: 'off, the default', 0: 'on, 0 s', 1: 'on, 1 s', 2: 'on, 2 s' },
    },
    roundTrip: {
      text: 'round trip of the path, ms',
      values: { 0: 'no delay added', 50: 'within a continent', 200: 'between continents' },
    },
    loss: {
      text: 'share of the segments with data or FIN that the path loses, %',
      values: { 0: 'none', 1: 'one in a hundred', 10: 'one in ten' },
    },
    sent: {
      text: 'what the client writes in the same turn as its close',
      values: {
        nothing: 'nothing',
        byte: '1 byte',
        '6kB': '6000 bytes',
        '100kB': '100,000 bytes',
        '500kB': '500,000 bytes',
      },
    },
    reader: {
      text: 'whether the server application reads',
      values: { reads: 'always', stopped: 'only some 2 s after close() has returned, or the RST has come' },
    },
  },
  // without delay chance decides how much arrives before SO_LINGER 0 resets
  valid: ({ linger, roundTrip, sent }) => linger !== 0 || roundTrip > 0 || sent === 'nothing' || sent === 'byte',
  only({ linger, roundTrip, loss, sent, reader }) {
    if (loss > 0) {
      const isLong = roundTrip === 200 && sent === '500kB' && reader === 'reads';
      return isLong && linger !== 'off';
    }
    if (reader === 'stopped') {
      if (linger === 0) return roundTrip > 0 && sent === '500kB';
      return sent === '6kB' && (linger === 1 || (linger === 2 && roundTrip === 50));
    }
    if (sent === 'nothing' || sent === 'byte') {
      return linger === 1
        ? sent === 'nothing' || roundTrip !== 50
        : linger === 0 && sent === 'nothing' && roundTrip === 0;
    }
    if (sent === '6kB') return false;
    if (sent === '100kB') return roundTrip === 0 && linger === 2;
    return roundTrip === 200 || (roundTrip === 50 && Number(linger) > 0);
  },
  network: 'wire',
  sysctls: ({ sent }) => ({
    // the limit of answers to probes would hide some of them; the experiment closed-window asks about it
    'net.ipv4.tcp_invalid_ratelimit': 0,
    // the sender's kernel has room for all of the data, so that close() waits for the path alone
    'net.ipv4.tcp_wmem': '4096 4194304 4194304',
    // the receiver's kernel has room for less than 6000 bytes
    'net.ipv4.tcp_rmem': sent === '6kB' ? '4096 8192 8192' : undefined,
  }),
  seconds({ linger, loss, reader, roundTrip }) {
    const stopped = reader === 'stopped' ? Number(linger === 'off' ? 0 : linger) + aloneSecondsOf(roundTrip) : 0;
    // reno sends 1.2 segments / (round trip × √loss): M. Mathis et al. (1997)
    if (loss > 0) return stopped + (linger === 0 ? 1.5 : loss === 10 ? 25 : 7);
    return stopped + (roundTrip === 200 && reader === 'reads' ? 2.2 : 1);
  },
  measures: {
    given: kind.outcome({ label: 'SO_LINGER', text: 'SO_LINGER as getsockopt(2) returns it' }),
    closed: kind.outcome({ text: 'what close() returned' }),
    rto: kind.ms({ text: "the client's RTO before the close, from TCP_INFO" }),
    rtt: kind.ms({ label: 'round trip', text: "the client's smoothed round trip before the close, from TCP_INFO" }),
    congestion: kind.outcome({
      label: 'congestion control',
      text: "the client's congestion control, tcp_congestion_control: it decides how long much data takes",
    }),
  },
  shows: [
    'given',
    'client.lost',
    'client.lostIn',
    'client.closeMs',
    'rtt',
    'congestion',
    'client.closeAfterAckMs',
    'client.closedWith',
    'client.retransmits',
    'client.resentAt',
    'client.probedAt',
  ],

  async scenario({ client, server, wire, until, look, rest, note, sysctl }, { linger, roundTrip, loss, sent, reader }) {
    if (loss > 0) await wire.loss(data.or(fin).from('client'), loss / 100, { seed });
    if (roundTrip > 0) await wire.delay(any, roundTrip / 2);
    const [near, far] = await client.connect(await server.listen());
    if (reader === 'stopped') await far.stopReading();
    await near.set('SO_LINGER', linger);
    const read = await near.get('SO_LINGER');
    note('given', read === 'off' ? 'off' : `${read} s`);
    const { rtoUs, rttUs } = await near.info();
    note('rto', rtoUs / 1000);
    note('rtt', rttUs / 1000);
    note('congestion', sysctl('net.ipv4.tcp_congestion_control', 'client')?.value ?? 'unknown');

    note('closed', (await near.close('destroy', { sending: amounts[sent] }).answer()).outcome);
    if (reader === 'stopped') {
      await rest(aloneSecondsOf(roundTrip));
      await look(near);
      await far.resume();
    }
    if (linger === 0) {
      await Promise.all([far.gone(), until(far, 'CLOSED')]);
      // a RST answers each of the server's acknowledgements a round trip later; without delay some come before close() resets
      const later = roundTrip > 0 ? await wire.count(ack.from('server')) : 0;
      await wire.seen(rst.from('client').nth(1 + later));
      return;
    }
    await far.ended();
    await until(near, 'FIN-WAIT-2');
    await far.close();
    await Promise.all([until(near, 'TIME-WAIT'), until(far, 'CLOSED'), far.gone()]);
  },

  claims: [
    {
      id: 'until-the-ack-of-the-fin',
      text: 'with SO_LINGER 1 or 2, close() returns when its FIN is acknowledged or its time expires, whichever is first; close() does not wait for the FIN of the other end',
      source:
        'sk_stream_wait_close() and sk_stream_closing() in net/core/stream.c. Tolerance: 200 ms to wake up on a busy machine; for the time a slot of the timer wheel, too',
      when: ({ linger }) => Number(linger) > 0,
      holds: (facts, { linger }) => {
        const [held, after] = [facts['client.closeMs'], facts['client.closeAfterAckMs']];
        const limit = Number(linger) * 1000;
        return after >= 0 ? after < busyMs && held < limit + lateMs : held >= limit && held < limit + lateMs;
      },
    },
    {
      id: 'costs-a-round-trip',
      text: 'with nothing to send, close() with SO_LINGER 1 takes one round trip',
      source: 'follows from the claim before; tolerance: 200 ms above for a busy machine',
      when: ({ linger, loss, sent }) => Number(linger) > 0 && loss === 0 && sent === 'nothing',
      holds: (facts, { roundTrip }) =>
        facts['client.closeMs'] >= roundTrip && facts['client.closeMs'] < roundTrip + busyMs,
    },
    {
      id: 'and-a-delayed-ack',
      text: 'after one byte to which the other application sends no answer, close() with SO_LINGER 1 takes a round trip and a delayed acknowledgement',
      source: 'TCP_DELACK_MIN in include/net/tcp.h, 40 ms; tolerance: a tick at HZ=100 below, a busy machine above',
      when: ({ linger, loss, sent }) => Number(linger) > 0 && loss === 0 && sent === 'byte',
      holds: (facts, { roundTrip }) =>
        facts['client.closeMs'] >= roundTrip + delayedAckMs && facts['client.closeMs'] < roundTrip + 40 + busyMs,
    },
    {
      id: 'as-long-as-the-data-takes',
      text: '500 kB take more than five round trips: with 200 ms per round trip, SO_LINGER 1 is too short, and close() returns before its FIN is acknowledged',
      source: 'RFC 6928: ten segments in the first round trip; RFC 5681 §3.1: at most twice as many in the next',
      when: ({ linger, roundTrip, sent }) => linger === 1 && roundTrip === 200 && sent === '500kB',
      holds: (facts) => facts['client.closeAfterAckMs'] < 0,
    },
    {
      id: 'answers-0',
      text: 'close() returns 0, whether its time was long enough or not',
      source: 'tcp_close() in net/ipv4/tcp.c: returns nothing',
      holds: (facts) => facts.closed === 'ok',
    },
    {
      id: 'off-waits-for-nothing',
      text: 'with SO_LINGER off close() returns at once',
      source: `inet_release() in net/ipv4/af_inet.c; ${soon}`,
      when: ({ linger }) => linger === 'off',
      holds: (facts, { roundTrip }) => facts['client.closeMs'] < (roundTrip || busyMs),
    },
    {
      id: 'nothing-is-lost',
      text: 'with SO_LINGER off, 1 or 2 every byte arrives, then a FIN: also when the time was too short, with 10 % loss, and when the window was closed for 2 s',
      source: '__tcp_close() in net/ipv4/tcp.c: what is left is an orphan in FIN-WAIT-1, which goes on',
      when: ({ linger }) => linger !== 0,
      holds: (facts, { sent }) => facts['client.delivered'] === amounts[sent] && is(facts['client.closedWith'], 'FIN'),
    },
    {
      id: 'lost-is-sent-again',
      text: 'with SO_LINGER 1 or 2, the client sends again the segments that the path loses',
      source: 'RFC 9293 §3.8.1',
      // of fewer segments the path may lose none
      when: ({ linger, loss, sent }) => loss > 0 && linger !== 0 && (sent === '100kB' || sent === '500kB'),
      holds: (facts) => facts['client.retransmits'] > 0 && facts['client.resentAt'].length > 0,
    },
    {
      id: 'orphan-asks-again',
      text: 'while the window is closed the client, now an orphan, sends window probes: the first probe leaves after an RTO; after that, each wait between an answer and the next probe is twice the wait before it',
      source:
        'RFC 9293 §3.8.6.1; tcp_probe_timer() in net/ipv4/tcp_timer.c. Tolerance: the wheel, an eighth, and a busy machine, 200 ms',
      // the others do not fill the window in time on each path, or a lost segment is in flight when it closes
      when: ({ linger, loss, sent, reader }) =>
        reader === 'stopped' && Number(linger) > 0 && loss === 0 && sent === '6kB',
      holds: (facts, { roundTrip }) => {
        const probes = facts['client.probedAt'].map((seconds) => seconds * 1000);
        return (
          probes.length > 1 &&
          probes.every((at, index) => {
            const wait = facts.rto * 2 ** index;
            // the answer to the one before begins it
            const passed = at - (index > 0 ? (probes[index - 1] as number) + roundTrip : 0);
            return passed >= wait * (1 - wheel) && passed < wait * (1 + wheel) + busyMs;
          })
        );
      },
    },
    {
      id: 'zero-resets',
      text: 'SO_LINGER 0 waits for nothing and resets: data that arrived in order is read, the rest is lost; a RST answers each later acknowledgement of the other end',
      source: `RFC 9293 §3.10.5; tcp_disconnect() in net/ipv4/tcp.c; RFC 6928: ten segments; ${soon}`,
      when: ({ linger }) => linger === 0,
      holds: (facts, { roundTrip, loss, sent }) => {
        const left = Math.min(amounts[sent], firstWindow);
        const delivered = facts['client.delivered'];
        return (
          facts['client.closeMs'] < (roundTrip || busyMs) &&
          // with 6kB the window is smaller than that
          (loss > 0 || sent === '6kB' ? delivered <= left : delivered === left) &&
          facts['client.lost'] === amounts[sent] - delivered &&
          is(errnos(facts['server.errors']), 'ECONNRESET') &&
          facts['client.closedWith'].length > (left > 0 && roundTrip > 0 ? 1 : 0) &&
          facts['client.closedWith'].every((segment) => segment === 'RST')
        );
      },
    },
    {
      id: 'zero-sends-nothing-again',
      text: 'with SO_LINGER 0, lost segments are not sent again, and data beyond the gap is lost, too; the RST, at the end of the last SACK block, ends the connection without a challenge ACK',
      source:
        'RFC 9293 §3.10.5: what is queued for retransmission is flushed; RFC 5961 §3.2; tcp_validate_incoming() in net/ipv4/tcp_input.c: max_sack',
      // of fewer segments the path may lose none
      when: ({ linger, loss, sent }) => linger === 0 && loss > 0 && (sent === '100kB' || sent === '500kB'),
      holds: (facts) =>
        facts['client.resentAt'].length === 0 &&
        facts['client.delivered'] < firstWindow &&
        facts['client.delivered'] % segmentBytes === 0 &&
        facts['client.lostIn'].includes('network') &&
        (facts['counters.server.TcpExt.TCPChallengeACK'] ?? 0) === 0,
    },
  ],

  guide: [
    {
      about: { SO_LINGER: 'costs', 'close() blocks': 'look at' },
      claim: 'costs-a-round-trip',
      when: ({ roundTrip }) => roundTrip === 200,
      number: (outcomes) => range(outcomes, ({ facts }) => facts['client.closeMs'], { unit: 'ms' }),
      text: 'With nothing to send, close() with SO_LINGER 1 takes {number} on a path with a round trip of 200 ms.',
    },
    {
      about: { SO_LINGER: 'risks' },
      claim: 'as-long-as-the-data-takes',
      text: 'SO_LINGER 1 is too short for 500 kB at a round trip of 200 ms: close() returns before its FIN is acknowledged.',
    },
    {
      about: { SO_LINGER: 'risks' },
      claim: 'answers-0',
      when: ({ linger }) => Number(linger) > 0,
      text: 'close() with a positive SO_LINGER returns 0, whether its time was long enough or not.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const closeMs = ({ facts }: Outcomes[number]) => facts['client.closeMs'];
    const acknowledged = ({ facts }: Outcomes[number]) => facts['client.closeAfterAckMs'] >= 0;
    const waited = outcomes.filter(({ cell }) => Number(cell.linger) > 0);
    const withAck = waited.filter(acknowledged);
    const expired = waited.filter((outcome) => !acknowledged(outcome));
    const early = expired.filter((outcome) => closeMs(outcome) < Number(outcome.cell.linger) * 1000);
    const inTime = waited.filter((outcome) => !early.includes(outcome));
    const failed = expired.filter(({ facts }) => facts.closed !== 'ok');
    const sure = outcomes.filter(({ cell }) => cell.linger !== 0);
    const whole = sure.filter(({ facts }) => facts['client.lost'] === 0);
    const zero = outcomes.filter(({ cell }) => cell.linger === 0 && amounts[cell.sent] > 0);
    const far = waited.filter(({ cell }) => cell.roundTrip === 200);
    const idle = far.filter(({ cell }) => cell.sent === 'nothing');
    const short = far.filter(({ cell }) => cell.linger === 1 && cell.sent === '500kB');
    const stopped = waited.filter(({ cell }) => cell.reader === 'stopped' && cell.sent === '6kB' && cell.loss === 0);
    const among = (some: Outcomes, all: Outcomes) =>
      share(
        all.filter((outcome) => some.includes(outcome)),
        all,
      );
    const bytes = (count: number) => count.toLocaleString('en');
    const losses = zero.map(({ facts }) => facts['client.lost']);
    const delivered = zero.map(({ facts }) => facts['client.delivered']);
    const discarded = () =>
      `${[...new Set([least(losses), largest(losses)].map(bytes))].join('–')} of ${bytes(largest(zero.map(({ cell }) => amounts[cell.sent])))} bytes`;
    const behindGap = zero.some(({ facts }) => facts['client.lostIn'].includes('network'));
    const headline =
      early.length > 0
        ? `close() returns before the ACK and before SO_LINGER expires in ${share(early, waited)} closes.`
        : failed.length > 0
          ? 'close() fails if SO_LINGER expires before data is acknowledged.'
          : expired.length > 0
            ? 'close() returns 0 even if SO_LINGER expires before data is acknowledged.'
            : 'close() with SO_LINGER 1 or 2 waits for the ACK of its FIN.';
    return {
      headline: waited.length > 0 && headline,
      findings: [
        finding(
          share(inTime, waited),
          `With SO_LINGER 1 or 2, close() returns when its FIN is acknowledged (${withAck.length} closes) or, if that is earlier, when its time expires (${expired.length - early.length}).`,
        ),
        finding(
          share(whole, sure),
          'With SO_LINGER off, 1 or 2 no byte is lost: the kernel goes on sending after close() has returned.',
        ),
        zero.length > 0 &&
          finding(
            discarded(),
            largest(delivered) <= firstWindow
              ? `SO_LINGER 0 discards ${discarded()}: only ten segments had been sent${behindGap ? ', and those after a lost one are discarded, too' : ''}.`
              : `SO_LINGER 0 discards ${discarded()}.`,
            zero,
          ),
        idle.length > 0 &&
          finding(
            range(idle, closeMs, { unit: 'ms' }),
            `With nothing to send, close() with SO_LINGER 1 blocks for ${range(idle, closeMs, { unit: 'ms' })} on a path with a round trip of 200 ms.`,
          ),
        finding(
          among(expired, short),
          'SO_LINGER 1 expires before 500 kB and the FIN are acknowledged at a round trip of 200 ms.',
        ),
        finding(
          among(expired, stopped),
          "With SO_LINGER 1 or 2, close() waits its full time while the other end's window is closed.",
        ),
      ],
    };
  },
});
