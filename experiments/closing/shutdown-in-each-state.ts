import {
  ack,
  experiment,
  fin,
  finding,
  kind,
  type RawEndpoint,
  rst,
  type Stage,
  share,
  syn,
  synAck,
  tcp,
} from 'lingerlab';

/** A segment that shutdown(2) sends is on the wire when the call returns; both ends answer a ping behind it. */
const sentSeconds = 0.02;
/** The FIN that follows a handshake, and the acknowledgement of a FIN, which can be delayed by 200 ms, TCP_DELACK_MAX. */
const followsSeconds = 0.3;
/** A FIN without an answer: once by itself, once by a tail loss probe, once after an RTO. The next is 400 ms away. */
const fins = 3;

const states = [
  'CLOSED',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSING',
  'CLOSE-WAIT',
  'LAST-ACK',
  'TIME-WAIT',
] as const;
type State = (typeof states)[number];
const events = ['POLLIN', 'POLLOUT', 'POLLRDHUP', 'POLLERR', 'POLLHUP'] as const;

/** The end has sent its FIN. */
const hasSent = (state: State) => ['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'].includes(state);
/** The FIN of the other end has arrived. */
const hasRead = (state: State) => ['CLOSING', 'CLOSE-WAIT', 'LAST-ACK', 'TIME-WAIT'].includes(state);
/** A FIN was sent, and TIME-WAIT has not begun. */
const isClosing = (state: State) => hasSent(state) && state !== 'TIME-WAIT';
const isConnected = (state: State) => state === 'ESTABLISHED' || state === 'CLOSE-WAIT' || isClosing(state);
const shuts = (how: string, side: 'RD' | 'WR') => how.includes(side);

const asked = {
  factors: { state: states, how: ['RD', 'WR', 'RDWR'] },
  measures: {
    shutdown: kind.outcome({ text: 'result of shutdown(2)' }),
    sent: { ...kind.word('nothing', 'FIN', 'RST'), text: 'what the end sent at shutdown(2)' },
    after: kind.outcome({ text: 'state of the descriptor after shutdown(2), by TCP_INFO' }),
    poll: { ...kind.words(...events), text: 'what poll(2) returned then, at once' },
    read: kind.outcome({ text: 'result of read(2) then: end, or the errno' }),
    write: kind.outcome({ text: 'result of write(2) then' }),
    follows: { ...kind.word('nothing', 'FIN', 'RST'), text: 'what the end sent when the handshake was done' },
  },
} as const;
type Played = Stage<readonly [], typeof asked.measures>;

/** Opens simultaneously: the client is in SYN-RECEIVED until its SYN-ACK, which the wire holds, is released. */
async function halfOpen({ client, server, wire, until }: Played) {
  const [here, there] = [client.place(), server.place()];
  await wire.drop(syn.from('client'));
  const held = await wire.hold(synAck.or(fin).from('client'));
  const socket = await client.socket();
  await socket.bind({ port: here.at.port });
  const near = await socket.open(there);
  const far = await server.open(here, { localPort: there.at.port });
  await until(near, 'SYN-RECEIVED');
  await wire.seen(synAck.from('client'));
  /** Lets the handshake go on, and waits until it is done. */
  const complete = async () => {
    await held.lift();
    await held.release();
    await far.connected();
  };
  return { near, complete };
}

/** Brings a connection into the state. */
async function connected({ client, server, wire, until }: Played, state: State): Promise<RawEndpoint> {
  const listener = await server.socket();
  await listener.bind();
  await listener.listen();
  const near = await (await client.socket()).connect(listener);
  const far = await listener.accept();
  if (state === 'CLOSE-WAIT' || state === 'LAST-ACK') {
    await far.shutdown('WR');
    await until(near, 'CLOSE-WAIT');
    // its acknowledgement has arrived
    await until(far, 'FIN-WAIT-2');
  }
  if (state === 'FIN-WAIT-2' || state === 'TIME-WAIT') {
    await near.shutdown('WR');
    await until(near, 'FIN-WAIT-2');
  }
  if (state === 'TIME-WAIT') {
    await far.shutdown('WR');
    await until(near, state);
  }
  if (state === 'FIN-WAIT-1' || state === 'CLOSING' || state === 'LAST-ACK') {
    await wire.drop(tcp);
    await near.shutdown('WR');
    await wire.seen(fin.from('client').nth(fins));
    if (state === 'CLOSING') await wire.inject({ from: 'server', on: near, flags: ['FIN', 'ACK'], seq: 1, ack: 1 });
    await until(near, state);
  }
  return near;
}

