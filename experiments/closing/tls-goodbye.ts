import { data, experiment, fin, finding, kind, rst, share } from 'lingerlab';

/** What the server sends behind the end of the stream, and the client's kernel in answer, is on the wire then. */
const followsSeconds = 0.3;
/** Without a certificate: both ends know the key. */
const shared = `
const key = Buffer.from('a key that both ends know');
const psk = (version) => ({ ciphers: 'PSK', minVersion: version, maxVersion: version });
const say = (what) => console.log(what);
`;
const server = `${shared}
const [address, port, over] = process.argv.slice(1);
const serve = (socket) => {
  socket.once('data', () => socket.write('answer'));
  socket.on('error', ({ code }) => say(code)).on('end', () => say('end')).on('close', () => say('closed'));
};
const made = over === 'tcp'
  ? require('node:net').createServer(serve)
  : require('node:tls').createServer({ ...psk(over), pskCallback: () => key }, serve);
made.listen(Number(port), address, () => say('listening'));
`;
const client = `${shared}
const [address, port, over, how] = process.argv.slice(1);
const to = { host: address, port: Number(port) };
const socket = over === 'tcp'
  ? require('node:net').connect(to)
  : require('node:tls').connect({
      ...to, ...psk(over), pskCallback: () => ({ psk: key, identity: 'client' }), checkServerIdentity() {},
    });
socket.once(over === 'tcp' ? 'connect' : 'secureConnect', () => socket.write('request'));
socket.once('data', () => say('answered'));
socket.on('error', ({ code }) => say(code)).on('close', () => say('closed'));
process.stdin.once('data', () => {
  try {
    socket[how]();
    say('called');
  } catch ({ code }) {
    say(code);
  }
});
`;

