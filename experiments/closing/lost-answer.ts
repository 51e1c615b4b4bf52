import { errnos, experiment, is, share } from 'lingerlab';

/** The request's body: what the server has done with it when it closes, and how long it is. */
const bodies = {
  /** Its application has read all. */
  read: 1_000,
  /** Its application read nothing, but net has drained the kernel into its own buffer of 64 KiB. */
  buffered: 1_000,
  /** More than net's buffer and the server's kernel hold, whatever chance makes of them: the rest waits in the client's kernel. */
  unread: 1_000_000,
  /** More than both kernels hold: the client is still sending. */
  'still-coming': 16_000_000,
  /** Its application has read all that came; as much again comes after it has closed. */
  follows: 1_000,
} as const;
const answers = { short: 1_000, long: 200_000 } as const;
const lingerSeconds = 1;

type Asked = { readonly closes: string; readonly body: string; readonly client: string };
const half = 'half-close';
/** Whether the server closes on data that its kernel holds unread. */
const onData = ({ closes, body }: Asked) => closes !== half && (body === 'unread' || body === 'still-coming');
/** Whether data reaches a server that has closed. */
const tooLate = ({ closes, body }: Asked) => closes !== half && body === 'follows';
const clean = ({ closes, body }: Asked) => closes !== half && (body === 'read' || body === 'buffered');
/** Whether close() lingers for a client that does not read all of the answer meanwhile. */
const waitsInVain = (cell: Asked & { readonly answer: string }) =>
  cell.closes === 'linger' && cell.answer === 'long' && cell.client !== 'prompt' && !onData(cell);