export default experiment({
  ...asked,
  id: 'shutdown-in-each-state',
  question:
    'In which state does shutdown() send a FIN, in which does it fail, and what do poll, read and write say then?',
  tags: ['shutdown', 'SHUT_RD', 'SHUT_WR', 'ENOTCONN', 'poll', 'POLLHUP', 'POLLRDHUP', 'simultaneous open', 'EPIPE'],
  symptoms: ['shutdown ENOTCONN', 'POLLHUP after shutdown', 'shutdown twice', 'shutdown before connected'],
  words: {
    state: {
      text: 'the state in which shutdown(2) is called',
      values: {
        CLOSED: 'CLOSED: a new socket',
        'SYN-SENT': 'SYN-SENT: no answer to the SYN yet',
        'SYN-RECEIVED': 'SYN-RECEIVED: both ends have sent a SYN to each other',
        ESTABLISHED: 'ESTABLISHED',
        'FIN-WAIT-1': 'FIN-WAIT-1: shutdown() with SHUT_WR was called before, the FIN is not acknowledged',
        'FIN-WAIT-2': 'FIN-WAIT-2: the same, the FIN is acknowledged',
        CLOSING: 'CLOSING: both ends have sent a FIN, its own is not acknowledged',
        'CLOSE-WAIT': 'CLOSE-WAIT: the other end has sent its FIN',
        'LAST-ACK': 'LAST-ACK: the other end has sent its FIN first, its own is not acknowledged',
        'TIME-WAIT': 'TIME-WAIT: both FINs are acknowledged; the descriptor is open',
      },
    },
    how: {
      text: 'what shutdown(2) shuts down',
      values: { RD: 'SHUT_RD: the reading side', WR: 'SHUT_WR: the sending side', RDWR: 'SHUT_RDWR: both' },
    },
  },
  network: 'wire',
  seconds: ({ state }) => (isClosing(state) && state !== 'FIN-WAIT-2' ? 1 : 0.5),
  shows: ['shutdown', 'sent', 'after', 'poll', 'read', 'write', 'follows', 'client.path'],

  async scenario(stage, { state, how }) {
    const { client, server, wire, note } = stage;
    const open = state === 'SYN-RECEIVED' ? await halfOpen(stage) : undefined;
    const socket = async () => {
      const made = await client.socket();
      if (state === 'CLOSED') return made;
      await wire.drop(syn);
      return made.open(server.place());
    };
    const near =
      open?.near ?? (await (state === 'CLOSED' || state === 'SYN-SENT' ? socket() : connected(stage, state)));

    const closers = fin.or(rst).from('client');
    /** What the end sends from now on, behind so many before. */
    const sent = async (before: number, within: number) => {
      const closer = await wire.seen(closers.nth(before + 1), { within });
      if (closer) await wire.answers(closer);
      return { closer, word: closer ? (closer.segment.flags.includes('RST') ? 'RST' : 'FIN') : 'nothing' } as const;
    };
    const before = await wire.count(closers);
    note('shutdown', (await near.shutdown(how).answer()).outcome);
    const { closer, word } = await sent(before, sentSeconds);
    note('sent', word);
    if (closer && !open) {
      // the acknowledgement of a FIN can be delayed: the state is asked for behind it
      const answer = await wire.seen(ack.from('server'), { after: closer, within: followsSeconds });
      if (answer) await wire.answers(answer);
    }
    note('after', (await near.info()).state);
    note('poll', (await near.poll()) as readonly (typeof events)[number][]);
    const one = await near.read(1, { wait: false }).answer();
    note('read', one.ok ? (one.value === '' ? 'end' : 'data') : one.outcome);
    note('write', (await near.write(1, { wait: false }).answer()).outcome);
    if (open) {
      const earlier = await wire.count(closers);
      await open.complete();
      note('follows', (await sent(earlier, followsSeconds)).word);
    }
  },

  claims: [
    {
      id: 'sending-side-sends-fin',
      text: 'SHUT_WR and SHUT_RDWR send a FIN in ESTABLISHED and CLOSE-WAIT, and in no other state',
      source: 'RFC 9293 §3.10.4; tcp_shutdown() and tcp_close_state() in net/ipv4/tcp.c',
      when: ({ state }) => state !== 'SYN-RECEIVED',
      holds: (facts, { state, how }) =>
        facts.sent === (shuts(how, 'WR') && (state === 'ESTABLISHED' || state === 'CLOSE-WAIT') ? 'FIN' : 'nothing'),
    },
    {
      id: 'again-changes-nothing',
      text: 'once its FIN was sent, an end that calls shutdown(2) again gets 0, sends nothing and stays in its state: in FIN-WAIT-1, FIN-WAIT-2, CLOSING and LAST-ACK',
      source: 'tcp_shutdown() in net/ipv4/tcp.c: "If we\'ve already sent a FIN, or it\'s a closed state, skip this"',
      when: ({ state }) => isClosing(state),
      holds: (facts, { state }) => facts.shutdown === 'ok' && facts.sent === 'nothing' && facts.after === state,
    },
    {
      id: 'waits-for-the-handshake',
      text: 'since Linux 6.9, and in stable kernels, shutdown(2) in SYN-RECEIVED returns 0 and sends nothing; with SHUT_WR a FIN follows once the handshake is done',
      source:
        'RFC 9293 §3.10.4: "then queue for processing after entering ESTABLISHED state"; 94062790aedb: before, a FIN was sent at once, in FIN-WAIT-1',
      when: ({ state }) => state === 'SYN-RECEIVED',
      holds: (facts, { how }) =>
        facts.shutdown === 'ok' &&
        facts.sent === 'nothing' &&
        facts.after === 'SYN-RECEIVED' &&
        facts.follows === (shuts(how, 'WR') ? 'FIN' : 'nothing'),
    },
    {
      id: 'ends-a-connect',
      text: 'in SYN-SENT shutdown(2) of any side ends the connect without a segment: the socket is CLOSED, read(2) fails with ECONNRESET',
      source: 'inet_shutdown() in net/ipv4/af_inet.c: TCP_SYN_SENT, tcp_disconnect() in net/ipv4/tcp.c',
      when: ({ state }) => state === 'SYN-SENT',
      holds: (facts) =>
        facts.shutdown === 'ok' && facts.sent === 'nothing' && facts.after === 'CLOSED' && facts.read === 'ECONNRESET',
    },
    {
      id: 'not-connected',
      text: 'on a new socket, and in TIME-WAIT, shutdown(2) fails with ENOTCONN; in no other state does it fail',
      source: 'inet_shutdown() in net/ipv4/af_inet.c: TCP_CLOSE; shutdown(2)',
      holds: (facts, { state }) => facts.shutdown === (state === 'CLOSED' || state === 'TIME-WAIT' ? 'ENOTCONN' : 'ok'),
    },
    {
      id: 'refused-and-obeyed',
      text: 'SHUT_RD on a new socket fails with ENOTCONN but takes effect: read(2) then returns the end of the stream',
      source: 'inet_shutdown() in net/ipv4/af_inet.c sets sk_shutdown in TCP_CLOSE, too',
      when: ({ state }) => state === 'CLOSED',
      holds: (facts, { how }) => facts.read === (shuts(how, 'RD') ? 'end' : 'ENOTCONN'),
    },
    {
      id: 'poll-shows-the-sides',
      text: 'from ESTABLISHED to LAST-ACK, poll(2) returns POLLIN and POLLRDHUP once the reading side is shut down, by either end, and POLLHUP only where both sides are; POLLOUT in each case',
      source: 'tcp_poll() in net/ipv4/tcp.c: RCV_SHUTDOWN, SHUTDOWN_MASK',
      when: ({ state }) => isConnected(state),
      holds: (facts, { state, how }) => {
        const reading = shuts(how, 'RD') || hasRead(state);
        const sending = shuts(how, 'WR') || hasSent(state);
        return (
          facts.poll.includes('POLLIN') === reading &&
          facts.poll.includes('POLLRDHUP') === reading &&
          facts.poll.includes('POLLHUP') === (reading && sending) &&
          facts.poll.includes('POLLOUT')
        );
      },
    },
    {
      id: 'read-and-write-show-the-sides',
      text: 'from ESTABLISHED to LAST-ACK, read(2) returns the end of the stream where the reading side is shut down, by either end, else EAGAIN; write(2) fails with EPIPE where the sending side is',
      source: 'tcp_recvmsg_locked() in net/ipv4/tcp.c: RCV_SHUTDOWN; tcp_sendmsg_locked(): SEND_SHUTDOWN',
      when: ({ state }) => isConnected(state),
      holds: (facts, { state, how }) =>
        facts.read === (shuts(how, 'RD') || hasRead(state) ? 'end' : 'EAGAIN') &&
        facts.write === (shuts(how, 'WR') || hasSent(state) ? 'EPIPE' : 'ok'),
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (are: (cell: Outcome['cell']) => boolean) => outcomes.filter(({ cell }) => are(cell));
    const isFin = ({ facts }: Outcome) => facts.sent === 'FIN';
    const sending = of(({ how, state }) => shuts(how, 'WR') && (state === 'ESTABLISHED' || state === 'CLOSE-WAIT'));
    const first = sending.filter(isFin);
    const closing = of(({ state }) => isClosing(state));
    const again = closing.filter(({ cell, facts }) => facts.shutdown === 'ok' && facts.after === cell.state);
    const silent = again.filter((each) => each.facts.sent === 'nothing');
    const unconnected = of(({ state }) => state === 'CLOSED' || state === 'TIME-WAIT');
    const failed = unconnected.filter(({ facts }) => facts.shutdown === 'ENOTCONN');
    const opening = of(({ state }) => state === 'SYN-SENT');
    const ended = opening.filter(({ facts }) => facts.shutdown === 'ok' && facts.after === 'CLOSED');
    const half = of(({ how, state }) => shuts(how, 'WR') && state === 'SYN-RECEIVED');
    const later = half.filter(({ facts }) => facts.sent === 'nothing' && facts.follows === 'FIN');
    const open = of(({ state }) => isConnected(state));
    const both = open.filter(
      ({ cell: { state, how } }) => (shuts(how, 'RD') || hasRead(state)) && (shuts(how, 'WR') || hasSent(state)),
    );
    const hungUp = both.filter(({ facts }) => facts.poll.includes('POLLHUP'));
    const reading = of(({ how, state }) => how === 'RD' && isConnected(state));
    const mute = reading.filter(({ facts }) => facts.sent === 'nothing');
    const isAll = (part: readonly Outcome[], whole: readonly Outcome[]) =>
      whole.length > 0 && part.length === whole.length;
    return {
      headline:
        sending.length > 0
          ? isAll(first, sending) && isAll(silent, closing)
            ? 'SHUT_WR sends one FIN; shutdown() again while closing sends nothing.'
            : `SHUT_WR or SHUT_RDWR sent a FIN in ${share(first, sending)} cases.`
          : closing.length > 0
            ? `While closing, shutdown() sent nothing in ${share(silent, closing)} cases.`
            : unconnected.length > 0
              ? `shutdown() failed with ENOTCONN in ${share(failed, unconnected)} cases.`
              : opening.length > 0
                ? `shutdown() ended a connect in ${share(ended, opening)} cases.`
                : half.length > 0
                  ? `A FIN followed the handshake in ${share(later, half)} cases.`
                  : reading.length > 0
                    ? `SHUT_RD sent nothing in ${share(mute, reading)} cases.`
                    : undefined,
      findings: [
        finding(
          share(first, sending),
          'In ESTABLISHED and CLOSE-WAIT, with an empty send queue, SHUT_WR and SHUT_RDWR send a FIN.',
        ),
        finding(
          share(silent, closing),
          'In FIN-WAIT-1, FIN-WAIT-2, CLOSING and LAST-ACK shutdown(2) returns 0, sends nothing and changes no state.',
        ),
        finding(share(failed, unconnected), 'On a new socket, and in TIME-WAIT, shutdown(2) fails with ENOTCONN.'),
        finding(share(ended, opening), 'In SYN-SENT, shutdown(2) of any side ends the connect and sends nothing.'),
        finding(
          share(later, half),
          'In SYN-RECEIVED, SHUT_WR and SHUT_RDWR send nothing; a FIN follows when the handshake is done.',
        ),
        finding(
          share(hungUp, both),
          'poll(2) returns POLLHUP once both sides are shut down, by either end, even before a FIN is acknowledged.',
        ),
      ],
    };
  },
});
