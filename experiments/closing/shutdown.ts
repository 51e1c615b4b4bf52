import {
  ack,
  experiment,
  fin,
  finding,
  is,
  kind,
  type RawEndpoint,
  rst,
  type SegmentSighting,
  type Stage,
  share,
  tcp,
} from 'lingerlab';

/** Bytes that the other end writes, and how many each read(2) asks for: some stay unread. */
const bytes = { written: 1000, read: 400 } as const;
/** More than the other application's receive buffer takes, which is of this size, and less than the send buffer takes besides. */
const queued = { written: 30_000, receiveBuffer: 8192 } as const;
/** TCP_DELACK_MAX is 200 ms; a RST gets no answer. */
const ackSeconds = 0.3;
/** A segment that shutdown(2) sends is on the wire when the call returns; both ends answer a ping after it. */
const sentSeconds = 0.02;

type How = 'RD' | 'WR' | 'RDWR';
const shuts = (how: How, side: 'RD' | 'WR') => how.includes(side);
const reads = ['data', 'end', 'EAGAIN', 'ECONNRESET', 'EPIPE'] as const;
type Read = (typeof reads)[number];

const asked = {
  factors: {
    how: ['RD', 'WR', 'RDWR'],
    state: ['ESTABLISHED', 'FIN-WAIT-2'],
    data: ['none', 'unread', 'later', 'queued'],
  },
  measures: {
    shutdown: kind.outcome({ label: 'shutdown(2)', text: 'result of shutdown(2)' }),
    sent: { ...kind.word('nothing', 'FIN', 'RST'), label: 'sent then', text: 'what the end sent at shutdown(2)' },
    after: kind.outcome({ label: 'state after', text: 'state after shutdown(2), by TCP_INFO' }),
    reads: {
      ...kind.words(...reads),
      label: 'read(2)',
      text: 'results of read(2): the first after shutdown(2), the second after all data has arrived',
    },
    write: kind.outcome({ label: 'write(2)', text: 'result of write(2) after shutdown(2)' }),
    later: {
      ...kind.word('ACK', 'RST'),
      label: 'answer to later data',
      text: 'answer to the data that arrived after shutdown(2)',
    },
    took: kind.bytes({
      label: 'written before',
      text: 'bytes that write(2) took before shutdown(2)',
      compare: 'measurement',
    }),
    delivered: kind.bytes({
      label: 'read of these',
      text: 'of these, bytes that the other application read',
      compare: 'measurement',
    }),
    others: {
      ...kind.word(...reads),
      label: 'other end reads last',
      text: 'what the other application read last, after close(2)',
    },
  },
} as const;
type Played = Stage<readonly [], typeof asked.measures>;
type Socket = Pick<RawEndpoint, 'read'>;

/** The answer of the other end to a segment has arrived, if there is one. */
async function acknowledged({ wire }: Played, segment: SegmentSighting): Promise<void> {
  await wire.answers(segment);
  const answer = await wire.seen(tcp.from('server'), { after: segment, within: ackSeconds });
  if (answer) await wire.answers(answer);
}

/** Reads once, without waiting. */
async function readOnce(socket: Socket, most: number): Promise<Read> {
  const one = await socket.read(most, { wait: false }).answer();
  return one.ok ? (one.value === '' ? 'end' : 'data') : (one.errno as Read);
}

/** Reads to the end of the stream, or to an error; how many bytes there were, and what was last. */
async function readAll(socket: Socket): Promise<{ count: number; last: Read }> {
  for (let count = 0; ; ) {
    const one = await socket.read(65_536).answer();
    if (!one.ok) return { count, last: one.errno as Read };
    if (one.value === '') return { count, last: 'end' };
    count += one.value.length;
  }
}

/** Brings a connection into the state. */
async function connected({ client, server, until }: Played, state: string, data: string) {
  const listener = await server.socket();
  await listener.bind();
  if (data === 'queued') await listener.set('SO_RCVBUF', queued.receiveBuffer);
  await listener.listen();
  const near = await (await client.socket()).connect(listener);
  const far = await listener.accept();
  if (state === 'FIN-WAIT-2') {
    await near.shutdown('WR');
    await until(near, state);
  }
  return { near, far };
}

