import {
  ack,
  experiment,
  fin,
  finding,
  is,
  kind,
  rst,
  type SegmentSighting,
  type Side,
  type Stage,
  share,
  syn,
  synAck,
} from 'lingerlab';

const measures = {
  before: kind.outcome({ label: 'state before', text: 'state of the closing end just before the close, by ss' }),
  after: kind.outcome({ label: 'state after', text: 'state of the closing end after the close, by ss' }),
  sentAtClose: {
    ...kind.word('nothing', 'FIN', 'RST'),
    label: 'sent at the close',
    text: 'segment that the closing end sent when it closed',
  },
  answered: {
    ...kind.word('nothing', 'RST'),
    label: 'answer to a late segment',
    text: 'answer to the segment of the other end that arrived late',
  },
  others: kind.outcome({ label: "other end's connect(2)", text: "result of the other end's connect(2)" }),
} as const;
type Played = Stage<readonly [], typeof measures>;
const isReset = ({ segment }: SegmentSighting) => segment.flags.includes('RST');
const answeredWith = (segments: readonly SegmentSighting[]) => (segments.some(isReset) ? 'RST' : 'nothing');

/**
 * The kernel drops a request whose listener is closed when it would send the SYN-ACK again, after TCP_TIMEOUT_INIT. The look must
 * come before that, also on a busy machine.
 */
const requestMs = 900;

/**
 * Once a SYN-ACK has been sent again by its timer, the kernel keeps the FIN until that is acknowledged: the congestion window is one
 * segment. On the wire a FIN is at once.
 */
const sentSeconds = 0.2;

interface Late {
  /** When the look after the close comes too late, on the clock of performance.now(). */
  readonly until?: number;
  /** Whether what the close sends may be held back. */
  readonly isHeldBack?: () => Promise<boolean>;
}

/** Closes an end; notes its state before and, where ss answers in time, after the close, and the segment that it sent. */
async function closing(
  { wire, look, note, noteUnknown }: Played,
  end: Side,
  close: () => Promise<unknown>,
  { until = Number.POSITIVE_INFINITY, isHeldBack }: Late = {},
): Promise<void> {
  const closers = fin.or(rst).from(end.end);
  note('before', (await look(end))?.state ?? '–');
  await close();
  // count() also counts segments that a rule drops or holds
  const closer = (await wire.count(closers)) > 0 ? await wire.seen(closers) : undefined;
  if (!closer && (await isHeldBack?.()))
    noteUnknown(
      'sentAtClose',
      'the SYN-ACK was sent again before the close, and a FIN waits until that is acknowledged',
    );
  else note('sentAtClose', closer ? (isReset(closer) ? 'RST' : 'FIN') : 'nothing');
  const after = (await look(end))?.state ?? '–';
  if (performance.now() < until) note('after', after);
  else noteUnknown('after', 'the look came so late that the request may have been given up');
}

