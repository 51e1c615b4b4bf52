import { errnos, experiment, finding, is, share } from 'lingerlab';

/** Bytes of the request, by what the server has done with the request when it closes. */
const bodies = {
  /** The application has read all. */
  read: 1_000,
  /** The application has read nothing; net has read all into its own buffer of 64 KiB. */
  buffered: 1_000,
  /** More than net's buffer and the server's kernel can hold: the rest waits in the client's kernel. */
  unread: 1_000_000,
  /** More than both kernels hold: the client is still sending. */
  'still-coming': 16_000_000,
  /** The application has read all; the client sends as much again after the server has closed. */
  follows: 1_000,
} as const;
const answers = { short: 1_000, long: 200_000 } as const;
const lingerSeconds = 1;

type Asked = { readonly closes: string; readonly body: string; readonly client: string };
const half = 'half-close';
/** Whether the server closes on data that its kernel holds unread. */
const onData = ({ closes, body }: Asked) => closes !== half && (body === 'unread' || body === 'still-coming');
/** Whether data arrives after the server has closed. */
const tooLate = ({ closes, body }: Asked) => closes !== half && body === 'follows';
const clean = ({ closes, body }: Asked) => closes !== half && (body === 'read' || body === 'buffered');
/** Whether close(2) lingers for a client that does not read all of the answer in time. */
const waitsInVain = (cell: Asked & { readonly answer: string }) =>
  cell.closes === 'linger' && cell.answer === 'long' && cell.client !== 'prompt' && !onData(cell);
/** Whether the client's write fails with the RST before the client has read any of the answer. */
const failsFirst = ({ body, client }: Asked) => body === 'still-coming' && client === 'late';

