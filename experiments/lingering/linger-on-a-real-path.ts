import { ack, any, data, errnos, experiment, fin, is, kind, largest, range, rst, sentence, share } from 'lingerlab';

/** Bytes written in the same turn of the event loop as the close; 500 kB take six round trips from a window of ten segments. */
const amounts = { nothing: 0, byte: 1, '6kB': 6000, '100kB': 100_000, '500kB': 500_000 } as const;
/** What ten segments carry at an MTU of 1500, with timestamps: TCP_INIT_CWND in include/net/tcp.h. */
const firstWindow = 14_480;
/** How long after close() returned a reader that does not read is left alone: two probes at least have come, half a second ago. */
const aloneSecondsOf = (roundTrip: number) => (roundTrip === 200 ? 2.6 : 2);
/** Loses the same segments of the same traffic: of the first ten the sixth at 1 %, the seventh and the ninth, too, at 10 %. */
const seed = 6;
/** What a segment carries, likewise. */
const segmentBytes = 1448;
/** A slot of the timer wheel, and a busy machine. */
const lateMs = 400;
/** A busy machine alone. */
const busyMs = 200;
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
    // ms
    roundTrip: [0, 50, 200],
    // per cent of the segments with data or FIN
    loss: [0, 1, 10],
    sent: ['nothing', 'byte', '6kB', '100kB', '500kB'],
    reader: ['reads', 'stopped'],
  },
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
    // what limits the answers to probes is another question: closed-window
    'net.ipv4.tcp_invalid_ratelimit': 0,
    // room for all of it in the sender's kernel at once: what close() waits for is the path
    'net.ipv4.tcp_wmem': '4096 4194304 4194304',
    // and for less than that in the receiver's
    'net.ipv4.tcp_rmem': sent === '6kB' ? '4096 8192 8192' : undefined,
  }),
  seconds({ linger, loss, reader, roundTrip }) {
    if (reader === 'stopped') return Number(linger) > 0 ? Number(linger) + aloneSecondsOf(roundTrip) + 1 : 1;
    return loss > 0 ? 4 : roundTrip === 200 ? 2.2 : 1;
  },
  measures: {
    given: kind.outcome({ text: 'SO_LINGER, read back from the kernel' }),
    closed: kind.outcome({ text: 'what close() answered' }),
    rto: kind.ms({ text: 'the RTO before the close, by TCP_INFO' }),
    rtt: kind.ms({ text: 'and the smoothed round trip' }),
    congestion: kind.outcome({
      text: "the client's congestion control, tcp_congestion_control: how long much data takes is a matter of it",
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
      // what it acknowledged before is answered a round trip later
      await wire.seen(rst.from('client').nth(1 + (await wire.count(ack.from('server')))));
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
      text: 'with linger 1 or 2, close() returns when the acknowledgement of its FIN has come or its time is over, whichever is first, without waiting for the FIN of the other end',
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
      text: 'with nothing to send, a lingering close() costs a round trip',
      source: 'follows from the claim before; tolerance: 200 ms above for a busy machine',
      when: ({ linger, loss, sent }) => Number(linger) > 0 && loss === 0 && sent === 'nothing',
      holds: (facts, { roundTrip }) =>
        facts['client.closeMs'] >= roundTrip && facts['client.closeMs'] < roundTrip + busyMs,
    },
    {
      id: 'and-a-delayed-ack',
      text: 'behind a byte to which the other application sends no answer, a lingering close() costs a round trip and a delayed acknowledgement',
      source: 'TCP_DELACK_MIN in include/net/tcp.h, 40 ms; tolerance: a tick at HZ=100 below, a busy machine above',
      when: ({ linger, loss, sent }) => Number(linger) > 0 && loss === 0 && sent === 'byte',
      holds: (facts, { roundTrip }) =>
        facts['client.closeMs'] >= roundTrip + delayedAckMs && facts['client.closeMs'] < roundTrip + 40 + busyMs,
    },
    {
      id: 'as-long-as-the-data-takes',
      text: '500 kB take more than five round trips: at a round trip of 200 ms linger 1 is too short, and close() returns before its FIN is acknowledged',
      source: 'RFC 6928: ten segments in the first round trip; RFC 5681 §3.1: at most twice as many in the next',
      when: ({ linger, roundTrip, sent }) => linger === 1 && roundTrip === 200 && sent === '500kB',
      holds: (facts) => facts['client.closeAfterAckMs'] < 0,
    },
    {
      id: 'answers-0',
      text: 'close() answers 0 whether its time was enough or not',
      source: 'tcp_close() in net/ipv4/tcp.c: returns nothing',
      holds: (facts) => facts.closed === 'ok',
    },
    {
      id: 'off-waits-for-nothing',
      text: 'with SO_LINGER off close() returns at once',
      source: 'inet_release() in net/ipv4/af_inet.c; tolerance: a round trip, where there is none a busy machine',
      when: ({ linger }) => linger === 'off',
      holds: (facts, { roundTrip }) => facts['client.closeMs'] < (roundTrip || busyMs),
    },
    {
      id: 'nothing-is-lost',
      text: 'with SO_LINGER off, 1 or 2, too short or not, on a path that loses up to 10 % of the segments, behind a window that was closed for some 2 s: every byte arrives, then a FIN',
      source: '__tcp_close() in net/ipv4/tcp.c: what is left is an orphan in FIN-WAIT-1, which goes on',
      when: ({ linger }) => linger !== 0,
      holds: (facts, { sent }) => facts['client.delivered'] === amounts[sent] && is(facts['client.closedWith'], 'FIN'),
    },
    {
      id: 'lost-is-sent-again',
      text: 'with SO_LINGER 1 or 2, segments that the path loses are sent again',
      source: 'RFC 9293 §3.8.1',
      when: ({ linger, loss }) => loss > 0 && linger !== 0,
      holds: (facts) => facts['client.retransmits'] > 0 && facts['client.resentAt'].length > 0,
    },
    {
      id: 'orphan-asks-again',
      text: 'behind a closed window the orphan asks whether it is still closed, the first time after an RTO, then when twice as long has passed since each answer',
      source:
        'RFC 9293 §3.8.6.1; tcp_probe_timer() in net/ipv4/tcp_timer.c. Tolerance: the wheel, an eighth, and a busy machine, 200 ms',
      when: ({ linger, reader }) => reader === 'stopped' && Number(linger) > 0,
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
      text: 'linger 0 waits for nothing and resets: what had left and arrived in order is read, the rest is lost; what the other end acknowledges of it later is answered by more RSTs',
      source:
        'RFC 9293 §3.10.5; tcp_disconnect() in net/ipv4/tcp.c; RFC 6928: ten segments. Tolerance: a round trip, where there is none a busy machine',
      when: ({ linger }) => linger === 0,
      holds: (facts, { roundTrip, loss, sent }) => {
        const left = Math.min(amounts[sent], firstWindow);
        const delivered = facts['client.delivered'];
        return (
          facts['client.closeMs'] < (roundTrip || busyMs) &&
          (loss > 0 ? delivered <= left : delivered === left) &&
          facts['client.lost'] === amounts[sent] - delivered &&
          is(errnos(facts['server.errors']), 'ECONNRESET') &&
          facts['client.closedWith'].length > (left > 0 ? 1 : 0) &&
          facts['client.closedWith'].every((segment) => segment === 'RST')
        );
      },
    },
    {
      id: 'zero-sends-nothing-again',
      text: 'with linger 0 what the path lost is not sent again: what arrived behind the hole is lost, too. The RST, which lies behind it, is believed without a challenge: it is at the end of the last SACK block',
      source:
        'RFC 9293 §3.10.5: what is queued for retransmission is flushed; RFC 5961 §3.2; tcp_validate_incoming() in net/ipv4/tcp_input.c: max_sack',
      when: ({ linger, loss }) => linger === 0 && loss > 0,
      holds: (facts) =>
        facts['client.resentAt'].length === 0 &&
        facts['client.delivered'] < firstWindow &&
        facts['client.delivered'] % segmentBytes === 0 &&
        facts['client.lostIn'].includes('network') &&
        (facts['counters.server.TcpExt.TCPChallengeACK'] ?? 0) === 0,
    },
  ],

  answer(outcomes) {
    type Asked = Partial<(typeof outcomes)[number]['cell']>;
    const of = (asked: Asked) =>
      outcomes.filter(({ cell }) =>
        Object.entries(asked).every(([name, value]) => cell[name as keyof typeof cell] === value),
      );
    /** `1012 ms with linger 1`; nothing where no such cell ran. */
    const held = (words: string, asked: Asked) =>
      of(asked)
        .slice(0, 1)
        .map(({ facts }) => `${Math.round(facts['client.closeMs'])} ms ${words}`);
    const list = (begins: string, ...times: readonly (readonly string[])[]) => {
      const known = times.flat();
      return known.length > 0 && `${begins} ${known.join(', ')}`;
    };
    const controls = [...new Set(of({ roundTrip: 200, sent: '500kB' }).map(({ facts }) => facts.congestion))];
    const far = { roundTrip: 200, sent: '500kB', reader: 'reads' } as const;
    const waited = outcomes.filter(({ cell }) => Number(cell.linger) > 0);
    const withAck = waited.filter(({ facts }) => facts['client.closeAfterAckMs'] >= 0);
    const sure = outcomes.filter(({ cell }) => cell.linger !== 0);
    const whole = sure.filter(({ facts }) => facts['client.lost'] === 0);
    const zero = outcomes.filter(({ cell }) => cell.linger === 0 && amounts[cell.sent] > 0);
    const losses = zero.map(({ facts }) => facts['client.lost']);
    return sentence(
      waited.length > 0 &&
        `a lingering close() returned with the acknowledgement of its FIN in ${share(withAck, waited)} cells, else when its time was over`,
      list(
        'with nothing to send it returned after',
        held('at a round trip of 50 ms', { linger: 1, sent: 'nothing', roundTrip: 50 }),
        held('at 200 ms', { linger: 1, sent: 'nothing', roundTrip: 200 }),
      ),
      list(
        `with 500 kB at 200 ms, under ${controls.join(' or ')}, it returned after`,
        held('with linger 1', { ...far, linger: 1, loss: 0 }),
        held('with linger 2', { ...far, linger: 2, loss: 0 }),
        held('at 1 % loss', { ...far, linger: 2, loss: 1 }),
        held('at 10 %', { ...far, linger: 2, loss: 10 }),
      ),
      list(
        'where the other end did not read it returned after',
        held('with linger 1', { reader: 'stopped', linger: 1, roundTrip: 50 }),
        held('with linger 2', { reader: 'stopped', linger: 2 }),
      ),
      sure.length > 0 && `linger off or positive lost no byte in ${share(whole, sure)}`,
      zero.length > 0 &&
        `linger 0 lost ${range(losses)} of ${largest(zero.map(({ cell }) => amounts[cell.sent]))} bytes`,
    );
  },
});
