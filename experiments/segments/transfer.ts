import {
  ack,
  data,
  experiment,
  kind,
  largest,
  range,
  type SegmentSighting,
  sentence,
  share,
  syn,
  synAck,
} from 'lingerlab';

const sizes = { small: 100, large: 200_000 } as const;
/** RFC 6928: so many full segments before the first acknowledgement. */
const initialWindow = 10;
/** RFC 7323 §3.2, with the padding that Linux gives it. */
const timestampBytes = 12;
const sequenceSpace = 2 ** 32;

const mssOf = (opening: SegmentSighting) =>
  opening.segment.options.flatMap((option) => (option.kind === 'mss' ? option.value : []))[0] ?? 536;
const scaleOf = (opening: SegmentSighting) =>
  opening.segment.options.flatMap((option) => (option.kind === 'wscale' ? option.shift : []))[0] ?? 0;

/** Whether no byte was sent beyond what the other end had allowed by then; both in the order of the capture. */
function keptToWindow(
  sent: readonly SegmentSighting[],
  answers: readonly SegmentSighting[],
  opening: SegmentSighting,
): boolean {
  const scale = scaleOf(opening);
  // the window of a SYN is never scaled, RFC 7323 §2.2
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
  question: 'In which segments do bytes travel, how many before an acknowledgement, and within which window?',
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
  only: ({ bytes, timestamps, family }) => family === 4 || (bytes === 'large' && timestamps === 'on'),
  network: 'wire',
  sysctls: ({ timestamps }) => ({
    'net.ipv4.tcp_timestamps': timestamps === 'on' ? 1 : 0,
    // a tail loss probe, RFC 8985 §7, would send one more segment while the acknowledgements are held
    'net.ipv4.tcp_early_retrans': 0,
  }),
  measures: {
    mss: kind.bytes({ text: "maximum segment size that the server's SYN-ACK offered" }),
    largest: kind.bytes({ text: 'the largest payload of a segment' }),
    segments: kind.count({ text: 'data segments, those sent again apart', compare: 'measurement' }),
    flight: kind.count({ text: 'data segments before the first acknowledgement came' }),
    acknowledgements: kind.count({ text: 'bare acknowledgements of data', compare: 'measurement' }),
    lastIsPushed: kind.boolean({ text: 'the last data segment had PSH' }),
    withinWindow: kind.boolean({ text: 'no byte was sent beyond the window that the server had advertised' }),
    firstWindow: kind.bytes({
      text: 'window of the SYN-ACK, in bytes as it stands: in a segment with SYN it is never scaled, RFC 7323 §2.2',
    }),
    largestWindow: kind.bytes({
      text: 'the largest window that the server advertised later, its field shifted by the scale of the SYN-ACK',
      compare: 'measurement',
    }),
    acknowledged: kind.bytes({ text: 'what the last acknowledgement before the FIN acknowledged' }),
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
    // all that the client has said since the SYN-ACK, and nothing more for now
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
      text: 'no segment carries more than the offered maximum less the options of each: 12 bytes of timestamps',
      source: 'RFC 9293 §3.7.1: the MSS does not count options, the sender reduces its data by them; RFC 6691 §2',
      when: ({ bytes }) => bytes === 'large',
      holds: (facts, { timestamps }) => facts.largest === facts.mss - (timestamps === 'on' ? timestampBytes : 0),
    },
    {
      id: 'ten-at-first',
      text: 'before the first acknowledgement of data ten full segments are sent, and not one more',
      source: 'RFC 6928 §2; TCP_INIT_CWND in include/net/tcp.h',
      when: ({ bytes }) => bytes === 'large',
      holds: (facts) => facts.flight === initialWindow,
    },
    {
      id: 'one-is-enough',
      text: `${sizes.small} bytes are sent in one segment, with PSH`,
      source: 'RFC 9293 §3.9.1.2: PSH in the last segment of a send; tcp_push() in net/ipv4/tcp.c',
      when: ({ bytes }) => bytes === 'small',
      holds: (facts) => facts.segments === 1 && facts.flight === 1 && facts.lastIsPushed,
    },
    {
      id: 'within-the-window',
      text: 'the client sends no byte beyond the window that the server had advertised by then',
      source: 'RFC 9293 §3.8.6; tcp_snd_wnd_test() in net/ipv4/tcp_output.c',
      holds: (facts) => facts.withinWindow,
    },
    {
      id: 'all-acknowledged',
      text: 'every byte is acknowledged, with fewer acknowledgements than segments where there are many',
      source: 'RFC 9293 §3.8.6.3; __tcp_ack_snd_check() in net/ipv4/tcp_input.c',
      holds: (facts, { bytes }) =>
        facts.acknowledged === sizes[bytes] && (bytes === 'small' || facts.acknowledgements < facts.segments),
    },
  ],

  answer(outcomes) {
    type Facts = (typeof outcomes)[number]['facts'];
    const each = (of: readonly Facts[], name: keyof Facts & ('largest' | 'flight' | 'segments' | 'acknowledgements')) =>
      range(of.map((facts) => facts[name]));
    const factsOf = (bytes: keyof typeof sizes) =>
      outcomes.flatMap(({ cell, facts }) => (cell.bytes === bytes ? [facts] : []));
    const [small, large] = [factsOf('small'), factsOf('large')];
    const kept = outcomes.filter(({ facts }) => facts.withinWindow);
    return sentence(
      large.length > 0 &&
        `${sizes.large.toLocaleString('en')} bytes went in ${each(large, 'segments')} segments of up to ${each(large, 'largest')} bytes, ` +
          `${each(large, 'flight')} of them before the first acknowledgement, with ${each(large, 'acknowledgements')} acknowledgements`,
      small.length > 0 && `${sizes.small} bytes in ${each(small, 'segments')}`,
      outcomes.length > 0 && `${share(kept, outcomes)} kept to the window, which is not scaled in a SYN-ACK`,
    );
  },
});
