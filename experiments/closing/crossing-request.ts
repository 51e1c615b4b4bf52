import { data, experiment, fin, finding, is, kind, rst, share, tcp } from 'lingerlab';

const request = 100;
const answer = 1000;
const theEnd = 'the end';
const aborts = 'counters.server.TcpExt.TCPAbortOnData';

/** Waits for the kept connection to be closed, then answers nobody. */
const httpServer = `
const [address, port] = process.argv.slice(1);
const server = require('node:http').createServer((request, response) => {
  console.log('served ' + request.url);
  response.end('x'.repeat(${answer}));
});
server.keepAliveTimeout = 0;
server.listen(Number(port), address, () => console.log('listening'));
process.stdin.on('data', () => server.closeIdleConnections());
`;
/** Sends a request, and another on the same connection for each line of its input. */
const httpClient = `
const [host, port] = process.argv.slice(1);
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const get = (path) => new Promise((resolve) => {
  const request = http.get({ host, port, path, agent }, (response) => response.resume().on('end', () => resolve('answered')));
  request.on('error', ({ code }) => resolve(request.reusedSocket ? code + ' on a reused socket' : code));
  request.on('finish', () => console.log('sent'));
});
get('/first').then((what) => console.log('first ' + what));
process.stdin.on('data', () => get('/second').then((what) => console.log('second ' + what)));
`;

