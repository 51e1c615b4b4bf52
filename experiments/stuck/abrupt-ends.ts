import { experiment, finding, is, kind, share } from 'lingerlab';

const unread = 10;
const theEnd = 'the end';
/** Neither data nor the end nor an error: read(2) fails with EAGAIN. */
const nothingYet = 'nothing yet';
/** A process that is stopped keeps its connection for as long as it is stopped: longer than any end takes to be noticed. */
const stoppedSeconds = 1;

export default experiment({
  id: 'abrupt-ends',
  question: 'A server process is killed, crashes, exits or is stopped: what does its client see, and is the port free?',
  tags: ['SIGKILL', 'SIGTERM', 'SIGSTOP', 'crash', 'exit', 'ECONNRESET', 'RST', 'supervisor', 'EADDRINUSE'],
  symptoms: [
    'kill -9 sends RST',
    'what happens to connections when a process dies',
    'process crashed, client hangs',
    'server is killed and started again',
    'connection to a stopped process',
  ],
  factors: { by: ['process.exit', 'exception', 'SIGTERM', 'SIGKILL', 'SIGSTOP'], holds: ['nothing', 'unread'] },
  words: {
    by: {
      text: "how the server's process ends",
      values: {
        'process.exit': 'process.exit(), with its sockets open',
        exception: 'an exception that nothing catches',
        SIGTERM: 'killed by SIGTERM, which it does not catch',
        SIGKILL: 'killed by SIGKILL, as by kill -9, or by the kernel when memory runs out',
        SIGSTOP: `it does not end: SIGSTOP stops it for ${stoppedSeconds} s`,
      },
    },
    holds: {
      text: "data that the server's kernel holds for the process",
      values: { nothing: 'none: the process has read all', unread: `${unread} bytes that the process has not read` },
    },
  },
  freshPeers: true,
  seconds: ({ by }) => (by === 'SIGSTOP' ? stoppedSeconds + 0.5 : 1),
  measures: {
    told: kind.outcome({ label: 'client reads', text: 'what the client reads' }),
    knock: kind.outcome({ text: "result of another client's connect(2) to the stopped process" }),
    plain: kind.outcome({
      text: 'listen(2) of a new process on the same port as soon as wait(2) has returned the old one, without SO_REUSEADDR',
    }),
    reusing: kind.outcome({ text: 'the same with SO_REUSEADDR, as Node sets it' }),
    state: kind.outcome({ text: "state of the client's socket at the end" }),
  },
  shows: ['told', 'state', 'server.closedWith', 'knock', 'plain', 'reusing'],

  async scenario({ client, server, start, until, look, rest, note }, { by, holds }) {
    const service = await start('service', 'server');
    const listener = await service.listen();
    const [near, far] = await client.connect(listener);
    if (holds === 'unread') {
      await far.stopReading();
      await near.write(unread);
      await far.unread('kernel', unread);
    }
    if (by === 'SIGSTOP') {
      await service.signal('SIGSTOP');
      await rest(stoppedSeconds);
      note('state', (await look(near))?.state ?? 'no socket');
      // an end or an error that net has read stays: read(2) gives it again, or there is no descriptor any more
      const heard = await near.heard();
      const socket = await near.raw().answer();
      const next = socket.ok ? await socket.value.read(1, { wait: false }).answer() : socket;
      const read = next.ok ? next.value : next.outcome;
      note('told', heard !== '' ? 'data' : read === 'EAGAIN' ? nothingYet : read === '' ? theEnd : read);
      note('knock', (await client.knock(listener).answer()).outcome);
      await service.signal('SIGCONT');
      return;
    }
    await service.end(by);
    const { port } = listener.at;
    const plain = await server.listen({ port, reuse: 'none' }).answer();
    note('plain', plain.outcome);
    if (plain.ok) await plain.value.close();
    note('reusing', (await server.listen({ port }).answer()).outcome);
    const ended = await near.ended().answer();
    note('told', ended.ok ? theEnd : ended.outcome);
    note('state', await until(near, 'CLOSE-WAIT', 'CLOSED'));
  },
  claims: [
    {
      id: 'death-sends-a-fin',
      text: 'however a process ends, by kill -9 too, its kernel closes its sockets with a FIN if nothing is unread and SO_LINGER is off: the client reads the end of the stream, as after an orderly close',
      source: 'exit_files() in kernel/exit.c; __tcp_close() in net/ipv4/tcp.c; RFC 9293 §3.6',
      when: ({ by, holds }) => by !== 'SIGSTOP' && holds === 'nothing',
      holds: (facts) => facts.told === theEnd && is(facts['server.closedWith'], 'FIN') && facts.state === 'CLOSE-WAIT',
    },
    {
      id: 'unread-sends-a-rst',
      text: 'if the kernel holds data that the process has not read, it sends a RST instead, and the client reads ECONNRESET',
      source: 'RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: TCPAbortOnClose',
      when: ({ by, holds }) => by !== 'SIGSTOP' && holds === 'unread',
      holds: (facts) =>
        facts.told === 'ECONNRESET' && is(facts['server.closedWith'], 'RST') && facts.state === 'CLOSED',
    },
    {
      id: 'stopped-sends-nothing',
      text: `a process that is stopped sends neither FIN nor RST in ${stoppedSeconds} s: its connections stay ESTABLISHED, and new clients connect`,
      source: 'signal(7): SIGSTOP; the handshake is the work of tcp_v4_rcv(), not of the process',
      when: ({ by }) => by === 'SIGSTOP',
      holds: (facts) =>
        facts.told === nothingYet &&
        facts.state === 'ESTABLISHED' &&
        facts.knock === 'ok' &&
        is(facts['server.closedWith']),
    },
    {
      id: 'free-with-reuseaddr',
      text: 'with SO_REUSEADDR on the old and the new listener, a new process listens on the port as soon as wait(2) has returned the old one, however that ended',
      source:
        'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: the old listener is gone, its connections have sk_reuse',
      when: ({ by }) => by !== 'SIGSTOP',
      holds: (facts) => facts.reusing === 'ok',
    },
    {
      id: 'a-fin-leaves-the-port-taken',
      text: 'without SO_REUSEADDR on the new listener, the connection that a FIN left in FIN-WAIT-2 keeps the new process off the port; after a RST the port is free',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c',
      when: ({ by }) => by !== 'SIGSTOP',
      holds: (facts, { holds }) => facts.plain === (holds === 'nothing' ? 'EADDRINUSE' : 'ok'),
    },
  ],

  guide: [
    {
      about: { SO_REUSEADDR: 'measured', 'EADDRINUSE on restart': 'helps' },
      claim: 'free-with-reuseaddr',
      text: 'With SO_REUSEADDR on both servers, a new one listens on the port as soon as the old process is gone, however that ended, even by kill -9.',
    },
  ],

  answer(outcomes) {
    const ended = outcomes.filter(({ cell }) => cell.by !== 'SIGSTOP');
    const idle = ended.filter(({ cell }) => cell.holds === 'nothing');
    const unreadAtEnd = ended.filter(({ cell }) => cell.holds === 'unread');
    const orderly = idle.filter(({ facts }) => facts.told === theEnd);
    const reset = unreadAtEnd.filter(({ facts }) => facts.told === 'ECONNRESET');
    const stopped = outcomes.filter(({ cell }) => cell.by === 'SIGSTOP');
    const unaware = stopped.filter(({ facts }) => facts.told === nothingYet && facts.knock === 'ok');
    const free = ended.filter(({ facts }) => facts.reusing === 'ok');
    const taken = idle.filter(({ facts }) => facts.plain === 'EADDRINUSE');
    const isKilled = ended.some(({ cell }) => cell.by === 'SIGKILL');
    const after = isKilled ? 'Even after kill -9' : 'When a process ends';
    const isAsClaimed = orderly.length === idle.length && reset.length === unreadAtEnd.length;
    return {
      headline:
        ended.length === 0
          ? stopped.length > 0 && `A stopped process sends neither FIN nor RST in ${share(unaware, stopped)} cases.`
          : !isAsClaimed
            ? `A process that ends sends FIN or RST by its unread data in ${orderly.length + reset.length} of ${ended.length} cases.`
            : idle.length === 0
              ? `${after}, the kernel sends a RST if data is unread.`
              : `${after}, a FIN is sent${reset.length > 0 ? ', or a RST if data is unread' : ''} (SO_LINGER off).`,
      findings: [
        finding(
          share(orderly, idle),
          `With SO_LINGER off and nothing unread, the client reads the end of the stream however the process ends${isKilled ? ', even by kill -9' : ''}.`,
        ),
        finding(
          share(reset, unreadAtEnd),
          'If the kernel holds data that the process has not read, the client reads ECONNRESET.',
        ),
        finding(
          share(unaware, stopped),
          `A stopped process sends neither FIN nor RST (watched for ${stoppedSeconds} s): its connections stay open, and new clients connect.`,
        ),
        finding(
          share(free, ended),
          'With SO_REUSEADDR on the old and the new listener, a new process listens on the port as soon as the old process has ended.',
        ),
        finding(
          share(taken, idle),
          'After a FIN, a new process without SO_REUSEADDR fails with EADDRINUSE: the old connection is still in FIN-WAIT-2 on the port.',
        ),
      ],
    };
  },
});
