import { data, experiment, finding, kind, share } from 'lingerlab';
import { keepAlive } from './shared/keepalive.ts';

/** How long the NAT keeps a mapping that no packet uses; RFC 5382 asks for 2 hours and 4 minutes. */
const memorySeconds = 1.5;
/** Silence of both applications. The NAT forgets the mapping, unless a keepalive probe uses the mapping each second. */
const silenceSeconds = 2.2;
/** Long enough for a retransmission on an idle machine; TCP_RTO_MIN is 200 ms. */
const againSeconds = 0.8;

export default experiment({
  id: 'forgotten-by-nat',
  question:
    'A NAT forgets an idle connection and then gives it another port: what does each end see, and does keepalive help?',
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
    speaks: ['client', 'server'],
    unmapped: ['drop', 'reset'],
  },
  words: {
    keepalive: {
      text: 'keepalive of the client',
      values: { off: 'off, the default', on: 'SO_KEEPALIVE with TCP_KEEPIDLE 1 s and TCP_KEEPINTVL 1 s' },
    },
    speaks: {
      text: 'which end sends a byte after the silence',
      values: { client: 'the client, which is behind the NAT', server: 'the server' },
    },
    unmapped: {
      text: 'what the NAT does with a packet of the server for which it has no mapping',
      values: { drop: 'drops the packet', reset: 'answers with a RST' },
    },
  },
  // a packet of the client creates a mapping
  only: ({ speaks, unmapped }) => speaks === 'server' || unmapped === 'drop',
  network: 'wire',
  seconds: silenceSeconds + againSeconds,
  measures: {
    mappings: kind.count({ text: 'mappings that the NAT created' }),
    spoke: kind.outcome({
      text: 'result of the byte: heard (the other end read it), no answer, or the errno that the end that sent it read',
    }),
    other: kind.outcome({ text: 'state of the other end at the end, by ss' }),
  },
  roles: { speaking: ({ speaks }) => speaks },
  shows: ['spoke', 'other', 'mappings', 'speaking.resentAt'],

  async scenario({ client, server, wire, look, rest, note }, { keepalive, speaks, unmapped }) {
    const nat = await wire.translate({ forgetAfter: memorySeconds, afterwards: unmapped });
    const [near, far] = await client.connect(await server.listen());
    const [speaking, other] = speaks === 'client' ? [near, far] : [far, near];
    if (keepalive === 'on') await keepAlive(near, { TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1 });
    // the kernel counts from setsockopt(2), the NAT from the last packet: this one comes after both, however slow the steps were
    await other.write(1);
    await speaking.received(1);
    await rest(silenceSeconds);
    const { rtoUs } = await speaking.info();
    await speaking.write(1);
    const again = await wire.seen(data.from(speaks).nth(2), { within: Math.max(againSeconds, (2 * rtoUs) / 1e6) });
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
      text: 'a client behind the NAT that sends first gets a new port of the NAT, which the server does not know: the client reads ECONNRESET, and the server stays ESTABLISHED',
      source: 'RFC 9293 §3.10.7.1: a RST answers a segment without a connection; RFC 5382 §4.1',
      when: ({ keepalive, speaks }) => keepalive === 'off' && speaks === 'client',
      holds: (facts) => facts.spoke === 'ECONNRESET' && facts.other === 'ESTABLISHED' && facts.mappings === 2,
    },
    {
      id: 'dropped-without-a-word',
      text: 'if the NAT drops its packets, a server that sends first gets no answer and sends again; the client stays ESTABLISHED',
      source: 'RFC 5382 §5 REQ-5: a NAT may abandon an idle session; RFC 6298 §5.4',
      when: ({ keepalive, speaks, unmapped }) => keepalive === 'off' && speaks === 'server' && unmapped === 'drop',
      holds: (facts) => facts.spoke === 'no answer' && facts.other === 'ESTABLISHED' && facts.mappings === 1,
    },
    {
      id: 'reset-tells-one-end',
      text: 'if the NAT answers with a RST, a server that sends first reads ECONNRESET; the client stays ESTABLISHED',
      source: 'RFC 9293 §3.10.7.4: a RST in the window ends the connection',
      when: ({ keepalive, speaks, unmapped }) => keepalive === 'off' && speaks === 'server' && unmapped === 'reset',
      holds: (facts) => facts.spoke === 'ECONNRESET' && facts.other === 'ESTABLISHED' && facts.mappings === 1,
    },
    {
      id: 'keepalive-keeps-it',
      text: "keepalive with TCP_KEEPIDLE and TCP_KEEPINTVL shorter than the NAT's idle timeout keeps the mapping, and the byte reaches the other end",
      source: 'tcp(7): TCP_KEEPIDLE; RFC 1122 §4.2.3.6',
      when: ({ keepalive }) => keepalive === 'on',
      holds: (facts) => facts.spoke === 'heard' && facts.other === 'ESTABLISHED' && facts.mappings === 1,
    },
  ],

  guide: [
    {
      about: { 'ECONNRESET on the second request': 'look at' },
      claim: 'new-mapping-is-refused',
      text: 'A client behind a NAT that forgot its idle connection reads ECONNRESET when it sends first; the server keeps its socket.',
    },
    {
      about: { keepalive: 'measured', 'ECONNRESET on the second request': 'helps' },
      claim: 'keepalive-keeps-it',
      text: "Keepalive with a TCP_KEEPIDLE shorter than the NAT's idle timeout keeps the connection: the next byte arrives.",
    },
  ],

  answer(outcomes) {
    const off = outcomes.filter(({ cell }) => cell.keepalive === 'off');
    const on = outcomes.filter(({ cell }) => cell.keepalive === 'on');
    const dropped = off.filter(({ cell }) => cell.speaks === 'server' && cell.unmapped === 'drop');
    const answered = off.filter((one) => !dropped.includes(one));
    const silent = dropped.filter(({ facts }) => facts.spoke === 'no answer');
    const reset = answered.filter(({ facts }) => facts.spoke === 'ECONNRESET');
    const heard = on.filter(({ facts }) => facts.spoke === 'heard');
    const unaware = off.filter(({ facts }) => facts.other === 'ESTABLISHED' && facts.spoke !== 'heard');
    const isPrevented = on.length > 0 && heard.length === on.length;
    return {
      headline:
        off.length > 0
          ? unaware.length === off.length
            ? isPrevented
              ? 'Without keepalive, the silent end keeps a connection that a NAT forgot.'
              : `If a NAT forgets a connection, the silent end keeps it${on.length > 0 ? ', even with keepalive' : ''}.`
            : `If a NAT forgets a connection, the silent end keeps it in ${share(unaware, off)} cases.`
          : on.length > 0 &&
            (isPrevented
              ? 'Keepalive keeps an idle connection alive in a NAT.'
              : 'Keepalive does not always keep an idle connection alive in a NAT.'),
      findings: [
        finding(
          share(heard, on),
          `Keepalive probes each second keep the connection in a NAT that forgets idle connections after ${memorySeconds} s.`,
        ),
        finding(
          share(unaware, off),
          'Without keepalive, the end that does not send stays ESTABLISHED: nothing reports that the NAT forgot the connection.',
        ),
        finding(
          share(reset, answered),
          'Without keepalive, a client that sends gets a new port of the NAT and reads ECONNRESET; a server that sends reads ECONNRESET if the NAT sends a RST.',
        ),
        finding(
          share(silent, dropped),
          'Without keepalive, a server that sends gets no answer and sends again, if the NAT drops its packets.',
        ),
      ],
    };
  },
});
