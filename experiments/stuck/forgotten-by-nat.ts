import { data, experiment, kind, sentence } from 'lingerlab';

/** How long the NAT remembers a mapping that no packet uses; RFC 5382 asks for 2 hours and 4 minutes. */
const memorySeconds = 1.5;
/** Without a word of either application: the NAT forgets unless a keepalive probe comes each second. */
const silenceSeconds = 2.2;
/** Nothing is sent again sooner than TCP_RTO_MIN, 200 ms; what is not answered is sent again in this time. */
const againSeconds = 0.8;

export default experiment({
  id: 'forgotten-by-nat',
  question: 'A NAT forgets an idle connection: what does each end see, and does keepalive prevent it?',
  tags: ['NAT', 'conntrack', 'SO_KEEPALIVE', 'TCP_KEEPIDLE', 'idle', 'ECONNRESET', 'load balancer'],
  symptoms: [
    'idle connection is dropped',
    'connection reset after idle time',
    'NAT timeout',
    'connection dies after some minutes',
    'database connection is lost overnight',
  ],
  factors: {
    keepalive: ['off', 'on'],
    // first, after the silence
    speaks: ['client', 'server'],
    // what the NAT does with a packet from the server that it has no mapping for
    unmapped: ['drop', 'reset'],
  },
  // a packet of the client makes a mapping
  only: ({ speaks, unmapped }) => speaks === 'server' || unmapped === 'drop',
  network: 'wire',
  seconds: silenceSeconds + againSeconds,
  measures: {
    mappings: kind.count({ text: 'mappings that the NAT made' }),
    spoke: kind.outcome({ text: 'what became of the byte: heard, no answer, or the errno of the end that sent it' }),
    other: kind.outcome({ text: 'the state of the other end after that' }),
  },
  roles: { speaking: ({ speaks }) => speaks },
  shows: ['spoke', 'other', 'mappings', 'speaking.resentAt'],

  async scenario({ client, server, wire, look, rest, note }, { keepalive, speaks, unmapped }) {
    const nat = await wire.translate({ forgetAfter: memorySeconds, afterwards: unmapped });
    const [near, far] = await client.connect(await server.listen());
    const [speaking, other] = speaks === 'client' ? [near, far] : [far, near];
    if (keepalive === 'on') {
      await near.set('TCP_KEEPIDLE', 1);
      await near.set('TCP_KEEPINTVL', 1);
      await near.set('SO_KEEPALIVE', true);
    }
    await rest(silenceSeconds);
    await speaking.write(1);
    const again = await wire.seen(data.from(speaks).nth(2), { within: againSeconds });
    const isThere = (await look(speaking)) !== undefined;
    if (isThere && !again) await other.received(1);
    const ended = isThere ? undefined : await speaking.ended().answer();
    note('spoke', again ? 'no answer' : !ended ? 'heard' : ended.ok ? 'the end' : ended.errno);
    note('other', (await look(other))?.state ?? 'no socket');
    note('mappings', (await nat.mappings()).length);
  },

  claims: [
    {
      id: 'new-mapping-is-refused',
      text: 'a client behind the NAT that speaks first gets a new mapping, which the server does not know: ECONNRESET, and the server keeps its socket',
      source: 'RFC 9293 §3.10.7.1: a segment for no connection is answered with a RST; RFC 4787 §4.1',
      when: ({ keepalive, speaks }) => keepalive === 'off' && speaks === 'client',
      holds: (facts) => facts.spoke === 'ECONNRESET' && facts.other === 'ESTABLISHED' && facts.mappings === 2,
    },
    {
      id: 'dropped-without-a-word',
      text: 'a server that speaks first to a NAT that drops gets no answer, and sends again; the client knows nothing',
      source: 'RFC 5382 §5 REQ-5: a NAT may abandon an idle session; RFC 6298 §5.4',
      when: ({ keepalive, speaks, unmapped }) => keepalive === 'off' && speaks === 'server' && unmapped === 'drop',
      holds: (facts) => facts.spoke === 'no answer' && facts.other === 'ESTABLISHED' && facts.mappings === 1,
    },
    {
      id: 'reset-tells-one-end',
      text: 'a NAT that answers with a RST frees the server at once: ECONNRESET; the client knows nothing',
      source: 'RFC 9293 §3.10.7.4: a RST in the window ends the connection',
      when: ({ keepalive, speaks, unmapped }) => keepalive === 'off' && speaks === 'server' && unmapped === 'reset',
      holds: (facts) => facts.spoke === 'ECONNRESET' && facts.other === 'ESTABLISHED' && facts.mappings === 1,
    },
    {
      id: 'keepalive-keeps-it',
      text: 'keepalive with a TCP_KEEPIDLE shorter than the memory of the NAT keeps the mapping, and the byte is heard',
      source: 'tcp(7): TCP_KEEPIDLE; RFC 1122 §4.2.3.6',
      when: ({ keepalive }) => keepalive === 'on',
      holds: (facts) => facts.spoke === 'heard' && facts.other === 'ESTABLISHED' && facts.mappings === 1,
    },
  ],

  answer(outcomes) {
    const off = outcomes.filter(({ cell }) => cell.keepalive === 'off');
    const on = outcomes.filter(({ cell }) => cell.keepalive === 'on');
    const silent = off.filter(({ facts }) => facts.spoke === 'no answer');
    const reset = off.filter(({ facts }) => facts.spoke === 'ECONNRESET');
    const heard = on.filter(({ facts }) => facts.spoke === 'heard');
    const unaware = off.filter(({ facts }) => facts.other === 'ESTABLISHED');
    return sentence(
      off.length > 0 &&
        `after ${silenceSeconds} s of silence the end that spoke first got ECONNRESET in ${reset.length} of ${off.length} and no answer in ${silent.length}`,
      off.length > 0 && `the other end stayed ESTABLISHED in ${unaware.length} of ${off.length}`,
      on.length > 0 && `with keepalive each second the byte was heard in ${heard.length} of ${on.length}`,
    );
  },
});