export default experiment({
  id: 'tls-goodbye',
  question: 'What does a TLS socket of Node send when it closes, and what happens if data arrives after that?',
  tags: ['TLS', 'close_notify', 'node:tls', 'destroy()', 'resetAndDestroy()', 'RST', 'TIME-WAIT', 'Node.js'],
  symptoms: [
    'RST after a TLS connection is closed',
    'close_notify meets a closed socket',
    'ERR_INVALID_HANDLE_TYPE',
    'resetAndDestroy() of a TLS socket',
  ],
  factors: { over: ['tcp', 'TLSv1.2', 'TLSv1.3'], how: ['end', 'destroy', 'resetAndDestroy'] },
  words: {
    over: {
      text: 'what the connection is',
      values: { tcp: 'plain TCP, by node:net', 'TLSv1.2': 'TLS 1.2, by node:tls', 'TLSv1.3': 'TLS 1.3, by node:tls' },
    },
    how: {
      text: 'how the client closes, after a request and its answer',
      values: { end: 'end()', destroy: 'destroy()', resetAndDestroy: 'resetAndDestroy()' },
    },
  },
  only: ({ over, how }) => over !== 'TLSv1.2' || how === 'destroy',
  network: 'wire',
  seconds: 1.2,
  measures: {
    call: kind.outcome({ text: "what the client's call gave: called, or the code of the error that it threw" }),
    goodbye: kind.boolean({ text: 'whether the client sent data, a close_notify, before its FIN' }),
    answered: kind.boolean({ text: 'whether the server sent data, a close_notify, when it had read the end' }),
    reset: { ...kind.word('nobody', 'client', 'server'), text: 'the end that sent a RST' },
    heard: kind.outcome({ text: "the server's application: the end of the stream, or the code of its error" }),
    left: kind.boolean({ text: 'whether an end keeps TIME-WAIT, by sockstat' }),
    // the close_notify and the FIN of the server may come together
    'counters.client.Tcp.OutRsts': kind.count({ text: 'RSTs that were sent', compare: 'measurement' }),
    'counters.server.Tcp.EstabResets': kind.count({ text: 'connections that a RST ended', compare: 'measurement' }),
  },
  shows: ['call', 'goodbye', 'answered', 'reset', 'heard', 'left'],

  async scenario({ client: near, server: far, wire, sockets, note }, { over, how }) {
    const { at } = far.place();
    const to = [at.address, String(at.port), over];
    const serving = await far.exec(process.execPath, ['-e', server, ...to]);
    await serving.line('listening');
    const asking = await near.exec(process.execPath, ['-e', client, ...to, how]);
    await asking.line('answered');
    const [clientData, serverData] = [data.from('client'), data.from('server')];
    const before = { client: await wire.count(clientData), server: await wire.count(serverData) };
    await asking.write('close');
    const call = await asking.line(/^(called|ERR_.*)$/);
    note('call', call);
    if (call === 'called') {
      note('heard', await serving.line(/^(end|E[A-Z]+)$/));
      await serving.line('closed');
    }
    const closer = fin.or(rst).from('client');
    const isClosing = call === 'called' && (await wire.seen(closer)) !== undefined;
    // each end has got what is on its way, and has answered it
    const reset = await wire.seen(rst, { within: followsSeconds });
    note('reset', reset?.from ?? 'nobody');
    note('goodbye', isClosing && (await wire.count(clientData)) > before.client);
    note('answered', (await wire.count(serverData)) > before.server);
    note('left', sockets('client').timeWait + sockets('server').timeWait > 0);
  },

  claims: [
    {
      id: 'end-says-goodbye',
      text: 'end() of a TLS socket sends a close_notify before its FIN, the server answers with its own; no RST follows, and an end keeps TIME-WAIT: the server, if the close_notify comes before the FIN and makes it close first',
      source: 'RFC 8446 §6.1; RFC 5246 §7.2.1; Node.js documentation, tlsSocket.end()',
      when: ({ over, how }) => over !== 'tcp' && how === 'end',
      holds: (facts) => facts.goodbye && facts.answered && facts.reset === 'nobody' && facts.left,
    },
    {
      id: 'destroy-is-reset-by-the-goodbye',
      text: "after destroy() the server's close_notify meets a closed socket: the client's kernel answers with a RST, no application reads an error, and no TIME-WAIT is left",
      source: 'tcp_rcv_state_process() in net/ipv4/tcp_input.c: data after close, TCPAbortOnData; RFC 1122 §4.2.2.13',
      when: ({ over, how }) => over !== 'tcp' && how === 'destroy',
      holds: (facts) => facts.answered && facts.reset === 'client' && facts.heard === 'end' && !facts.left,
    },
    {
      id: 'tcp-has-no-goodbye',
      text: 'over plain TCP no data and no RST follow the FIN of end() or destroy(), and an end keeps TIME-WAIT',
      source: 'RFC 9293 §3.6, case 1',
      when: ({ over, how }) => over === 'tcp' && how !== 'resetAndDestroy',
      holds: (facts) => !facts.goodbye && !facts.answered && facts.reset === 'nobody' && facts.left,
    },
    {
      id: 'tcp-resets',
      text: 'over plain TCP resetAndDestroy() sends a RST, and the server reads ECONNRESET',
      source: 'Node.js documentation, socket.resetAndDestroy()',
      when: ({ over, how }) => over === 'tcp' && how === 'resetAndDestroy',
      holds: (facts) => facts.call === 'called' && facts.reset === 'client' && facts.heard === 'ECONNRESET',
    },
    {
      id: 'tls-cannot-reset',
      text: 'resetAndDestroy() of a TLS socket throws ERR_INVALID_HANDLE_TYPE and sends nothing',
      source: 'net.Socket.resetAndDestroy() in lib/net.js: "if (!(this._handle instanceof TCP))"',
      when: ({ over, how }) => over !== 'tcp' && how === 'resetAndDestroy',
      holds: (facts) => facts.call === 'ERR_INVALID_HANDLE_TYPE' && facts.reset === 'nobody',
    },
  ],

  guide: [
    {
      about: { 'reset after the response': 'look at' },
      claim: 'destroy-is-reset-by-the-goodbye',
      text: "After destroy() of a TLS socket, the other end's close_notify gets a RST: a RST that no application reads as an error.",
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (how: string, isTls: boolean) =>
      outcomes.filter(({ cell }) => cell.how === how && (cell.over !== 'tcp') === isTls);
    const isReset = ({ facts }: Outcome) => facts.reset === 'client';
    const destroyed = of('destroy', true);
    const met = destroyed.filter((each) => isReset(each) && each.facts.answered && !each.facts.left);
    const ended = of('end', true);
    const polite = ended.filter(({ facts }) => facts.goodbye && facts.answered && facts.left);
    const resetting = of('resetAndDestroy', true);
    const threw = resetting.filter(({ facts }) => facts.call !== 'called');
    const plain = [...of('end', false), ...of('destroy', false)];
    const calm = plain.filter(({ facts }) => facts.reset === 'nobody' && facts.left);
    const plainResets = of('resetAndDestroy', false);
    const reset = plainResets.filter(isReset);
    return {
      headline:
        destroyed.length > 0
          ? met.length === destroyed.length
            ? "After destroy() of a TLS socket, the other end's close_notify gets a RST."
            : `The goodbye met a closed socket in ${share(met, destroyed)} cases.`
          : ended.length > 0
            ? `end() of a TLS socket said goodbye in ${share(polite, ended)} cases.`
            : resetting.length > 0
              ? `resetAndDestroy() of a TLS socket threw in ${share(threw, resetting)} cases.`
              : plain.length > 0
                ? `Over plain TCP no RST followed a FIN in ${share(calm, plain)} cases.`
                : plainResets.length > 0 && `Over plain TCP a RST was sent in ${share(reset, plainResets)} cases.`,
      findings: [
        finding(
          share(met, destroyed),
          "After destroy() the server's close_notify is answered by a RST: no application reads an error, and no TIME-WAIT is left.",
        ),
        finding(
          share(polite, ended),
          'end() of a TLS socket sends a close_notify before its FIN; the server sends its own, no RST follows, and an end keeps TIME-WAIT.',
        ),
        finding(
          share(threw, resetting),
          'resetAndDestroy() of a TLS socket throws ERR_INVALID_HANDLE_TYPE and sends nothing.',
        ),
        finding(
          share(calm, plain),
          'Over plain TCP no data follows the FIN of end() or destroy(): no RST is sent, and an end keeps TIME-WAIT.',
        ),
        finding(share(reset, plainResets), 'Over plain TCP, resetAndDestroy() sends a RST.'),
      ],
    };
  },
});