export default experiment({
  id: 'lost-answer',
  question: 'A server answers early and closes with the request unread: does the client read the answer?',
  tags: ['ECONNRESET', 'RST', 'unread data', 'lingering close', 'TCPAbortOnClose', 'TCPAbortOnData', 'HTTP'],
  symptoms: [
    'connection reset after response',
    'client does not read the error response',
    'connection reset by peer while uploading',
    '413 or 401 response is lost',
  ],
  factors: {
    closes: ['close', 'linger', half],
    body: ['read', 'buffered', 'unread', 'still-coming', 'follows'],
    client: ['prompt', 'busy', 'late'],
    answer: ['short', 'long'],
  },
  words: {
    closes: {
      text: 'how the server closes after it has written the answer',
      values: {
        close: "net's destroy(), which calls close(2)",
        linger: `SO_LINGER ${lingerSeconds}, then net's destroy()`,
        [half]: "net's end(); then the server reads the request to its end",
      },
    },
    body: {
      text: 'where the request is when the server closes',
      values: {
        read: 'the server has read all of the request',
        buffered: "in net's buffer; the server's kernel holds nothing",
        unread: "partly unread in the server's kernel",
        'still-coming': "partly unread in the server's kernel; the client is still sending",
        follows: 'the server has read all; more data arrives after the close',
      },
    },
    client: {
      text: 'when the client reads the answer',
      values: {
        prompt: 'before the server closes',
        busy: 'after the server closes: the client is stopped (SIGSTOP) until then',
        late: 'when all of its request is written, or the write has failed',
      },
    },
    answer: {
      text: 'bytes of the answer',
      values: {
        short: `${answers.short.toLocaleString('en')}: fits into the client's kernel`,
        long: `${answers.long.toLocaleString('en')}: does not fit into the client's kernel`,
      },
    },
  },
  only: (cell) =>
    (cell.body !== 'follows' || cell.client === 'late') &&
    (cell.answer === 'short' || (cell.client !== 'prompt' && !waitsInVain(cell))),
  // a D-SACK answers a tail loss probe that crosses a delayed ACK, and takes 12 bytes of a data segment: chance would decide how
  // much fits into the window
  sysctls: () => ({ 'net.ipv4.tcp_early_retrans': 0 }),
  seconds: (cell) => (waitsInVain(cell) ? lingerSeconds + 0.3 : 0.2),
  shows: [
    'server.delivered',
    'server.lostIn',
    'client.lostIn',
    'client.sawEnd',
    'client.errors',
    'server.closedWith',
    'counters.lab.TcpExt.TCPAbortOnClose',
    'counters.lab.TcpExt.TCPAbortOnData',
    'client.path',
    'server.path',
  ],

  async scenario({ client, server, until }, { closes, body, client: reads, answer }) {
    const read = body === 'read' || body === 'follows';
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    if (!read) await far.pause();
    const sent = near.write(bodies[body]).answer();
    // a peer takes steps in order: when it returns TCP_INFO, the kernel has taken as much of the body as it can
    await (body === 'still-coming' ? near.info() : sent);
    if (read) await far.received(bodies[body]);

    if (reads === 'late') await near.stopReading();
    if (reads === 'busy') {
      await client.signal('SIGSTOP');
    }
    await far.write(answers[answer]);
    if (reads === 'prompt') await near.received(answers[answer]);

    if (closes === 'linger') await far.set('SO_LINGER', lingerSeconds);
    await far.close(closes === half ? 'end' : 'destroy');
    if (closes === half) await far.resume();
    // the FIN waits until an answer that does not fit has left; the acknowledgement of a FIN can be delayed
    await until(far, answer === 'long' ? 'FIN-WAIT-1' : 'FIN-WAIT-2', 'CLOSED');

    if (reads === 'busy') await client.signal('SIGCONT');
    if (body === 'follows') await near.write(bodies[body]);
    // a late client reads when its write has ended or failed
    if (reads === 'late') {
      await sent;
      await near.resume();
    }
    const end = await near.ended().answer();
    await sent;
    if (end.ok) {
      // an ACK that crosses the second FIN would reach TIME-WAIT, whose answer would be reset (RFC 1337)
      await until(far, 'FIN-WAIT-2', 'CLOSED');
      await near.close('end');
    }
    await Promise.all([near.gone(), far.gone(), until(near, 'CLOSED'), until(far, 'TIME-WAIT', 'CLOSED')]);
  },

  claims: [
    {
      id: 'unread-data-resets',
      text: 'close(2) sends a RST instead of a FIN if the kernel holds unread data of the request',
      source: 'RFC 1122 §4.2.2.13; RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: data_was_unread',
      when: onData,
      holds: (facts) => is(facts['server.closedWith'], 'RST') && facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1,
    },
    {
      id: 'linger-does-not-help',
      text: 'SO_LINGER 1 does not prevent the RST of a close with request data unread, and close(2) does not wait',
      source:
        '__tcp_close() in net/ipv4/tcp.c checks for unread data before SOCK_LINGER. Tolerance: half of the SO_LINGER time',
      when: (cell) => onData(cell) && cell.closes === 'linger',
      holds: (facts) =>
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 && facts['server.closeMs'] < (lingerSeconds * 1000) / 2,
    },
    {
      id: 'drained-is-read',
      text: "data in net's own buffer does not count as unread: close(2) sends a FIN, and the client reads the whole answer",
      source: 'Node.js documentation, readable.pause(), highWaterMark; __tcp_close() checks sk_receive_queue only',
      when: clean,
      holds: (facts, { answer }) =>
        facts['server.delivered'] === answers[answer] &&
        facts['client.sawEnd'] &&
        facts['client.errors'].length === 0 &&
        facts['counters.lab.Tcp.OutRsts'] === 0,
    },
    {
      id: 'drained-is-lost',
      text: "a request that the application does not read is lost in net's buffer, not in a kernel; the client reads no error",
      source: 'RFC 793 §2.6: an acknowledgment does not guarantee that the data has been delivered to the end user',
      when: (cell) => clean(cell) && cell.body === 'buffered',
      holds: (facts) => is(facts['client.lostIn'], 'readBuffer') && facts['client.errors'].length === 0,
    },
    {
      id: 'half-close-delivers',
      text: 'if the server half-closes and then reads the request to its end, the client reads the whole answer and its end without an error',
      source: 'RFC 9112 §9.6; nginx documentation, lingering_close',
      when: ({ closes }) => closes === half,
      holds: (facts, { answer }) =>
        facts['server.delivered'] === answers[answer] &&
        facts['client.sawEnd'] &&
        facts['client.errors'].length === 0 &&
        facts['counters.lab.Tcp.OutRsts'] === 0,
    },
    {
      id: 'error-behind-whole-answer',
      text: 'a client that has read the whole answer before the RST of unread data reads ECONNRESET instead of the end of the stream',
      source: 'RFC 9293 §3.10.7.4, second: RST bit; tcp_reset() in net/ipv4/tcp_input.c',
      when: (cell) => onData(cell) && cell.client === 'prompt',
      holds: (facts, { answer }) =>
        facts['server.delivered'] === answers[answer] &&
        !facts['client.sawEnd'] &&
        errnos(facts['client.errors']).includes('ECONNRESET'),
    },
    {
      id: 'arrived-is-kept',
      text: 'the RST of unread data does not discard an answer that has arrived: a client that reads later still gets it, if none of its writes fails first',
      source:
        'tcp_reset() in net/ipv4/tcp_input.c leaves sk_receive_queue; tcp_recvmsg_locked() reads it before sk_err',
      when: (cell) => onData(cell) && cell.client !== 'prompt' && cell.answer === 'short' && !failsFirst(cell),
      holds: (facts, { answer }) => facts['server.delivered'] === answers[answer],
    },
    {
      id: 'unsent-is-lost',
      text: "of an answer longer than the client's window, the RST discards what the server has not sent; a client without a failed write reads what has arrived, then ECONNRESET",
      source: 'RFC 2525 §2.17; tcp_send_active_reset() in net/ipv4/tcp_output.c sends nothing that was queued',
      when: (cell) =>
        cell.answer === 'long' &&
        (onData(cell) ? cell.client !== 'prompt' && !failsFirst(cell) : tooLate(cell) && cell.client === 'late'),
      holds: (facts, cell) =>
        facts['server.delivered'] > 0 &&
        facts['server.delivered'] < answers[cell.answer] &&
        // after a FIN the kernel sends on until the client's data arrives: how much it sends is not observed
        (!onData(cell) || is(facts['server.lostIn'], 'sendQueue')) &&
        errnos(facts['client.errors']).includes('ECONNRESET'),
    },
    {
      id: 'sender-reads-nothing',
      text: 'a client that is still sending and has not read yet reads nothing of the answer: its write fails, and net destroys the socket with the data that the kernel has received',
      source: "Node.js documentation, net: event 'error', after which 'close' follows; RFC 9112 §9.6",
      when: (cell) => onData(cell) && failsFirst(cell),
      holds: (facts, { answer }) =>
        facts['server.delivered'] === 0 &&
        facts['server.lost.receiveQueue'] > 0 &&
        (answer === 'long' || is(facts['server.lostIn'], 'receiveQueue')) &&
        facts['client.errors'].some(({ call, errno }) => call === 'write' && errno === 'ECONNRESET'),
    },
    {
      id: 'late-data-resets',
      text: 'data that arrives after the server has closed is lost, and a RST answers the data, although nothing was unread at the close',
      source: 'RFC 9112 §9.6; RFC 1122 §4.2.2.13; tcp_rcv_state_process() in net/ipv4/tcp_input.c',
      when: tooLate,
      holds: (facts) =>
        facts['counters.lab.Tcp.OutRsts'] === 1 &&
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 0 &&
        is(facts['client.lostIn'], 'network'),
    },
  ],

  across: [
    {
      id: 'linger-changes-nothing',
      text: 'with data unread at the close, the client reads the same bytes and errors with SO_LINGER 1 as without',
      source: '__tcp_close() in net/ipv4/tcp.c: data_was_unread is checked first',
      holds(outcomes) {
        const unread = outcomes.filter(({ cell }) => onData(cell));
        const alike = [...Map.groupBy(unread, ({ cell }) => [cell.body, cell.client, cell.answer].join()).values()];
        const comparable = alike.filter((group) => new Set(group.map(({ cell }) => cell.closes)).size > 1);
        if (comparable.length === 0) return undefined;
        const seen = ({ facts }: (typeof outcomes)[number]) =>
          JSON.stringify([facts['server.delivered'], facts['client.sawEnd'], facts['client.errors']]);
        return comparable.every((group) => new Set(group.map(seen)).size === 1);
      },
    },
  ],

  guide: [
    {
      about: { 'reset after the response': 'look at', 'closing order': 'risks' },
      claim: 'unread-data-resets',
      text: 'close(2) sends a RST instead of a FIN if the kernel holds request data that the server has not read.',
    },
    {
      about: { 'reset after the response': 'look at' },
      claim: 'late-data-resets',
      text: 'Request data that arrives after the server has closed gets a RST, although nothing was unread at the close.',
    },
    {
      about: { 'reset after the response': 'look at' },
      claim: 'unsent-is-lost',
      text: "Of a response longer than the client's window, the RST discards what the server has not sent.",
    },
    {
      about: { 'reset after the response': 'helps', 'closing order': 'measured' },
      claim: 'half-close-delivers',
      text: 'If the server half-closes and then reads the request to its end, the client reads the whole response without an error.',
    },
    {
      about: { 'reset after the response': 'helps' },
      claim: 'drained-is-read',
      text: 'If net has read the whole request from the kernel before the close, close(2) sends a FIN, and the client reads the whole response.',
    },
    {
      about: { 'reset after the response': 'cannot help', SO_LINGER: 'measured' },
      claim: 'linger-does-not-help',
      text: 'SO_LINGER 1 does not prevent the RST of a close with request data unread.',
    },
  ],

  answer(outcomes) {
    const whole = ({ cell, facts }: (typeof outcomes)[number]) => facts['server.delivered'] === answers[cell.answer];
    const unread = outcomes.filter(({ cell }) => onData(cell));
    const reset = unread.filter(({ facts }) => is(facts['server.closedWith'], 'RST'));
    const lingering = unread.filter(({ cell }) => cell.closes === 'linger');
    const lingeredReset = lingering.filter(({ facts }) => is(facts['server.closedWith'], 'RST'));
    const later = reset.filter(({ cell }) => cell.client !== 'prompt');
    const lost = reset.filter((one) => !whole(one));
    const long = later.filter(({ cell }) => cell.answer === 'long' && !failsFirst(cell));
    const cut = long.filter((one) => !whole(one));
    const sending = later.filter(({ cell }) => failsFirst(cell));
    // the RST leaves what the client's kernel has received: only the client's own net can discard that
    const discarded = sending.filter(({ facts }) => facts['server.lost.receiveQueue'] > 0);
    const halves = outcomes.filter(({ cell }) => cell.closes === half);
    const kept = halves.filter((one) => whole(one) && one.facts['client.errors'].length === 0);
    const drained = outcomes.filter(({ cell }) => clean(cell) && cell.body === 'buffered');
    const clear = drained.filter(
      (one) => whole(one) && one.facts['client.errors'].length === 0 && is(one.facts['server.closedWith'], 'FIN'),
    );
    return {
      headline:
        unread.length > 0
          ? reset.length < unread.length
            ? `A server that closes with request data unread sends RST in ${share(reset, unread)} closes.`
            : `A server that closes with request data unread sends RST${lost.length > 0 ? ' and can lose its answer' : ', but the answer arrives'}.`
          : halves.length > 0
            ? kept.length === halves.length
              ? 'A server that half-closes and then reads the request loses nothing.'
              : 'A server that half-closes and then reads the request can lose its answer.'
            : drained.length > 0 &&
              (clear.length === drained.length
                ? "Request data in net's buffer does not count as unread: the answer arrives."
                : "Closing with request data unread in net's buffer can lose the answer."),
      findings: [
        finding(
          share(reset, unread),
          'A server that closes with request data unread in its kernel sends a RST instead of a FIN.',
        ),
        finding(
          share(kept, halves),
          'If the server half-closes and then reads the request to its end, the client reads the whole answer without an error.',
        ),
        finding(
          share(cut, long),
          `A client that reads after the server's RST gets only a part of an answer of ${answers.long.toLocaleString('en')} bytes: the server's kernel discards what it had not sent.`,
        ),
        finding(
          share(lingeredReset, lingering),
          `SO_LINGER ${lingerSeconds} does not prevent the RST of a close with request data unread.`,
        ),
        finding(
          share(discarded, sending),
          'A client that is still sending and reads late loses the answer that its kernel has received: its write fails, and net destroys the socket.',
        ),
        finding(
          share(clear, drained),
          "Request data in net's buffer does not count as unread: the server sends a FIN, and the client reads the whole answer.",
        ),
      ],
    };
  },
});
