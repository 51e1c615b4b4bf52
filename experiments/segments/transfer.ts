import {
  ack,
  data,
  experiment,
  finding,
  kind,
  largest,
  range,
  type SegmentSighting,
  share,
  syn,
  synAck,
} from 'lingerlab';

const sizes = { small: 100, large: 200_000 } as const;
/** Initial window of RFC 6928: full segments before the first acknowledgement. */
const initialWindow = 10;
/** Bytes of the timestamp option, RFC 7323 §3.2, with the padding that Linux adds. */
const timestampBytes = 12;
const sequenceSpace = 2 ** 32;
/** Bytes of the headers that the MSS leaves out: IPv4 or IPv6, and TCP without options. */
const headers = { 4: 40, 6: 60 } as const;

const mssOf = (opening: SegmentSighting) =>
  opening.segment.options.flatMap((option) => (option.kind === 'mss' ? option.value : []))[0] ?? 536;
const scaleOf = (opening: SegmentSighting) =>
  opening.segment.options.flatMap((option) => (option.kind === 'wscale' ? option.shift : []))[0] ?? 0;

/** Whether no byte was sent beyond the window advertised by then; both lists are in the order of the capture. */
function keptToWindow(
  sent: readonly SegmentSighting[],
  answers: readonly SegmentSighting[],
  opening: SegmentSighting,
): boolean {
  const scale = scaleOf(opening);
  // the window of a segment with SYN is never scaled, RFC 7323 §2.2
  const limits = answers.map((each) => {
    const { ack: acknowledged = 0, window, flags } = each.segment;
    return { n: each.n, right: acknowledged + (flags.includes('SYN') ? window : window << scale) };
  });
  return sent.every((each) => {
    const allowed = largest(limits.filter(({ n }) => n < each.n).map(({ right }) => right));
    return each.segment.seq! + each.segment.bytes <= allowed;
  });
}

