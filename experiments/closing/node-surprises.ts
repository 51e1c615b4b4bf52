import { type Endpoint, experiment, finding, is, kind, sentence, share } from 'lingerlab';

const short = 1000;
/** Bytes that are written when neither kernel takes more: they wait in the buffer of net's stream. */
const queued = 1_000_000;
/** SO_SNDBUF of the client then: the kernel does not make the send queue longer by itself. */
const sendBuffer = 50_000;
const theEnd = 'the end';
const nothing = 'nothing yet';
const allEnded = 'every connection has ended';

/** Answers each request in full, but one for /slow, which it begins to answer; closes as its standard input says. */
const httpServer = `
const [address, port] = process.argv.slice(1);
const server = require('node:http').createServer((request, response) => {
  response.write('begun');
  if (request.url !== '/slow') response.end();
});
server.listen(Number(port), address, () => console.log('listening'));
process.stdin.on('data', (line) => {
  server.close(() => console.log('${allEnded}'));
  if (String(line) === 'all') server.closeAllConnections();
});
`;
const requestFor = (path: string) => `GET ${path} HTTP/1.1\r\nHost: lingerlab\r\n\r\n`;

async function lastRead(end: Endpoint): Promise<string> {
  const ended = await end.ended().answer();
  return ended.ok ? theEnd : ended.outcome;
}

