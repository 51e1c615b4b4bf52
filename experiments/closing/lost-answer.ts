import { experiment } from 'lingerlab';

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
      text: 'close() on data that the kernel holds unread sends a RST in place of the FIN',
      source: 'RFC 1122 §4.2.2.13; RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: data_was_unread',
      when: onData,
      holds: (facts) =>
        facts['server.closedWith'].join() === 'RST' && facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1,
    },
    {
      id: 'linger-does-not-help',
      text: 'SO_LINGER with seconds neither prevents that reset nor waits',
      source: '__tcp_close() in net/ipv4/tcp.c asks for unread data before it asks for SOCK_LINGER',
      when: (cell) => onData(cell) && cell.closes === 'linger',
      holds: (facts) =>
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 && facts['server.closeMs'] < (lingerSeconds * 1000) / 2,
    },
    {
      id: 'drained-is-read',
      text: 'what net has drained from the kernel is not unread, whoever ignores it: close() sends a FIN behind the whole answer',
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
      text: "a request that net has drained and the application never read is lost in net's buffer, and no error tells the client",
      source: 'RFC 793 §2.6: an acknowledgment does not guarantee that the data has been delivered to the end user',
      when: (cell) => clean(cell) && cell.body === 'buffered',
      holds: (facts) => facts['client.lostIn'].join() === 'readBuffer' && facts['client.errors'].length === 0,
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
      text: 'a client that had read the whole answer sees ECONNRESET in place of its end all the same',
      source: 'RFC 9293 §3.10.7.4, second: RST bit; tcp_reset() in net/ipv4/tcp_input.c',
      when: (cell) => onData(cell) && cell.client === 'prompt',
      holds: (facts, { answer }) =>
        facts['server.delivered'] === answers[answer] &&
        !facts['client.sawEnd'] &&
        facts['client.errors'].some(({ errno }) => errno === 'ECONNRESET'),
    },
    {
      id: 'arrived-is-kept',
      text: 'a RST does not erase what has arrived: a client that reads later, before any write of its fails, still reads it',
      source:
        'tcp_reset() in net/ipv4/tcp_input.c leaves sk_receive_queue; tcp_recvmsg_locked() reads it before sk_err',
      when: (cell) => onData(cell) && cell.client !== 'prompt' && cell.answer === 'short' && !failsFirst(cell),
      holds: (facts, { answer }) => facts['server.delivered'] === answers[answer],
    },
    {
      id: 'unsent-is-lost',
      text: "of an answer longer than the client's window, what had not been sent is lost with the reset",
      source: 'RFC 2525 §2.17; tcp_send_active_reset() in net/ipv4/tcp_output.c sends nothing that was queued',
      when: (cell) =>
        cell.answer === 'long' &&
        (onData(cell) ? cell.client !== 'prompt' && !failsFirst(cell) : tooLate(cell) && cell.client === 'late'),
      holds: (facts, cell) =>
        facts['server.delivered'] > 0 &&
        facts['server.delivered'] < answers[cell.answer] &&
        // behind a FIN the kernel goes on until the client's data comes: what it sent meanwhile is not observed
        (!onData(cell) || facts['server.lostIn'].join() === 'sendQueue') &&
        facts['client.errors'].some(({ errno }) => errno === 'ECONNRESET'),
    },
    {
      id: 'sender-reads-nothing',
      text: 'a client that is still sending, and does not read yet, reads nothing of the answer, which its kernel has: its write fails first, and net destroys the socket',
      source: "Node.js documentation, net: event 'error', after which 'close' follows; RFC 9112 §9.6",
      when: (cell) => onData(cell) && failsFirst(cell),
      holds: (facts) =>
        facts['server.delivered'] === 0 &&
        facts['server.lostIn'].includes('receiveQueue') &&
        facts['client.errors'].some(({ call, errno }) => call === 'write' && errno === 'ECONNRESET'),
    },
    {
      id: 'late-data-resets',
      text: 'data that reaches a server which has closed is lost on arrival and answered by a RST, though nothing was unread',
      source: 'RFC 9112 §9.6; RFC 1122 §4.2.2.13; tcp_rcv_state_process() in net/ipv4/tcp_input.c',
      when: tooLate,
      holds: (facts) =>
        facts['counters.lab.Tcp.OutRsts'] === 1 &&
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 0 &&
        facts['client.lostIn'].join() === 'network',
    },
  ],

  across: [
    {
      id: 'linger-changes-nothing',
      text: 'with data unread, the client reads and sees the same with SO_LINGER and without',
      source: '__tcp_close() in net/ipv4/tcp.c: data_was_unread comes first',
      holds(outcomes) {
        const seen = new Map<string, Set<string>>();
        for (const { cell, facts } of outcomes.filter(({ cell }) => onData(cell))) {
          const where = [cell.body, cell.client, cell.answer].join();
          const what = [facts['server.delivered'], facts['client.sawEnd'], facts['client.errors']];
          seen.set(where, (seen.get(where) ?? new Set()).add(JSON.stringify(what)));
        }
        return [...seen.values()].every(({ size }) => size === 1);
      },
    },
  ],

  answer(outcomes) {
    const whole = ({ cell, facts }: (typeof outcomes)[number]) => facts['server.delivered'] === answers[cell.answer];
    const share = (part: readonly unknown[], all: readonly unknown[]) => `${part.length} of ${all.length}`;
    const unread = outcomes.filter(({ cell }) => onData(cell));
    const reset = unread.filter(({ facts }) => facts['server.closedWith'].join() === 'RST');
    const lingered = reset.filter(({ cell }) => cell.closes === 'linger');
    const late = reset.filter(({ cell }) => cell.client !== 'prompt');
    const cut = late.filter((one) => !whole(one));
    const halves = outcomes.filter(({ cell }) => cell.closes === half);
    const kept = halves.filter((one) => whole(one) && one.facts['client.errors'].length === 0);
    const sentences: string[] = [];
    if (unread.length > 0) {
      const despite = lingered.length > 0 ? `, ${lingered.length} of them with SO_LINGER` : '';
      sentences.push(
        `Closing on a request that its kernel held unread, a server reset ${share(reset, unread)} connections${despite}.`,
      );
    }
    if (late.length > 0)
      sentences.push(`${share(cut, late)} clients that had not read yet never got the whole answer.`);
    if (halves.length > 0)
      sentences.push(`Half-closing, then reading the request to its end, delivered it in ${share(kept, halves)}.`);
    return sentences.join(' ') || 'No server closed on a request that it had not read.';
  },
});