export default experiment({
  id: 'transfer',
  question: 'How large are segments, and how many leave before an acknowledgement and within the window?',
  tags: [
    'MSS',
    'segments',
    'window scale',
    'initial congestion window',
    'cwnd',
    'initcwnd',
    'delayed ACK',
    'timestamps',
  ],
  symptoms: ['how many packets for a response', 'how large is a segment', 'slow start'],
  factors: { bytes: ['small', 'large'], timestamps: ['on', 'off'], family: [4, 6] },
  words: {
    bytes: {
      text: 'bytes that the client writes',
      values: { small: `${sizes.small}`, large: sizes.large.toLocaleString('en') },
    },
    timestamps: { text: 'TCP timestamps (tcp_timestamps)', values: { on: 'on', off: 'off' } },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  only: ({ bytes, timestamps, family }) => family === 4 || (bytes === 'large' && timestamps === 'on'),
  network: 'wire',
  sysctls: ({ timestamps }) => ({
    'net.ipv4.tcp_timestamps': timestamps === 'on' ? 1 : 0,
    // a tail loss probe, RFC 8985 §7, would be one more segment while the acknowledgements are held
    'net.ipv4.tcp_early_retrans': 0,
  }),
  measures: {
    mss: kind.bytes({ label: 'MSS offered', text: "maximum segment size that the server's SYN-ACK offers" }),
    largest: kind.bytes({ label: 'largest segment', text: 'largest payload of a segment' }),
    segments: kind.count({
      label: 'data segments',
      text: 'data segments, without retransmissions',
      compare: 'measurement',
    }),
    flight: kind.count({
      label: 'segments before the first ACK',
      text: 'data segments before the first acknowledgement of data',
    }),
    acknowledgements: kind.count({ label: 'ACKs', text: 'bare acknowledgements of data', compare: 'measurement' }),
    lastIsPushed: kind.boolean({ text: 'the last data segment has PSH' }),
    withinWindow: kind.boolean({ text: 'the client sends no byte beyond the window that the server has advertised' }),
    firstWindow: kind.bytes({
      label: 'window of the SYN-ACK',
      text: 'window of the SYN-ACK, not scaled (RFC 7323 §2.2)',
    }),
    largestWindow: kind.bytes({
      label: 'largest window',
      text: 'largest window that the server advertises later, scaled by the shift in the SYN-ACK',
      compare: 'measurement',
    }),
    acknowledged: kind.bytes({ text: 'bytes that the last acknowledgement before the FIN acknowledges' }),
  },
  shows: ['mss', 'largest', 'flight', 'segments', 'acknowledgements', 'firstWindow', 'largestWindow'],

  async scenario({ client, server, wire, closeInTurn, note }, { bytes: size, family }) {
    const bytes = sizes[size];
    const [near, far] = await client.connect(await server.listen({ family }));
    const held = await wire.hold(ack.from('server').withAck(2, sequenceSpace));
    const [opens, accepts] = [await wire.seen(syn), await wire.seen(synAck)];
    const writing = near.write(bytes);
    await wire.seen(data.from('client').nth(size === 'small' ? 1 : initialWindow));
    await far.received(1);
    // all data segments of the client since the SYN-ACK
    const dataSince = async () => (await wire.answers(accepts)).filter((each) => each.segment.bytes > 0);
    note('flight', new Set((await dataSince()).map((each) => each.segment.seq)).size);
    await held.lift();
    await held.release();
    await writing;
    await far.received(bytes);
    await wire.seen(ack.from('server').withAck(bytes + 1));

    const sent = await dataSince();
    const answers = (await wire.answers(opens)).filter((each) => each.segment.ack !== undefined);
    const first = new Map(sent.map((each) => [each.segment.seq, each] as const).toReversed());
    note('segments', first.size);
    note('largest', largest(sent.map((each) => each.segment.bytes)));
    note('mss', mssOf(accepts));
    note('acknowledgements', answers.filter((each) => each.segment.ack! > 1).length);
    note('acknowledged', largest(answers.map((each) => each.segment.ack!)) - 1);
    const last = sent.reduce((one, other) => (other.segment.seq! > one.segment.seq! ? other : one));
    note('lastIsPushed', last.segment.flags.includes('PSH'));
    note('withinWindow', keptToWindow(sent, answers, accepts));
    note('firstWindow', accepts.segment.window);
    const scale = scaleOf(accepts);
    note('largestWindow', largest(answers.slice(1).map((each) => each.segment.window << scale)));

    await closeInTurn(near, far, 'end');
  },

  claims: [
    {
      id: 'options-take-their-room',
      text: 'a segment carries at most the offered MSS less the bytes of its own options: 12 bytes with TCP timestamps',
      source: 'RFC 9293 §3.7.1: the MSS does not count options, the sender subtracts them from its data; RFC 6691 §2',
      when: ({ bytes }) => bytes === 'large',
      holds: (facts, { timestamps }) => facts.largest === facts.mss - (timestamps === 'on' ? timestampBytes : 0),
    },
    {
      id: 'ten-at-first',
      text: 'the client sends exactly ten full segments before the first acknowledgement of data',
      source: 'RFC 6928 §2; TCP_INIT_CWND in include/net/tcp.h',
      when: ({ bytes }) => bytes === 'large',
      holds: (facts) => facts.flight === initialWindow,
    },
    {
      id: 'one-is-enough',
      text: `the client sends ${sizes.small} bytes in one segment, with PSH`,
      source: 'RFC 9293 §3.9.1.2: PSH in the last segment of a send; tcp_push() in net/ipv4/tcp.c',
      when: ({ bytes }) => bytes === 'small',
      holds: (facts) => facts.segments === 1 && facts.flight === 1 && facts.lastIsPushed,
    },
    {
      id: 'within-the-window',
      text: 'the client sends no byte beyond the window that the server has advertised by then',
      source: 'RFC 9293 §3.8.6; tcp_snd_wnd_test() in net/ipv4/tcp_output.c',
      holds: (facts) => facts.withinWindow,
    },
    {
      id: 'all-acknowledged',
      text: 'the server acknowledges every byte; for many segments it sends fewer acknowledgements than segments',
      source: 'RFC 9293 §3.8.6.3; __tcp_ack_snd_check() in net/ipv4/tcp_input.c',
      holds: (facts, { bytes }) =>
        facts.acknowledged === sizes[bytes] && (bytes === 'small' || facts.acknowledgements < facts.segments),
    },
  ],

  answer(outcomes) {
    const of = (bytes: keyof typeof sizes) => outcomes.filter(({ cell }) => cell.bytes === bytes);
    const [small, large] = [of('small'), of('large')];
    const kept = outcomes.filter(({ facts }) => facts.withinWindow);
    const full = large.filter(
      ({ cell, facts }) => facts.largest === facts.mss - (cell.timestamps === 'on' ? timestampBytes : 0),
    );
    const fewer = large.filter(({ facts }) => facts.acknowledgements < facts.segments);
    const alone = small.filter(({ facts }) => facts.segments === 1 && facts.lastIsPushed);
    const flights = range(large, ({ facts }) => facts.flight);
    const kB = range(large, ({ facts }) => (facts.flight * facts.largest) / 1000, { digits: 1, unit: 'kB' });
    const mtus = range(large, ({ cell, facts }) => facts.mss + headers[cell.family]);
    const isTen = large.every(({ facts }) => facts.flight === initialWindow);
    return {
      headline:
        large.length > 0
          ? `At MTU ${mtus} a new connection sends ${flights} segments (${kB}), then waits for an ACK.`
          : small.length > 0 &&
            (alone.length === small.length
              ? `A write of ${sizes.small} bytes leaves in one segment.`
              : `A write of ${sizes.small} bytes leaves in one segment in ${share(alone, small)} cases only.`),
      findings: [
        finding(
          flights,
          isTen
            ? `The client sends ${flights} full segments before the first acknowledgement: the initial window of RFC 6928.`
            : `The client sends ${flights} segments before the first acknowledgement; the initial window of RFC 6928 is ${initialWindow}.`,
        ),
        finding(
          share(full, large),
          'A full segment carries the MSS of the other end less the options: 12 bytes less with TCP timestamps.',
        ),
        finding(share(kept, outcomes), 'The client sends no byte beyond the window that the server has advertised.'),
        finding(
          share(fewer, large),
          `Of ${sizes.large.toLocaleString('en')} bytes the server acknowledges several segments at once: it sends fewer ACKs than it receives segments.`,
        ),
        finding(share(alone, small), `A write of ${sizes.small} bytes leaves in one segment, with PSH.`),
      ],
    };
  },
});