export default experiment({
  id: 'node-surprises',
  question: 'What does Node add to the kernel when a connection is closed or reset?',
  tags: [
    'Node.js',
    'net',
    'destroy()',
    'end()',
    'resetAndDestroy()',
    'pause()',
    'server.close()',
    'closeAllConnections',
    'node:http',
    'ECONNRESET',
    'lost data',
  ],
  symptoms: [
    'data lost after destroy()',
    'resetAndDestroy() sends FIN',
    'no error event after a reset',
    'server.close() never calls back',
    'server.close() does not close connections',
    'graceful shutdown hangs',
  ],
  factors: {
    call: [
      'reset',
      'end-then-reset',
      'reset-at-paused',
      'reset-at-unread',
      'destroy-queued',
      'end-queued',
      'server-close',
      'http-close',
      'http-close-all',
    ],
  },
  words: {
    call: {
      text: 'what is called',
      values: {
        reset: "the client's resetAndDestroy(); the server reads",
        'end-then-reset': "the client's end(), and resetAndDestroy() in the same turn of the event loop",
        'reset-at-paused': `the client's resetAndDestroy(); the server has paused its stream, with ${short} bytes in Node's buffer, and resumes it later`,
        'reset-at-unread': `the client's resetAndDestroy(); the server's kernel has ${short} bytes that Node does not read until later`,
        'destroy-queued': `the client's destroy(), with most of ${queued.toLocaleString('en')} bytes in the buffer of net; the server reads later`,
        'end-queued': `the client's end(), with most of ${queued.toLocaleString('en')} bytes in the buffer of net; the server reads later`,
        'server-close': 'close() of a net.Server that has a connection',
        'http-close': 'close() of an http.Server that has an idle connection and one with half an answer',
        'http-close-all': 'close() and closeAllConnections() of an http.Server that has the same connections',
      },
    },
  },
  seconds: ({ call }) => (call.startsWith('http') || call.endsWith('queued') ? 1.5 : 0.4),
  measures: {
    read: kind.outcome({ label: 'other end reads last', text: 'what the other end reads after the data' }),
    whole: kind.boolean({ label: 'all data read', text: 'whether the other end reads all that was written' }),
    second: kind.outcome({ label: 'client of half an answer', text: 'what the client of the half answer reads' }),
    calledBack: kind.boolean({
      label: 'close() called back',
      text: 'whether close() of the http.Server has called back by then',
    }),
    knock: kind.outcome({ label: "new client's connect(2)", text: "result of a new client's connect(2)" }),
  },
  shows: [
    'read',
    'whole',
    'client.closedWith',
    'client.lost.js',
    'client.lost.readBuffer',
    'second',
    'calledBack',
    'knock',
  ],

  async scenario({ client, server, until, look, note }, { call }) {
    if (call.startsWith('http')) {
      const place = server.place();
      const serving = await server.exec(process.execPath, ['-e', httpServer, place.at.address, String(place.at.port)]);
      await serving.line('listening');
      const ask = async (path: string) => {
        const end = await client.open(place);
        await end.connected();
        const text = requestFor(path);
        await end.write(text.length, { fill: text });
        await end.received('begun'.length);
        return end;
      };
      const [idle, slow] = [await ask('/'), await ask('/slow')];
      await serving.write(call === 'http-close' ? 'close' : 'all');
      note('read', await lastRead(idle));
      if (call === 'http-close') {
        note('second', (await look(slow))?.state === 'ESTABLISHED' ? nothing : await lastRead(slow));
      } else note('second', await lastRead(slow));
      const newcomer = await client.open(place);
      note('knock', (await newcomer.connected().answer()).outcome);
      if (call === 'http-close-all') await serving.line(allEnded);
      note('calledBack', call === 'http-close-all' || (await serving.output()).stdout.includes(allEnded));
      return;
    }

    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    if (call === 'server-close') {
      await listener.close();
      note('knock', (await client.knock(listener).answer()).outcome);
      await near.write(short);
      await far.received(short);
      await far.write(short);
      await near.received(short);
      note('whole', true);
      note('read', (await look(near))?.state === 'ESTABLISHED' ? nothing : await lastRead(near));
      return;
    }
    if (call === 'reset' || call === 'end-then-reset') {
      if (call === 'reset') await near.close('resetAndDestroy');
      else await near.close('end', { andThen: 'resetAndDestroy' });
      note('read', await lastRead(far));
      return;
    }
    let bytes = short;
    if (call === 'end-queued' || call === 'destroy-queued') {
      await near.set('SO_SNDBUF', sendBuffer);
      bytes = queued + (await near.fill(far)).written;
      await near.close(call === 'end-queued' ? 'end' : 'destroy', { sending: queued });
    } else {
      if (call === 'reset-at-paused') await far.pause();
      else await far.stopReading();
      await near.write(bytes);
      await far.unread(call === 'reset-at-paused' ? 'node' : 'kernel', bytes);
      await near.close('resetAndDestroy');
      await Promise.all([until(near, 'CLOSED'), until(far, 'CLOSED')]);
    }
    const receiving = far.received(bytes).answer();
    await far.resume();
    note('read', await lastRead(far));
    // what has not come by now is refused
    await far.close('destroy').answer();
    note('whole', (await receiving).ok);
  },

  claims: [
    {
      id: 'reset-sends-a-rst',
      text: 'resetAndDestroy() alone sends a RST, and the other end reads ECONNRESET',
      source: 'Node.js documentation, socket.resetAndDestroy(); uv_tcp_close_reset() of libuv sets SO_LINGER 0',
      when: ({ call }) => call === 'reset',
      holds: (facts) => is(facts['client.closedWith'], 'RST') && facts.read === 'ECONNRESET',
    },
    {
      id: 'end-comes-first',
      text: 'resetAndDestroy() in the same turn of the event loop as end() sends no RST: the client sends a FIN, and the other end reads the end of the stream',
      source: 'uv_tcp_close_reset() in src/unix/tcp.c of libuv: UV_EINVAL while a shutdown waits',
      when: ({ call }) => call === 'end-then-reset',
      holds: (facts) => is(facts['client.closedWith'], 'FIN') && facts.read === theEnd,
    },
    {
      id: 'paused-loses-its-buffer',
      text: 'if a RST arrives while a stream is paused, net destroys the stream at once: the application gets ECONNRESET, and none of the data in its buffer',
      source:
        "Node.js documentation, stream.pause() and destroy(); onStreamRead() in lib/internal/stream_base_commons.js: net reads on until the stream's buffer is full",
      when: ({ call }) => call === 'reset-at-paused',
      holds: (facts) => facts.read === 'ECONNRESET' && !facts.whole && facts['client.lost.readBuffer'] === short,
    },
    {
      id: 'kernel-keeps-its-queue',
      text: "data that Node has not read when the RST arrives is read first, from the kernel's receive queue, then ECONNRESET",
      source: 'tcp_recvmsg_locked() in net/ipv4/tcp.c: the receive queue before sk_err',
      when: ({ call }) => call === 'reset-at-unread',
      holds: (facts) => facts.read === 'ECONNRESET' && facts.whole,
    },
    {
      id: 'destroy-drops-the-buffer',
      text: 'destroy() drops what the kernel has not taken yet and closes with a FIN: the other end reads the end of the stream, as if all had been sent',
      source:
        'Node.js documentation, writable.destroy(): "previous calls to write() may not have drained"; uv__stream_destroy() of libuv: UV_ECANCELED',
      when: ({ call }) => call === 'destroy-queued',
      holds: (facts) =>
        facts.read === theEnd && !facts.whole && facts['client.lost.js'] > 0 && is(facts['client.closedWith'], 'FIN'),
    },
    {
      id: 'end-sends-the-buffer',
      text: 'end() sends all that was written before its FIN, however long the other end takes to read it',
      source: 'Node.js documentation, socket.end(); uv_shutdown() of libuv waits for pending writes',
      when: ({ call }) => call === 'end-queued',
      holds: (facts) => facts.read === theEnd && facts.whole && is(facts['client.closedWith'], 'FIN'),
    },
    {
      id: 'close-leaves-connections',
      text: 'close() of a net.Server refuses new clients; its connections still carry data',
      source:
        'Node.js documentation, server.close(): "stops the server from accepting new connections and keeps existing connections"',
      when: ({ call }) => call === 'server-close',
      holds: (facts) => facts.read === nothing && facts.whole && facts.knock === 'ECONNREFUSED',
    },
    {
      id: 'http-close-ends-the-idle',
      text: 'close() of an http.Server closes idle connections; a connection with half an answer stays open, and close() does not call back',
      source: 'Node.js documentation, server.close() of http: since v19.0.0 it closes idle connections',
      when: ({ call }) => call === 'http-close',
      holds: (facts) =>
        facts.read === theEnd && facts.second === nothing && !facts.calledBack && facts.knock === 'ECONNREFUSED',
    },
    {
      id: 'close-all-ends-the-rest',
      text: 'closeAllConnections() closes the connection with half an answer, too: its client reads the end of the stream, and close() calls back',
      source: 'Node.js documentation, server.closeAllConnections()',
      when: ({ call }) => call === 'http-close-all',
      holds: (facts) => facts.read === theEnd && facts.second === theEnd && facts.calledBack,
    },
  ],

  answer(outcomes) {
    const of = (call: string) => outcomes.filter(({ cell }) => cell.call === call);
    const destroyed = of('destroy-queued');
    const dropped = destroyed.filter(({ facts }) => !facts.whole && facts.read === theEnd);
    const both = of('end-then-reset');
    const fins = both.filter(({ facts }) => is(facts['client.closedWith'], 'FIN'));
    const paused = of('reset-at-paused');
    const lost = paused.filter(({ facts }) => !facts.whole);
    const keptUnread = of('reset-at-unread').some(({ facts }) => facts.whole);
    const closed = of('server-close');
    const open = closed.filter(({ facts }) => facts.read === nothing && facts.knock === 'ECONNREFUSED');
    const http = of('http-close');
    const waits = http.filter(({ facts }) => facts.read === theEnd && facts.second === nothing && !facts.calledBack);
    const all = of('http-close-all');
    const cut = all.filter(({ facts }) => facts.second === theEnd && facts.calledBack);
    const errors = outcomes.filter(({ facts }) => facts.read === 'ECONNRESET');
    return {
      headline:
        dropped.length + fins.length === 0
          ? `The other end of a connection of Node read ECONNRESET in ${share(errors, outcomes)} cases.`
          : sentence(
              dropped.length > 0 && 'Node drops queued data at destroy()',
              fins.length > 0 && 'resetAndDestroy() after end() sends a FIN',
            ),
      findings: [
        finding(
          share(dropped, destroyed),
          "destroy() drops what waits in net's buffer; the other end reads the end of the stream, and no error.",
        ),
        finding(
          share(fins, both),
          'resetAndDestroy() in the same turn of the event loop as end() sends a FIN instead of a RST.',
        ),
        finding(
          share(lost, paused),
          `A RST discards what a paused stream has buffered${keptUnread ? '; data that Node has not read from the kernel yet is read before the error' : ''}.`,
        ),
        finding(share(open, closed), 'close() of a net.Server refuses new clients, and leaves its connections open.'),
        finding(
          share(waits, http),
          'close() of an http.Server closes idle connections; a connection with half an answer stays open, and close() does not call back.',
        ),
        finding(
          share(cut, all),
          'closeAllConnections() also ends a connection with half an answer: its client reads the end of the stream, no error.',
        ),
      ],
    };
  },
});