export default experiment({
  ...asked,
  id: 'shutdown',
  question: 'What does shutdown() of each side do to data: unread, queued and later, and to the close that follows?',
  tags: ['shutdown', 'SHUT_RD', 'SHUT_WR', 'SHUT_RDWR', 'half-close', 'unread data', 'send queue', 'EPIPE'],
  symptoms: ['half close', 'shutdown the reading side', 'does SHUT_RD send anything', 'data after SHUT_RD'],
  words: {
    how: {
      text: 'what shutdown(2) shuts down',
      values: { RD: 'SHUT_RD: the reading side', WR: 'SHUT_WR: the sending side', RDWR: 'SHUT_RDWR: both' },
    },
    state: {
      text: 'the state in which shutdown(2) is called',
      values: {
        ESTABLISHED: 'ESTABLISHED',
        'FIN-WAIT-2': 'FIN-WAIT-2: shutdown() with SHUT_WR was called before',
      },
    },
    data: {
      text: 'the data at that time',
      values: {
        none: 'none',
        unread: `${bytes.written} bytes that the application has not read`,
        later: `${bytes.written} bytes that arrive after shutdown(2)`,
        queued: 'a send queue that the other application does not read',
      },
    },
  },
  // behind a FIN nothing can be queued
  valid: ({ state, data }) => state === 'ESTABLISHED' || data !== 'queued',
  only: ({ how, state, data }) => state === 'ESTABLISHED' || (how === 'RD' && (data === 'unread' || data === 'later')),
  network: 'wire',
  seconds: 0.5,
  shows: [
    'shutdown',
    'sent',
    'after',
    'reads',
    'write',
    'later',
    'client.closedWith',
    'others',
    'took',
    'delivered',
    'client.path',
  ],

  async scenario(stage, { how, state, data }) {
    const { wire, until, note } = stage;

    const { near, far } = await connected(stage, state, data);
    const took = data === 'queued' ? await near.write(queued.written, { wait: false }) : 0;
    const send = async () => {
      await far.write(bytes.written);
      return wire.seen(rst.or(ack.withAck(bytes.written + 1)).from('client'));
    };
    if (data === 'unread') await send();
    const closers = fin.or(rst).from('client');
    const before = await wire.count(closers);
    note('shutdown', (await near.shutdown(how).answer()).outcome);
    const closer = await wire.seen(closers.nth(before + 1), { within: sentSeconds });
    note('sent', closer ? (closer.segment.flags.includes('RST') ? 'RST' : 'FIN') : 'nothing');
    // the acknowledgement of a FIN can be delayed: the state is asked for after it
    if (closer) await acknowledged(stage, closer);
    note('after', (await near.info()).state);

    if (data !== 'queued') {
      const first = await readOnce(near, bytes.read);
      const own = tcp.from('client');
      const sent = await wire.count(own);
      const wrote = await near.write(1, { wait: false }).answer();
      note('write', wrote.outcome);
      // an acknowledgement that crosses the RST of close(2) would get one more
      const byte = wrote.ok && (await wire.seen(own.nth(sent + 1), { within: sentSeconds }));
      if (byte) await acknowledged(stage, byte);
      if (data === 'later') note('later', (await send()).segment.flags.includes('RST') ? 'RST' : 'ACK');
      note('reads', [first, await readOnce(near, bytes.read)]);
    }
    await near.close();
    // what close(2) sent has arrived: no cell has a thousand RSTs
    await wire.seen(rst.nth(1000), { within: sentSeconds });
    if (data === 'queued') note('took', took);
    const { count, last: others } = await readAll(far);
    if (data === 'queued') note('delivered', count);
    note('others', others);
    await far.close();
    await until(far, 'TIME-WAIT', 'CLOSED');
  },

  claims: [
    {
      id: 'reading-side-sends-nothing',
      text: 'in ESTABLISHED, SHUT_RD sends nothing and changes no state; read(2) returns what is there, then the end of the stream instead of waiting; write(2) still works',
      source:
        'tcp_shutdown() in net/ipv4/tcp.c returns without SEND_SHUTDOWN; tcp_recvmsg_locked(): RCV_SHUTDOWN; RFC 1122 §4.2.2.13',
      when: ({ how, state }) => how === 'RD' && state === 'ESTABLISHED',
      holds: (facts, { data }) =>
        facts.shutdown === 'ok' &&
        facts.sent === 'nothing' &&
        facts.after === 'ESTABLISHED' &&
        (data === 'queued' || (facts.write === 'ok' && facts.reads[0] === (data === 'unread' ? 'data' : 'end'))),
    },
    {
      id: 'later-data-is-taken',
      text: 'in ESTABLISHED, data that arrives after SHUT_RD is acknowledged and queued, and read(2) returns it: the kernel neither refuses nor drops it',
      source:
        'tcp_data_queue() in net/ipv4/tcp_input.c does not read sk_shutdown; shutdown(2) says "further receptions will be disallowed"',
      when: ({ how, state, data }) => how === 'RD' && state === 'ESTABLISHED' && data === 'later',
      holds: (facts) => facts.later === 'ACK' && is(facts.reads, 'end', 'data'),
    },
    {
      id: 'both-sides-refuse-later-data',
      text: 'where both sides are shut down, in one call or in two, a RST answers data that arrives later, and read(2) fails with ECONNRESET',
      source:
        'RFC 1122 §4.2.2.13; tcp_rcv_state_process() in net/ipv4/tcp_input.c, FIN-WAIT-2: RCV_SHUTDOWN, TCPAbortOnData',
      when: ({ how, state, data }) => data === 'later' && (how === 'RDWR' || (how === 'RD' && state === 'FIN-WAIT-2')),
      holds: (facts) =>
        facts.later === 'RST' &&
        is(facts.reads, 'end', 'ECONNRESET') &&
        facts['counters.client.TcpExt.TCPAbortOnData'] === 1,
    },
    {
      id: 'unread-data-resets-at-close',
      text: 'close(2) with unread data sends a RST, whichever side was shut down before; a FIN that was sent before does not help',
      source: 'RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: data_was_unread, TCPAbortOnClose',
      when: ({ how, state, data }) =>
        data === 'unread' || (data === 'later' && state === 'ESTABLISHED' && how !== 'RDWR'),
      holds: (facts) =>
        facts['client.closedWith'].at(-1) === 'RST' && facts['counters.client.TcpExt.TCPAbortOnClose'] === 1,
    },
    {
      id: 'sending-side-sends-fin',
      text: 'SHUT_WR sends a FIN once the send queue is empty, and write(2) fails with EPIPE; read(2) still works',
      source: 'RFC 9293 §3.6, case 1; tcp_shutdown() and tcp_close_state() in net/ipv4/tcp.c',
      when: ({ how, state, data }) => how === 'WR' && state === 'ESTABLISHED' && data !== 'queued',
      holds: (facts, { data }) =>
        facts.shutdown === 'ok' &&
        facts.sent === 'FIN' &&
        facts.write === 'EPIPE' &&
        facts.after === 'FIN-WAIT-2' &&
        facts.reads[0] === (data === 'unread' ? 'data' : 'EAGAIN') &&
        (data !== 'later' || (facts.later === 'ACK' && facts.reads[1] === 'data')),
    },
    {
      id: 'queue-goes-first',
      text: 'shutdown(2) and close(2) lose nothing of the send queue: after SHUT_WR the end is in FIN-WAIT-1 at once; the FIN follows the data when the other application has read it',
      source:
        'RFC 9293 §3.10.4: "queue this until all preceding SENDs have been segmentized"; tcp_send_fin() in net/ipv4/tcp_output.c',
      when: ({ data }) => data === 'queued',
      holds: (facts, { how }) =>
        facts.sent === 'nothing' &&
        facts.after === (shuts(how, 'WR') ? 'FIN-WAIT-1' : 'ESTABLISHED') &&
        facts.took > 0 &&
        facts.delivered === facts.took &&
        facts.others === 'end' &&
        is(facts['client.closedWith'], 'FIN'),
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (are: (cell: Outcome['cell']) => boolean) => outcomes.filter(({ cell }) => are(cell));
    const later = of(({ how, state, data }) => how === 'RD' && state === 'ESTABLISHED' && data === 'later');
    const taken = later.filter(({ facts }) => facts.later === 'ACK' && is(facts.reads, 'end', 'data'));
    const reading = of(({ how, state }) => how === 'RD' && state === 'ESTABLISHED');
    const silent = reading.filter(({ facts }) => facts.sent === 'nothing' && facts.after === 'ESTABLISHED');
    const both = of(
      ({ how, state, data }) => data === 'later' && (how === 'RDWR' || (how === 'RD' && state === 'FIN-WAIT-2')),
    );
    const refused = both.filter(({ facts }) => facts.later === 'RST');
    const unread = of(
      ({ how, state, data }) => data === 'unread' || (data === 'later' && state === 'ESTABLISHED' && how !== 'RDWR'),
    );
    const reset = unread.filter(({ facts }) => facts['client.closedWith'].at(-1) === 'RST');
    const sending = of(({ how, state, data }) => how !== 'RD' && state === 'ESTABLISHED' && data !== 'queued');
    const fins = sending.filter(({ facts }) => facts.sent === 'FIN' && facts.write === 'EPIPE');
    const full = of(({ data }) => data === 'queued');
    const whole = full.filter(
      ({ facts }) => facts.took > 0 && facts.delivered === facts.took && facts.others === 'end',
    );
    return {
      headline:
        later.length > 0
          ? taken.length === later.length && silent.length === reading.length
            ? 'In ESTABLISHED, SHUT_RD sends nothing: data that arrives later can still be read.'
            : `Data that came after SHUT_RD was read in ${share(taken, later)} cases.`
          : sending.length > 0
            ? `SHUT_WR or SHUT_RDWR sent a FIN in ${share(fins, sending)} cases.`
            : reading.length > 0
              ? `SHUT_RD sent nothing in ${share(silent, reading)} cases.`
              : full.length > 0
                ? `shutdown() lost nothing of a send queue in ${share(whole, full)} cases.`
                : undefined,
      findings: [
        finding(
          share(taken, later),
          'In ESTABLISHED, data that arrives after SHUT_RD is acknowledged, queued and readable; without data, read(2) returns the end of the stream at once.',
        ),
        finding(share(reset, unread), 'close(2) with unread data sends a RST, whichever side was shut down before.'),
        finding(
          share(refused, both),
          'Where both sides are shut down, in one call or in two, a RST answers data that arrives later.',
        ),
        finding(
          share(fins, sending),
          'In ESTABLISHED with an empty send queue, SHUT_WR and SHUT_RDWR send a FIN at once; write(2) fails with EPIPE.',
        ),
        finding(
          share(whole, full),
          'shutdown(2) and close(2) lose nothing of a send queue: the FIN follows the data when the other application reads.',
        ),
      ],
    };
  },
});