/** Whether the client's application has read none of the answer when the reset comes, and its write fails before it reads. */
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
    // prompt: has read the answer when the server closes; busy: its event loop stands still; late: it reads when its write is over
    client: ['prompt', 'busy', 'late'],
    answer: ['short', 'long'],
  },
  only: (cell) =>
    (cell.body !== 'follows' || cell.client === 'late') &&
    (cell.answer === 'short' || (cell.client !== 'prompt' && !waitsInVain(cell))),
  // a tail loss probe that meets a delayed ACK is answered by a D-SACK, whose 12 bytes then are missing in a segment of data:
  // how much fits in the window would be a matter of chance
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
    // a peer obeys in turn: when it tells TCP_INFO, the kernel has taken all it can of the body
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
    // the FIN waits behind an answer that does not fit; the acknowledgement of another is delayed
    await until(far, answer === 'long' ? 'FIN-WAIT-1' : 'FIN-WAIT-2', 'CLOSED');

    if (reads === 'busy') await client.signal('SIGCONT');
    if (body === 'follows') await near.write(bodies[body]);
    // late: when its write is done, or has failed
    if (reads === 'late') {
      await sent;
      await near.resume();
    }
    const end = await near.ended().answer();
    await sent;
    if (end.ok) {
      // an acknowledgement that crossed the second FIN would meet TIME-WAIT, and what that answers is reset (RFC 1337)
      await until(far, 'FIN-WAIT-2', 'CLOSED');
      await near.close('end');
    }
    await Promise.all([near.gone(), far.gone(), until(near, 'CLOSED'), until(far, 'TIME-WAIT', 'CLOSED')]);
  },

  claims: [
    {
      id: 'unread-data-resets',
      text: 'close() on data that the kernel holds unread sends a RST instead of the FIN',
      source: 'RFC 1122 §4.2.2.13; RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: data_was_unread',
      when: onData,
      holds: (facts) => is(facts['server.closedWith'], 'RST') && facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1,
    },
    {
      id: 'linger-does-not-help',
      text: 'SO_LINGER 1 neither prevents that reset nor waits',
      source:
        '__tcp_close() in net/ipv4/tcp.c asks for unread data before it asks for SOCK_LINGER; tolerance: half the linger',
      when: (cell) => onData(cell) && cell.closes === 'linger',
      holds: (facts) =>
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 && facts['server.closeMs'] < (lingerSeconds * 1000) / 2,
    },
    {
      id: 'drained-is-read',
      text: 'what net has drained from the kernel is not unread, though the application ignored it: close() sends a FIN behind the whole answer',
      source: 'Node.js documentation, readable.pause(), highWaterMark; __tcp_close() looks at sk_receive_queue alone',
      when: clean,
      holds: (facts, { answer }) =>
        facts['server.delivered'] === answers[answer] &&
        facts['client.sawEnd'] &&
        facts['client.errors'].length === 0 &&
        facts['counters.lab.Tcp.OutRsts'] === 0,
    },
    {
      id: 'drained-is-lost',
      text: "a request that net has drained and the application did not read is lost in net's buffer, and not in a kernel; the client reads no error",
      source: 'RFC 793 §2.6: an acknowledgment does not guarantee that the data has been delivered to the end user',
      when: (cell) => clean(cell) && cell.body === 'buffered',
      holds: (facts) => is(facts['client.lostIn'], 'readBuffer') && facts['client.errors'].length === 0,
    },
    {
      id: 'half-close-delivers',
      text: 'half-closing, then reading the request to its end, gives the client the whole answer, its end and no error',
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
      text: 'a client that had read the whole answer before that reset reads ECONNRESET instead of the end',
      source: 'RFC 9293 §3.10.7.4, second: RST bit; tcp_reset() in net/ipv4/tcp_input.c',
      when: (cell) => onData(cell) && cell.client === 'prompt',
      holds: (facts, { answer }) =>
        facts['server.delivered'] === answers[answer] &&
        !facts['client.sawEnd'] &&
        errnos(facts['client.errors']).includes('ECONNRESET'),
    },
    {
      id: 'arrived-is-kept',
      text: 'that RST does not erase what has arrived: a client that reads later, before any write of its fails, still reads it',
      source:
        'tcp_reset() in net/ipv4/tcp_input.c leaves sk_receive_queue; tcp_recvmsg_locked() reads it before sk_err',
      when: (cell) => onData(cell) && cell.client !== 'prompt' && cell.answer === 'short' && !failsFirst(cell),
      holds: (facts, { answer }) => facts['server.delivered'] === answers[answer],
    },
    {
      id: 'unsent-is-lost',
      text: "of an answer longer than the client's window, what the server had not sent is lost with the reset; a client none of whose writes failed reads the rest, then ECONNRESET",
      source: 'RFC 2525 §2.17; tcp_send_active_reset() in net/ipv4/tcp_output.c sends nothing that was queued',
      when: (cell) =>
        cell.answer === 'long' &&
        (onData(cell) ? cell.client !== 'prompt' && !failsFirst(cell) : tooLate(cell) && cell.client === 'late'),
      holds: (facts, cell) =>
        facts['server.delivered'] > 0 &&
        facts['server.delivered'] < answers[cell.answer] &&
        // behind a FIN the kernel goes on until the client's data comes: what it sent meanwhile is not observed
        (!onData(cell) || is(facts['server.lostIn'], 'sendQueue')) &&
        errnos(facts['client.errors']).includes('ECONNRESET'),
    },
    {
      id: 'sender-reads-nothing',
      text: "a client that is still sending, and does not read yet, reads nothing of the answer that its kernel received: the reset does not take that, the client's own net does, which destroys the socket when the write fails",
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
      text: 'data that reaches a server after its close() is lost on arrival and answered by a RST, though nothing was unread',
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
      text: 'with data unread, the client reads as many bytes and the same errors with SO_LINGER 1 as without',
      source: '__tcp_close() in net/ipv4/tcp.c: data_was_unread comes first',
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

  answer(outcomes) {
    const whole = ({ cell, facts }: (typeof outcomes)[number]) => facts['server.delivered'] === answers[cell.answer];
    // the reset takes what the server's kernel had not sent; what the client's had received, only its own net can lose
    const unsent = ({ facts }: (typeof outcomes)[number]) => facts['server.lost.sendQueue'] > 0;
    const received = ({ facts }: (typeof outcomes)[number]) => facts['server.lost.receiveQueue'] > 0;
    const unread = outcomes.filter(({ cell }) => onData(cell));
    const reset = unread.filter(({ facts }) => is(facts['server.closedWith'], 'RST'));
    const lingered = reset.filter(({ cell }) => cell.closes === 'linger');
    const late = reset.filter(({ cell }) => cell.client !== 'prompt');
    const halves = outcomes.filter(({ cell }) => cell.closes === half);
    const kept = halves.filter((one) => whole(one) && one.facts['client.errors'].length === 0);
    const despite = lingered.length > 0 ? `, ${lingered.length} of them with SO_LINGER` : '';
    const parts = [
      unread.length > 0 &&
        `Closing on a request that its kernel held unread, a server reset ${share(reset, unread)} connections${despite}.`,
      late.length > 0 &&
        `Of clients that had not read yet, the reset cost ${share(late.filter(unsent), late)} what the server had not sent; ` +
          `${share(late.filter(received), late)} threw away what their own kernel had received, as their write failed.`,
      halves.length > 0 && `Half-closing, then reading the request to its end, delivered it in ${share(kept, halves)}.`,
    ];
    return parts.filter(Boolean).join(' ') || 'No server closed on a request that it had not read.';
  },
});