export default experiment({
  id: 'crossing-request',
  question: 'A request crosses the close of an idle kept connection: what does the client read, and was it served?',
  tags: [
    'keep-alive',
    'idle',
    'connection pool',
    'ECONNRESET',
    'EPIPE',
    'TCPAbortOnData',
    'HTTP',
    'node:http',
    'retry',
  ],
  symptoms: [
    'ECONNRESET on the second request',
    'socket hang up',
    'reused connection is reset',
    'random 502 behind a load balancer',
    'keepAliveTimeout race',
  ],
  factors: {
    server: ['closes', 'half-closes'],
    first: ['FIN', 'RST'],
    client: ['read', 'net', 'http'],
  },
  words: {
    server: {
      text: 'what the server does with the idle connection while the request is on its way',
      values: { closes: 'closes it', 'half-closes': 'half-closes it, and reads on' },
    },
    first: {
      text: 'which segment of the server reaches the client first',
      values: { FIN: 'the FIN of the close, then the RST', RST: 'the RST that answers the request; the FIN was lost' },
    },
    client: {
      text: 'how the client reads and writes',
      values: {
        read: 'read(2) and write(2) on the descriptor',
        net: 'net, with its default allowHalfOpen: false',
        http: 'http.Agent with keepAlive; the server is http.Server',
      },
    },
  },
  // a half-close resets nothing, and node:http has none
  valid: ({ server, first, client }) => server === 'closes' || (first === 'FIN' && client !== 'http'),
  network: 'wire',
  seconds: ({ client }) => (client === 'http' ? 1.5 : 0.5),
  measures: {
    told: kind.outcome({ label: 'client reads', text: 'what the client gets: by read(2), from net or from node:http' }),
    again: kind.outcome({ label: 'second read(2)', text: 'second read(2) of the client' }),
    socketError: kind.outcome({ label: 'SO_ERROR', text: 'SO_ERROR of the client after both reads' }),
    written: kind.outcome({ label: 'next write(2)', text: 'write(2) of the client after that' }),
    reset: kind.boolean({ label: 'answered with RST', text: 'whether the server answered the request with a RST' }),
    served: kind.boolean({ label: 'server reads it', text: "whether the server's application read the request" }),
  },
  shows: ['told', 'again', 'socketError', 'written', 'served', 'reset', aborts],

  async scenario({ client, server, wire, until, note }, cell) {
    /** Plays the close and the request past each other; what the server sends comes to the client in the order of the cell. */
    async function cross(close: () => Promise<unknown>, ask: () => Promise<unknown>, heardFin: () => Promise<unknown>) {
      const fins = await wire.hold(fin.from('server'));
      const resets = await wire.hold(rst.from('server'));
      await close();
      await wire.seen(fin.from('server'));
      // a request that is sent again would be answered with another RST
      await wire.carry(data.from('client'), { times: 1 });
      await wire.drop(data.from('client'));
      const before = await wire.count(data.from('client'));
      await ask();
      await wire.seen(data.from('client').nth(before + 1));
      note('reset', cell.server === 'closes' && (await wire.seen(rst.from('server'), { within: 5 })) !== undefined);
      if (cell.first === 'FIN') {
        if (cell.server === 'closes') {
          // its acknowledgement, or the client's own FIN, is answered with a RST as well: one of them is, however long this takes
          await wire.carry(tcp.from('client'), { times: 1 });
          await wire.drop(tcp.from('client'));
        }
        await fins.release();
        await heardFin();
        if (cell.server === 'closes') await wire.seen(rst.from('server').nth(2));
      } else {
        await fins.lift();
        await fins.discard();
      }
      await resets.lift();
      await resets.release();
    }

    if (cell.client === 'http') {
      const place = server.place();
      const where = [place.at.address, String(place.at.port)];
      const serving = await server.exec(process.execPath, ['-e', httpServer, ...where]);
      await serving.line('listening');
      const asking = await client.exec(process.execPath, ['-e', httpClient, ...where]);
      await asking.line('first answered');
      await cross(
        () => serving.write('close'),
        () => asking.write('again'),
        async () => undefined,
      );
      note('told', (await asking.line('second')).replace('second ', ''));
      note('served', (await serving.output()).stdout.includes('/second'));
      return;
    }

    const [near, far] = await client.connect(await server.listen(), { allowHalfOpen: cell.client !== 'net' });
    await near.write(request);
    await far.received(request);
    await far.write(answer);
    await near.received(answer);
    const raw = cell.client === 'read' ? await near.raw() : undefined;
    await cross(
      () => far.close(cell.server === 'closes' ? 'destroy' : 'end'),
      () => (raw ?? near).write(request),
      () => (raw ? until(near, 'CLOSE-WAIT') : near.ended()),
    );
    if (cell.server === 'closes') await until(near, 'CLOSED');
    else {
      await far.received(2 * request);
      // the acknowledgement of its FIN can be delayed
      await until(far, 'FIN-WAIT-2', 'TIME-WAIT');
    }
    note('served', (await far.heard()).length > request);
    if (raw) {
      const read = async () => {
        const got = await raw.read(1).answer();
        return got.ok && got.value === '' ? theEnd : got.outcome;
      };
      note('told', await read());
      note('again', await read());
      note('socketError', await raw.error());
      note('written', (await raw.write(request).answer()).outcome);
      await raw.close();
    } else {
      const ended = await near.ended().answer();
      note('told', ended.ok ? theEnd : ended.outcome);
    }
  },

  claims: [
    {
      id: 'one-reset',
      text: 'a request that arrives after close(2) is answered with a RST, and counted by TCPAbortOnData; the application does not read it',
      source: 'RFC 2525 §2.17; tcp_rcv_state_process() in net/ipv4/tcp_input.c: LINUX_MIB_TCPABORTONDATA',
      when: ({ server }) => server === 'closes',
      holds: (facts) => facts.reset && facts[aborts] === 1 && !facts.served,
    },
    {
      id: 'half-close-reads-it',
      text: 'a server that has only half-closed reads the request, and sends no RST; its end can send no answer',
      source: 'RFC 9293 §3.6, case 1; shutdown(2)',
      when: ({ server }) => server === 'half-closes',
      holds: (facts) =>
        facts.served && is(facts['server.closedWith'], 'FIN') && facts.told === theEnd && facts[aborts] === 0,
    },
    {
      id: 'fin-first-reads-the-end',
      text: 'if the FIN comes first, each read(2) returns the end of the stream; SO_ERROR is EPIPE, and the next write(2) fails with EPIPE',
      source:
        'tcp_reset() in net/ipv4/tcp_input.c: CLOSE-WAIT; tcp_recvmsg_locked() in net/ipv4/tcp.c: SOCK_DONE before sk_err',
      when: ({ server, first, client }) => server === 'closes' && first === 'FIN' && client === 'read',
      holds: (facts) =>
        facts.told === theEnd && facts.again === theEnd && facts.socketError === 'EPIPE' && facts.written === 'EPIPE',
    },
    {
      id: 'rst-first-reads-econnreset',
      text: 'if the RST comes first, read(2) fails with ECONNRESET once, then returns the end of the stream; write(2) fails with EPIPE',
      source: 'tcp_reset() in net/ipv4/tcp_input.c: ECONNRESET; sock_error() clears it',
      when: ({ first, client }) => first === 'RST' && client === 'read',
      holds: (facts) =>
        facts.told === 'ECONNRESET' &&
        facts.again === theEnd &&
        facts.socketError === 'none' &&
        facts.written === 'EPIPE',
    },
    {
      id: 'net-hides-the-loss',
      text: "if the FIN comes first, net's client reads an end without an error: only the missing answer shows that the request was lost",
      source: "Node.js documentation, net.Socket events 'end', 'error'; tcp_reset() in net/ipv4/tcp_input.c",
      when: ({ server, first, client }) => server === 'closes' && first === 'FIN' && client === 'net',
      holds: (facts) => facts.told === theEnd && facts['client.errors'].length === 0 && !facts.served,
    },
    {
      id: 'net-reads-econnreset',
      text: "if the RST comes first, net's client gets the error ECONNRESET",
      source: "Node.js documentation, net.Socket event 'error'; tcp_reset() in net/ipv4/tcp_input.c",
      when: ({ first, client }) => first === 'RST' && client === 'net',
      holds: (facts) =>
        facts.told === 'ECONNRESET' && facts['client.errors'].some(({ errno }) => errno === 'ECONNRESET'),
    },
    {
      id: 'http-reports-that-it-was-reused',
      text: 'with http.Agent the request fails with ECONNRESET, whichever segment comes first; request.reusedSocket is true: the agent used a kept connection',
      source: 'Node.js documentation, request.reusedSocket: "the request can be retried"; RFC 9112 §9.3.1',
      when: ({ client }) => client === 'http',
      holds: (facts) => facts.told === 'ECONNRESET on a reused socket' && !facts.served,
    },
  ],

  guide: [
    {
      about: { 'closing order': 'risks', 'ECONNRESET on the second request': 'look at' },
      claim: 'one-reset',
      text: 'A server that has closed answers with a RST the request that was on its way; its application never reads it.',
    },
    {
      about: { 'ECONNRESET on the second request': 'look at' },
      claim: 'rst-first-reads-econnreset',
      text: 'If the RST arrives first, read(2) gives ECONNRESET once, then the end of the stream.',
    },
    {
      about: { 'ECONNRESET on the second request': 'look at' },
      claim: 'net-hides-the-loss',
      text: "If the FIN arrives first, net's client reads an end without an error: only the missing response shows that the request was lost.",
    },
    {
      about: { 'ECONNRESET on the second request': 'helps' },
      claim: 'http-reports-that-it-was-reused',
      text: 'http.Agent reports ECONNRESET in either order, with request.reusedSocket true: the client can send an idempotent request again.',
    },
    {
      about: { 'ECONNRESET on the second request': 'cannot help' },
      claim: 'half-close-reads-it',
      text: 'A server that half-closes instead reads the request, without a RST, but can send no response.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const closed = outcomes.filter(({ cell }) => cell.server === 'closes');
    const reset = closed.filter(({ facts }) => facts.reset && !facts.served);
    const lost = closed.filter(({ facts }) => !facts.served);
    const by = (own: Outcomes, what: string) => own.filter(({ facts }) => facts.told === what);
    const sockets = closed.filter(({ cell }) => cell.client !== 'http');
    const fins = sockets.filter(({ cell }) => cell.first === 'FIN');
    const resets = sockets.filter(({ cell }) => cell.first === 'RST');
    const ended = by(fins, theEnd);
    const http = closed.filter(({ cell }) => cell.client === 'http');
    const half = outcomes.filter(({ cell }) => cell.server === 'half-closes');
    const halfServed = half.filter(({ facts }) => facts.served);
    return {
      headline:
        closed.length === 0
          ? half.length > 0 &&
            `A server that has half-closed reads the crossing request in ${share(halfServed, half)} cases.`
          : lost.length < closed.length
            ? `A crossing request was lost in ${share(lost, closed)} cases.`
            : ended.length > 0 && ended.length === fins.length
              ? 'A request that crosses close() is lost, and the client may get no error.'
              : 'A request that crosses the close is lost.',
      findings: [
        finding(
          share(reset, closed),
          'The kernel of a server that has closed answers the request with a RST; the application never reads the request.',
        ),
        finding(
          share(ended, fins),
          'If the FIN arrives before the RST, the client reads the end of the stream, as after an orderly close, and no error.',
        ),
        finding(share(by(resets, 'ECONNRESET'), resets), 'If the RST comes first, the client reads ECONNRESET.'),
        finding(
          share(by(http, 'ECONNRESET on a reused socket'), http),
          'node:http reports ECONNRESET in both cases; request.reusedSocket is true, a sign that an idempotent request can be sent again.',
        ),
        finding(
          share(halfServed, half),
          'A server that has half-closed reads the request, without a RST, but can no longer answer.',
        ),
      ],
    };
  },
});
