import { experiment, finding, is, kind, type RawEndpoint, share } from 'lingerlab';

/** Bytes that the other end wrote before its RST. */
const written = 5;
const states = ['ESTABLISHED', 'unread', 'CLOSE-WAIT', 'SYN-SENT'] as const;
type State = (typeof states)[number];
const calls = ['read', 'write', 'SO_ERROR', 'poll'] as const;
const events = ['POLLIN', 'POLLOUT', 'POLLRDHUP', 'POLLERR', 'POLLHUP'] as const;
/** The error that the RST leaves at the socket. */
const errnoOf = (state: State) =>
  state === 'SYN-SENT' ? 'ECONNREFUSED' : state === 'CLOSE-WAIT' ? 'EPIPE' : 'ECONNRESET';
const isOpen = (state: State) => state === 'ESTABLISHED' || state === 'unread';

/** Reads once: `data`, `end`, or the errno. */
async function readOnce(socket: RawEndpoint): Promise<string> {
  const one = await socket.read(written, { wait: false }).answer();
  return one.ok ? (one.value === '' ? 'end' : 'data') : one.errno;
}

export default experiment({
  id: 'errors-after-a-reset',
  question: 'A RST has arrived: which call reports it, with which errno, and what do the next calls return?',
  tags: ['RST', 'ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'SO_ERROR', 'poll', 'POLLERR', 'POLLHUP'],
  symptoms: [
    'ECONNRESET or EPIPE',
    'write fails with ECONNRESET',
    'read returns 0 after a reset',
    'error of a reset is reported once',
    'broken pipe',
  ],
  factors: { state: states, first: calls },
  words: {
    state: {
      text: 'the state in which the RST arrives',
      values: {
        ESTABLISHED: 'ESTABLISHED, with nothing unread',
        unread: `ESTABLISHED, with ${written} unread bytes`,
        'CLOSE-WAIT': 'CLOSE-WAIT: the FIN of the other end came before its RST',
        'SYN-SENT': 'SYN-SENT: no socket listens; the connect(2) of a non-blocking socket has returned before',
      },
    },
    first: {
      text: 'the first call behind the RST',
      values: {
        read: 'read(2)',
        write: 'write(2)',
        SO_ERROR: 'getsockopt(2) of SO_ERROR',
        poll: 'poll(2)',
      },
    },
  },
  seconds: 0.2,
  measures: {
    first: kind.outcome({ text: 'result of the first call; of poll(2) whether it returned POLLERR' }),
    poll: { ...kind.words(...events), text: 'what poll(2) returned, where that was called first' },
    reads: { ...kind.words(), text: 'results of read(2) then, until the end of the stream' },
    write: kind.outcome({ text: 'result of write(2) then' }),
    error: kind.outcome({ text: 'SO_ERROR after all that' }),
  },
  shows: ['first', 'reads', 'write', 'error', 'poll'],

  async scenario({ client, server, until, note }, { state, first }) {
    const connected = async () => {
      const listener = await server.socket();
      await listener.bind();
      await listener.listen();
      const made = await (await client.socket()).connect(listener);
      const far = await listener.accept();
      if (state === 'unread') {
        await far.write(written);
        await made.poll({ for: ['POLLIN'], within: 5 });
      }
      if (state === 'CLOSE-WAIT') {
        await far.shutdown('WR');
        await Promise.all([until(made, state), until(far, 'FIN-WAIT-2')]);
      }
      await far.set('SO_LINGER', 0);
      await far.close();
      return made;
    };
    const near = state === 'SYN-SENT' ? await (await client.socket()).open(server.place()) : await connected();
    await until(near, 'CLOSED');

    if (first === 'read') note('first', await readOnce(near));
    if (first === 'write') note('first', (await near.write(1, { wait: false }).answer()).outcome);
    if (first === 'SO_ERROR') note('first', await near.error());
    if (first === 'poll') {
      const found = (await near.poll()) as readonly (typeof events)[number][];
      note('poll', found);
      note('first', found.includes('POLLERR') ? 'POLLERR' : 'no POLLERR');
    }
    const reads: string[] = [];
    while (reads.at(-1) !== 'end' && reads.length < calls.length) reads.push(await readOnce(near));
    note('reads', reads);
    note('write', (await near.write(1, { wait: false }).answer()).outcome);
    note('error', await near.error());
  },

  claims: [
    {
      id: 'the-first-call-has-it',
      text: 'in ESTABLISHED the first call gets ECONNRESET, be it read(2), SO_ERROR or even write(2), which would get EPIPE later',
      source:
        'tcp_reset() in net/ipv4/tcp_input.c; sock_error() in include/net/sock.h; sk_stream_error() in net/core/stream.c',
      when: ({ state, first }) => state === 'ESTABLISHED' && first !== 'poll',
      holds: (facts) => facts.first === 'ECONNRESET',
    },
    {
      id: 'only-once',
      text: 'the error is reported once: then read(2) returns the data that had arrived, if any, and the end of the stream, as after an orderly close, write(2) fails with EPIPE, and SO_ERROR is 0',
      source: 'sock_error() in include/net/sock.h clears sk_err; tcp_done() sets sk_shutdown',
      when: ({ state, first }) => isOpen(state) && (first === 'write' || first === 'SO_ERROR'),
      holds: (facts, { state }) =>
        facts.first === 'ECONNRESET' &&
        (state === 'unread' ? is(facts.reads, 'data', 'end') : is(facts.reads, 'end')) &&
        facts.write === 'EPIPE' &&
        facts.error === 'none',
    },
    {
      id: 'data-comes-first',
      text: 'read(2) first returns what arrived before the RST, then ECONNRESET, then the end of the stream',
      source: 'tcp_recvmsg_locked() in net/ipv4/tcp.c: the receive queue before sk_err',
      when: ({ state, first }) => state === 'unread' && (first === 'read' || first === 'poll'),
      holds: (facts, { first }) =>
        first === 'read'
          ? facts.first === 'data' && is(facts.reads, 'ECONNRESET', 'end')
          : is(facts.reads, 'data', 'ECONNRESET', 'end'),
    },
    {
      id: 'poll-takes-nothing',
      text: 'poll(2) returns POLLIN, POLLOUT, POLLRDHUP, POLLERR and POLLHUP, and leaves the error to the next call; in CLOSE-WAIT read(2) still returns the end of the stream',
      source: 'tcp_poll() in net/ipv4/tcp.c reads sk_err',
      when: ({ first }) => first === 'poll',
      holds: (facts, { state }) =>
        events.every((event) => facts.poll.includes(event)) &&
        (state === 'CLOSE-WAIT' ? is(facts.reads, 'end') : facts.reads.includes(errnoOf(state))),
    },
    {
      id: 'behind-a-fin-it-is-epipe',
      text: 'in CLOSE-WAIT the error is EPIPE, for write(2) and SO_ERROR alone: read(2) returns the end of the stream, however often',
      source: 'tcp_reset() in net/ipv4/tcp_input.c: TCP_CLOSE_WAIT; tcp_recvmsg_locked() in net/ipv4/tcp.c: SOCK_DONE',
      when: ({ state, first }) => state === 'CLOSE-WAIT' && first !== 'poll',
      holds: (facts, { first }) => facts.first === (first === 'read' ? 'end' : 'EPIPE') && is(facts.reads, 'end'),
    },
    {
      id: 'in-syn-sent-refused',
      text: 'in SYN-SENT the error is ECONNREFUSED, which the first call reports',
      source: 'tcp_reset() in net/ipv4/tcp_input.c: TCP_SYN_SENT',
      when: ({ state, first }) => state === 'SYN-SENT' && first !== 'poll',
      holds: (facts) => facts.first === 'ECONNREFUSED' && is(facts.reads, 'end') && facts.write === 'EPIPE',
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (are: (cell: Outcome['cell']) => boolean) => outcomes.filter(({ cell }) => are(cell));
    const open = of(({ state, first }) => state === 'ESTABLISHED' && first !== 'poll');
    const told = open.filter(({ facts }) => facts.first === 'ECONNRESET' && is(facts.reads, 'end'));
    const writes = of(({ state, first }) => state === 'unread' && (first === 'write' || first === 'SO_ERROR'));
    const taken = writes.filter(({ facts }) => facts.first === 'ECONNRESET' && is(facts.reads, 'data', 'end'));
    const unread = of(({ state, first }) => state === 'unread' && (first === 'read' || first === 'poll'));
    const behind = unread.filter(({ facts }) => is(facts.reads.slice(-2), 'ECONNRESET', 'end'));
    const closing = of(({ state, first }) => state === 'CLOSE-WAIT' && first !== 'poll');
    const silent = closing.filter(({ cell, facts }) => facts.first === (cell.first === 'read' ? 'end' : 'EPIPE'));
    const opening = of(({ state, first }) => state === 'SYN-SENT' && first !== 'poll');
    const refused = opening.filter(({ facts }) => facts.first === 'ECONNREFUSED');
    const polls = of(({ first }) => first === 'poll');
    const all = polls.filter(({ facts }) => events.every((event) => facts.poll.includes(event)));
    return {
      headline:
        open.length > 0
          ? told.length === open.length
            ? 'write(2) takes the error of a RST; read(2) then gives data or the end.'
            : `The first call reported a RST in ${share(told, open)} cases.`
          : closing.length > 0
            ? `In CLOSE-WAIT only write() and SO_ERROR reported a RST in ${share(silent, closing)} cases.`
            : unread.length > 0
              ? `ECONNRESET came behind the data in ${share(behind, unread)} cases.`
              : writes.length > 0
                ? `A call before read() took the error in ${share(taken, writes)} cases.`
                : opening.length > 0
                  ? `A RST in SYN-SENT was ECONNREFUSED in ${share(refused, opening)} cases.`
                  : polls.length > 0 && `poll() returned POLLERR and POLLHUP in ${share(all, polls)} cases.`,
      findings: [
        finding(
          share(told, open),
          'In ESTABLISHED the first call, even a write(2), gets ECONNRESET; then read(2) returns the end of the stream, and write(2) fails with EPIPE.',
        ),
        finding(
          share(taken, writes),
          'With unread data, a write(2) or SO_ERROR takes the error: read(2) then returns the data and the end, as if no RST had arrived.',
        ),
        finding(
          share(behind, unread),
          'With unread data, if no call takes the error, read(2) returns the data that had arrived, then ECONNRESET, then the end.',
        ),
        finding(
          share(silent, closing),
          'In CLOSE-WAIT read(2) never reports a RST: it returns the end of the stream; write(2) and SO_ERROR report EPIPE.',
        ),
        finding(share(refused, opening), 'In SYN-SENT, a RST is ECONNREFUSED.'),
        finding(
          share(all, polls),
          'poll(2) returns POLLERR and POLLHUP, beside POLLIN and POLLOUT, and takes no error.',
        ),
      ],
    };
  },
});