export default experiment({
  id: 'close-while-opening',
  question: 'What does a close do to a connection that is not open yet?',
  tags: ['SYN-SENT', 'SYN-RECEIVED', 'request socket', 'accept queue', 'RST', 'simultaneous open'],
  symptoms: ['cancel a connect', 'close a socket while it connects', 'abort connect()'],
  factors: {
    state: ['SYN-SENT', 'SYN-RECEIVED', 'request'],
    linger: ['off', 'zero'],
  },
  words: {
    state: {
      text: 'how far the connection is when an end closes',
      values: {
        'SYN-SENT': 'the client has sent its SYN; the client closes',
        'SYN-RECEIVED': 'both ends have sent a SYN to each other; the client closes its socket in SYN-RECEIVED',
        request: "the client's ACK has not arrived; the server closes its listener",
      },
    },
    linger: { text: 'SO_LINGER of the socket that closes', values: { off: 'not set', zero: 'SO_LINGER 0' } },
  },
  network: 'wire',
  seconds: 1.5,
  measures,
  shows: ['client.path', 'server.path', 'before', 'sentAtClose', 'after', 'answered', 'others', 'client.errors'],

  async scenario(stage, { state, linger }) {
    const { client, server, wire, until, note } = stage;

    if (state === 'SYN-SENT') {
      const listener = await server.listen();
      const late = await wire.hold(synAck, { times: 1 });
      // a busy machine may need the second after which the SYN-ACK is sent again to see the request
      await wire.drop(synAck);
      const near = await client.open(listener);
      if (linger === 'zero') await near.set('SO_LINGER', 0);
      await wire.seen(synAck);
      await until(near.other, 'SYN-RECEIVED');
      await closing(stage, near, async () => {
        await near.close('destroy');
        await until(near, 'CLOSED');
      });
      await late.release();
      note('answered', answeredWith(await wire.answers(await wire.seen(synAck))));
      await until(near.other, 'CLOSED');
      return;
    }

    if (state === 'SYN-RECEIVED') {
      const [here, there] = [client.place(), server.place()];
      // the server receives only what the client sends when it closes, and then the client's SYN-ACK
      await wire.drop(syn.from('client'));
      const held = await wire.hold(synAck.from('client').or(fin.from('client')));
      const near = await client.open(there, { localPort: here.at.port });
      const far = await server.open(here, { localPort: there.at.port });
      if (linger === 'zero') await near.set('SO_LINGER', 0);
      await until(near, 'SYN-RECEIVED');
      await wire.seen(synAck);
      const close = async () => {
        await near.close('destroy');
        await until(near, 'FIN-WAIT-1', 'CLOSED');
        await wire.seen(fin.or(rst).from('client'), { within: sentSeconds });
      };
      await closing(stage, near, close, { isHeldBack: async () => (await wire.count(synAck.from('client'))) > 1 });
      await held.lift();
      // the RST has ended the connection that the SYN-ACK belongs to
      if (linger === 'off') await held.release();
      else await held.discard();
      const answer = await far.connected().answer();
      note('others', answer.outcome);
      if (!answer.ok) return;
      await far.ended();
      await far.close();
      await until(near, 'TIME-WAIT');
      await until(far, 'CLOSED');
      return;
    }

    const listener = await server.listen();
    if (linger === 'zero') await listener.set('SO_LINGER', 0);
    const late = await wire.hold(ack.from('client'), { times: 1 });
    // the client acknowledges each SYN-ACK that is sent again
    await wire.drop(ack.from('client').withAck(1));
    const began = performance.now();
    const near = await client.open(listener);
    await near.connected();
    await wire.seen(ack.from('client'));
    await closing(stage, near.other, async () => listener.close(), { until: began + requestMs });
    await late.release();
    note('answered', answeredWith(await wire.answers(await wire.seen(ack.from('client')))));
    await near.gone();
    await until(near.other, 'CLOSED');
  },

  claims: [
    {
      id: 'syn-sent-just-goes',
      text: 'a close in SYN-SENT removes the socket and sends nothing, also with SO_LINGER 0',
      source: 'RFC 9293 §3.10.4, §3.10.5: SYN-SENT; tcp_need_reset() in net/ipv4/tcp.c',
      when: ({ state }) => state === 'SYN-SENT',
      holds: (facts) =>
        facts.before === 'SYN-SENT' &&
        facts.sentAtClose === 'nothing' &&
        facts.after === '–' &&
        is(facts['client.path'], 'SYN-SENT', 'CLOSED'),
    },
    {
      id: 'late-syn-ack',
      text: 'after a close in SYN-SENT, a RST answers the SYN-ACK that arrives later, and the server drops its mini-socket in SYN-RECEIVED',
      source: 'RFC 9293 §3.10.7.1; tcp_check_req() in net/ipv4/tcp_minisocks.c',
      when: ({ state }) => state === 'SYN-SENT',
      holds: (facts) => facts.answered === 'RST' && is(facts['server.path'], 'SYN-RECEIVED', 'CLOSED'),
    },
    {
      id: 'counted-though-not-sent',
      text: 'TCPAbortOnData counts a close with SO_LINGER 0 in SYN-SENT, although no data is lost and nothing is sent',
      source: '__tcp_close() in net/ipv4/tcp.c counts the close before it reads the state',
      when: ({ state, linger }) => state === 'SYN-SENT' && linger === 'zero',
      holds: (facts) => facts['counters.client.TcpExt.TCPAbortOnData'] === 1 && facts.sentAtClose === 'nothing',
    },
    {
      id: 'syn-received-sends-fin',
      text: 'a socket that closes in SYN-RECEIVED, after SYNs that crossed, sends a FIN and goes to FIN-WAIT-1 without ESTABLISHED; the other end connects and reads the end of the stream',
      source: 'RFC 9293 §3.10.4: SYN-RECEIVED; new_state[] in net/ipv4/tcp.c',
      when: ({ state, linger }) => state === 'SYN-RECEIVED' && linger === 'off',
      holds: (facts) =>
        facts.sentAtClose === 'FIN' &&
        is(facts['client.path'], 'SYN-SENT', 'SYN-RECEIVED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT') &&
        facts.others === 'ok' &&
        facts['server.sawEnd'],
    },
    {
      id: 'syn-received-resets',
      text: 'a socket that closes in SYN-RECEIVED, after SYNs that crossed, with SO_LINGER 0 sends a RST; the other end, in SYN-SENT, fails with ECONNREFUSED',
      source: 'RFC 9293 §3.10.5: SYN-RECEIVED; tcp_need_reset() in net/ipv4/tcp.c, tcp_reset() in net/ipv4/tcp_input.c',
      when: ({ state, linger }) => state === 'SYN-RECEIVED' && linger === 'zero',
      holds: (facts) =>
        facts.sentAtClose === 'RST' &&
        is(facts['client.path'], 'SYN-SENT', 'SYN-RECEIVED', 'CLOSED') &&
        facts.others === 'ECONNREFUSED',
    },
    {
      id: 'request-outlives-its-listener',
      text: 'when a listener closes, nothing is sent, and the mini-socket of a handshake that waits for its ACK stays in SYN-RECEIVED; a RST answers the ACK, and the connected client reads ECONNRESET',
      source:
        'tcp_v4_rcv() in net/ipv4/tcp_ipv4.c drops a request whose listener is closed when a segment arrives; reqsk_timer_handler() in net/ipv4/inet_connection_sock.c drops the request when it would send the SYN-ACK again, after 1 s: ss looks before that',
      when: ({ state }) => state === 'request',
      holds: (facts) =>
        facts.before === 'SYN-RECEIVED' &&
        facts.sentAtClose === 'nothing' &&
        facts.after === 'SYN-RECEIVED' &&
        is(facts['server.closedWith'], 'RST') &&
        facts['client.errors'].at(-1)?.errno === 'ECONNRESET',
    },
  ],

  answer(outcomes) {
    const of = (state: string, linger?: string) =>
      outcomes.filter(({ cell }) => cell.state === state && (linger === undefined || cell.linger === linger));
    const [sending, plain, zero, requests] = [
      of('SYN-SENT'),
      of('SYN-RECEIVED', 'off'),
      of('SYN-RECEIVED', 'zero'),
      of('request'),
    ];
    const silent = sending.filter(({ facts }) => facts.sentAtClose === 'nothing');
    const answered = sending.filter(({ facts }) => facts.answered === 'RST');
    const opened = plain.filter(({ facts }) => facts.sentAtClose === 'FIN' && facts.others === 'ok');
    const refused = zero.filter(({ facts }) => facts.sentAtClose === 'RST' && facts.others === 'ECONNREFUSED');
    const kept = requests.filter(({ facts }) => facts.after === 'SYN-RECEIVED' && facts.sentAtClose === 'nothing');
    const reset = requests.filter(({ facts }) => facts['client.errors'].at(-1)?.errno === 'ECONNRESET');
    const sent = (chosen: typeof outcomes) =>
      [...new Set(chosen.map(({ facts }) => facts.sentAtClose))]
        .sort()
        .join(' or ')
        .replace(/^(?!nothing)/, 'a ');
    const received = [...plain, ...zero];
    const closes = [
      ...(sending.length > 0 ? [`${sent(sending)} in SYN-SENT`] : []),
      ...(received.length > 0
        ? [`${sent(received)} after crossed SYNs${plain.length === 0 ? ' (linger 0)' : ''}`]
        : []),
    ];
    return {
      headline:
        closes.length > 0
          ? `A close sends ${closes.join(' and ')}.`
          : requests.length > 0 &&
            (reset.length === requests.length
              ? 'Closing a listener resets a connected client whose ACK has not arrived.'
              : 'Closing a listener does not always reset a client whose ACK is missing.'),
      findings: [
        finding(
          share(reset, requests),
          "A connected client reads ECONNRESET if the listener closes before the client's ACK arrives.",
        ),
        finding(
          share(kept, requests),
          'When the listener closes before the ACK arrives, the server sends nothing at first: its end stays in SYN-RECEIVED.',
        ),
        finding(share(silent, sending), 'A close in SYN-SENT sends nothing.'),
        finding(share(answered, sending), 'A RST answers the SYN-ACK that arrives after a close in SYN-SENT.'),
        finding(
          share(opened, plain),
          'In SYN-RECEIVED of a simultaneous open, a close sends a FIN; connect(2) of the other end succeeds all the same.',
        ),
        finding(
          share(refused, zero),
          'In SYN-RECEIVED of a simultaneous open, a close with SO_LINGER 0 sends a RST; connect(2) of the other end fails with ECONNREFUSED.',
        ),
      ],
    };
  },
});
