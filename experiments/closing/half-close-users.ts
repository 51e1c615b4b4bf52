import { experiment, finding, is, kind, share } from 'lingerlab';

const request = 100;
const answer = 1000;
const theEnd = 'the end';

export default experiment({
  id: 'half-close-users',
  question: 'A client half-closes after its request, as nc, rsh and some protocols do: does it get the answer?',
  tags: ['half-close', 'shutdown(2)', 'allowHalfOpen', 'proxy', 'load balancer', 'FIN-WAIT-2', 'CLOSE-WAIT'],
  symptoms: [
    'no answer after shutdown(SHUT_WR)',
    'nc gets no answer through the proxy',
    'half close breaks behind a proxy',
    'write after end in Node.js',
    'connection hangs in FIN_WAIT_2 behind a proxy',
  ],
  connections: ['asking', 'serving'],
  factors: {
    between: ['nothing', 'forwards', 'closes', 'keeps'],
    server: ['half-open', 'default'],
  },
  words: {
    between: {
      text: 'what a proxy between the client and the server does when it reads the end of the request',
      values: {
        nothing: 'there is none',
        forwards: 'half-closes its connection to the server, too',
        closes: 'closes both its connections',
        keeps: 'keeps it to itself: its connection to the server stays as it is',
      },
    },
    server: {
      text: "how the server's net socket was made",
      values: {
        'half-open': 'allowHalfOpen: true: the end of the request ends nothing else',
        default: "net's default, allowHalfOpen: false: net ends the answer as soon as the request ends",
      },
    },
  },
  // a server that closes by itself at the end of the request gives a proxy nothing to lose
  valid: ({ between, server }) => server === 'half-open' || between === 'nothing',
  measures: {
    written: kind.outcome({
      label: "server's write",
      text: "the server's write of the answer, when it had read the request to its end",
    }),
    got: kind.bytes({ label: 'answer bytes read', text: 'bytes of the answer that the client read' }),
    told: kind.outcome({ label: 'client reads last', text: 'what the client read after that' }),
    server: kind.outcome({ label: "server's state", text: "state of the server's socket then, by ss" }),
    client: kind.outcome({ label: "client's state", text: "state of the client's socket then, by ss" }),
  },
  shows: ['written', 'got', 'told', 'client', 'server'],

  async scenario({ client, server, start, look, until, note }, { between, server: made }) {
    const listener = await server.listen({ allowHalfOpen: made === 'half-open' });
    const proxy = between === 'nothing' ? undefined : await start('proxy', 'server');
    const entry = proxy ? await proxy.listen() : listener;
    const [near, inside] = await client.connect(entry, { as: 'asking' });
    const [out, far] = proxy ? await proxy.connect(listener, { as: 'serving' }) : [undefined, inside];

    await near.write(request);
    await near.shutdown('WR');
    await inside.received(request);
    await inside.ended();
    if (out) {
      await out.write(request);
      if (between === 'forwards') await out.shutdown('WR');
      if (between === 'closes') {
        await out.close('destroy');
        await inside.close('destroy');
        await until(out, 'FIN-WAIT-2');
      }
    }
    await far.received(request);
    if (between !== 'keeps') {
      await far.ended();
      note('written', (await far.write(answer).answer()).outcome);
      if (out && between === 'forwards') {
        await out.received(answer);
        await inside.write(answer);
      }
      if (between === 'closes') await until(far, 'CLOSED');
      else await far.close('destroy');
      if (between === 'forwards') await inside.close('destroy');
      const ended = await near.ended().answer();
      note('told', ended.ok ? theEnd : ended.outcome);
    } else {
      await until(near, 'FIN-WAIT-2');
      note('told', 'nothing yet');
    }
    note('got', (await near.heard()).length);
    note('client', (await look(near))?.state ?? 'no socket');
    note('server', (await look(far))?.state ?? 'no socket');
  },

  claims: [
    {
      id: 'the-answer-arrives',
      text: 'a server that can still write after the end of the request can answer, and the client in FIN-WAIT-2 reads the whole answer, also through a proxy that forwards the half-close',
      source: 'RFC 9293 §3.6, case 1: the other side may go on sending; shutdown(2)',
      when: ({ between, server }) => server === 'half-open' && (between === 'nothing' || between === 'forwards'),
      holds: (facts) => facts.written === 'ok' && facts.got === answer && facts.told === theEnd,
    },
    {
      id: 'net-ends-the-answer',
      text: "net's default ends the answer when the request ends: the write fails with EPIPE or ERR_STREAM_DESTROYED, and the client reads the end of the stream without an answer",
      source: 'Node.js documentation, net.createServer(), allowHalfOpen',
      when: ({ server }) => server === 'default',
      holds: (facts) => facts.written !== 'ok' && facts.got === 0 && facts.told === theEnd,
    },
    {
      id: 'a-proxy-that-closes-loses-it',
      text: 'a proxy that closes both connections at the end of the request loses the answer: the answer arrives at a closed socket, and a RST ends the connection of the server',
      source: 'RFC 9293 §3.10.7.1; RFC 2525 §2.17',
      when: ({ between }) => between === 'closes',
      holds: (facts) =>
        facts.written === 'ok' &&
        facts.got === 0 &&
        facts.told === theEnd &&
        is(facts['serving.client.closedWith'], 'FIN', 'RST'),
    },
    {
      id: 'a-proxy-that-keeps-it-hangs',
      text: 'a server that waits for the end of the request never reads it if the proxy does not forward the half-close: the client stays in FIN-WAIT-2, the server in ESTABLISHED',
      source: 'RFC 9293 §3.6: a FIN says that its sender has no more data; no other segment does',
      when: ({ between }) => between === 'keeps',
      holds: (facts) => facts.got === 0 && facts.client === 'FIN-WAIT-2' && facts.server === 'ESTABLISHED',
    },
  ],

  guide: [
    {
      about: { 'closing order': 'risks' },
      claim: 'net-ends-the-answer',
      text: "A server on net's defaults ends its side when the request ends: a client that half-closed gets no answer.",
    },
    {
      about: { 'FIN-WAIT-2 grows': 'look at' },
      claim: 'a-proxy-that-keeps-it-hangs',
      text: 'A proxy that does not forward a half-close leaves the client in FIN-WAIT-2 and the server waiting in ESTABLISHED.',
    },
  ],

  answer(outcomes) {
    const whole = outcomes.filter(({ facts }) => facts.got === answer);
    const good = outcomes.filter(
      ({ cell }) => cell.server === 'half-open' && (cell.between === 'nothing' || cell.between === 'forwards'),
    );
    const served = good.filter((each) => whole.includes(each));
    const ended = outcomes.filter(({ cell }) => cell.server === 'default');
    const closed = outcomes.filter(({ cell }) => cell.between === 'closes');
    const kept = outcomes.filter(({ cell }) => cell.between === 'keeps');
    const without = (own: typeof outcomes) => own.filter((each) => !whole.includes(each));
    const hang = kept.filter(({ facts }) => facts.client === 'FIN-WAIT-2' && facts.server === 'ESTABLISHED');
    const others = outcomes.length - good.length;
    return {
      headline:
        good.length === 0
          ? outcomes.length > 0 && `The client got the answer in ${share(whole, outcomes)} cases.`
          : served.length < good.length
            ? `A client that has half-closed got the answer in ${share(served, good)} cases.`
            : others > 0 && whole.length === served.length
              ? 'A half-closed client gets an answer only if server and proxies support it.'
              : 'A client that has half-closed still gets the answer.',
      findings: [
        finding(
          share(served, good),
          'If the server can still write, the client in FIN-WAIT-2 reads the whole answer, also through a proxy that forwards the half-close.',
        ),
        finding(
          share(without(ended), ended),
          "With net's default, allowHalfOpen: false, a server cannot answer after the end of the request: the client reads the end of the stream and no answer.",
        ),
        finding(
          share(
            without(closed).filter(({ facts }) => facts['serving.client.closedWith'].includes('RST')),
            closed,
          ),
          'A proxy that closes both connections at the end of the request loses the answer; the server gets a RST.',
        ),
        finding(
          share(hang, kept),
          'If the proxy does not forward the half-close, client (FIN-WAIT-2) and server (ESTABLISHED) wait for each other.',
        ),
      ],
    };
  },
});
