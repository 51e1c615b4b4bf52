import {
  ack,
  experiment,
  fin,
  is,
  kind,
  rst,
  type SegmentSighting,
  type Side,
  type Stage,
  sentence,
  share,
  syn,
  synAck,
} from 'lingerlab';

const measures = {
  before: kind.outcome({ text: 'what ss shows of the closing end just before' }),
  after: kind.outcome({ text: 'and once it has closed' }),
  sentAtClose: { ...kind.word('nothing', 'FIN', 'RST'), text: 'what it sent as it closed' },
  answered: { ...kind.word('nothing', 'RST'), text: 'what the late segment of the other end was answered with' },
  others: kind.outcome({ text: "what became of the other end's connect(2)" }),
} as const;
type Played = Stage<readonly [], typeof measures>;
const isReset = ({ segment }: SegmentSighting) => segment.flags.includes('RST');
const answeredWith = (segments: readonly SegmentSighting[]) => (segments.some(isReset) ? 'RST' : 'nothing');

/** When its SYN-ACK would be sent again, a request whose listener is closed is dropped; TCP_TIMEOUT_INIT less a busy machine's part. */
const requestMs = 900;

/** Closes; notes what ss shows of the end before and, where that can be told in time, after, and what it sent meanwhile. */
async function closing(
  { wire, look, note }: Played,
  end: Side,
  close: () => Promise<unknown>,
  until = Number.POSITIVE_INFINITY,
): Promise<void> {
  const closers = fin.or(rst).from(end.end);
  note('before', (await look(end))?.state ?? '–');
  await close();
  // whatever a rule made of it
  const closer = (await wire.count(closers)) > 0 ? await wire.seen(closers) : undefined;
  note('sentAtClose', closer ? (isReset(closer) ? 'RST' : 'FIN') : 'nothing');
  const after = (await look(end))?.state ?? '–';
  if (performance.now() < until) note('after', after);
}

export default experiment({
  id: 'close-while-opening',
  question: 'What does closing do to a connection that is not open yet?',
  tags: ['SYN-SENT', 'SYN-RECEIVED', 'request socket', 'accept queue', 'RST', 'simultaneous open'],
  symptoms: ['cancel a connect', 'close a socket while it connects', 'abort connect()'],
  factors: {
    // SYN-RECEIVED: of a socket whose SYN crossed another; `request`: at a server, whose listener is closed
    state: ['SYN-SENT', 'SYN-RECEIVED', 'request'],
    linger: ['off', 'zero'],
  },
  network: 'wire',
  seconds: 1.5,
  measures,
  shows: ['client.path', 'server.path', 'before', 'sentAtClose', 'after', 'answered', 'others', 'client.errors'],

  async scenario(stage, { state, linger }) {
    const { client, server, wire, until, note } = stage;

    if (state === 'SYN-SENT') {
      const listener = await server.listen();
      const late = await wire.hold(synAck, { times: 1 });
      // sent again after a second, which seeing the request may take on a busy machine
      await wire.drop(synAck);
      const near = await client.open(listener);
      if (linger === 'zero') await near.set('SO_LINGER', 0);
      await wire.seen(synAck);
      await until(near.other, 'SYN-RECEIVED');
      await closing(stage, near, async () => {
        await near.close('destroy');
        await until(near, 'CLOSED');
      });
      await late.release();
      note('answered', answeredWith(await wire.answers(await wire.seen(synAck))));
      await until(near.other, 'CLOSED');
      return;
    }

    if (state === 'SYN-RECEIVED') {
      const [here, there] = [client.place(), server.place()];
      // of the client the other end sees nothing but what it sends as it closes, and then its SYN-ACK
      await wire.drop(syn.from('client'));
      const held = await wire.hold(synAck.from('client').or(fin.from('client')));
      const near = await client.open(there, { localPort: here.at.port });
      const far = await server.open(here, { localPort: there.at.port });
      if (linger === 'zero') await near.set('SO_LINGER', 0);
      await until(near, 'SYN-RECEIVED');
      await wire.seen(synAck);
      await closing(stage, near, async () => {
        await near.close('destroy');
        await until(near, 'FIN-WAIT-1', 'CLOSED');
        await wire.seen(fin.or(rst).from('client'));
      });
      await held.lift();
      // the reset end is gone, and its SYN-ACK with it
      if (linger === 'off') await held.release();
      else await held.discard();
      const answer = await far.connected().answer();
      note('others', answer.outcome);
      if (!answer.ok) return;
      await far.ended();
      await far.close();
      await until(near, 'TIME-WAIT');
      await until(far, 'CLOSED');
      return;
    }

    const listener = await server.listen();
    if (linger === 'zero') await listener.set('SO_LINGER', 0);
    const late = await wire.hold(ack.from('client'), { times: 1 });
    // of a SYN-ACK that was sent again
    await wire.drop(ack.from('client').withAck(1));
    const began = performance.now();
    const near = await client.open(listener);
    await near.connected();
    await wire.seen(ack.from('client'));
    await closing(stage, near.other, async () => listener.close(), began + requestMs);
    await late.release();
    note('answered', answeredWith(await wire.answers(await wire.seen(ack.from('client')))));
    await near.gone();
    await until(near.other, 'CLOSED');
  },

  claims: [
    {
      id: 'syn-sent-just-goes',
      text: 'in SYN-SENT a close sends nothing, with linger 0 neither: the socket is gone',
      source: 'RFC 9293 §3.10.4, §3.10.5: SYN-SENT; tcp_need_reset() in net/ipv4/tcp.c',
      when: ({ state }) => state === 'SYN-SENT',
      holds: (facts) =>
        facts.before === 'SYN-SENT' &&
        facts.sentAtClose === 'nothing' &&
        facts.after === '–' &&
        is(facts['client.path'], 'SYN-SENT', 'CLOSED'),
    },
    {
      id: 'late-syn-ack',
      text: 'closed in SYN-SENT, an end answers the SYN-ACK that comes later by a RST, which ends the request of the server',
      source: 'RFC 9293 §3.10.7.1; tcp_check_req() in net/ipv4/tcp_minisocks.c',
      when: ({ state }) => state === 'SYN-SENT',
      holds: (facts) => facts.answered === 'RST' && is(facts['server.path'], 'SYN-RECEIVED', 'CLOSED'),
    },
    {
      id: 'counted-though-not-sent',
      text: 'TCPAbortOnData counts the close with linger 0 in SYN-SENT, though no data was lost and nothing sent',
      source: '__tcp_close() in net/ipv4/tcp.c: it is counted before the state is looked at',
      when: ({ state, linger }) => state === 'SYN-SENT' && linger === 'zero',
      holds: (facts) => facts['counters.client.TcpExt.TCPAbortOnData'] === 1 && facts.sentAtClose === 'nothing',
    },
    {
      id: 'syn-received-sends-fin',
      text: 'a socket in SYN-RECEIVED sends its FIN behind its SYN-ACK and goes to FIN-WAIT-1 without having been ESTABLISHED; the other end connects, reads the end of the stream, and closes in turn',
      source: 'RFC 9293 §3.10.4: SYN-RECEIVED; new_state[] in net/ipv4/tcp.c',
      when: ({ state, linger }) => state === 'SYN-RECEIVED' && linger === 'off',
      holds: (facts) =>
        facts.sentAtClose === 'FIN' &&
        is(facts['client.path'], 'SYN-SENT', 'SYN-RECEIVED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT') &&
        facts.others === 'ok' &&
        facts['server.sawEnd'],
    },
    {
      id: 'syn-received-resets',
      text: 'closed in SYN-RECEIVED with linger 0, a socket sends a RST, and the connect(2) of the other end, still in SYN-SENT, is refused as if nobody listened',
      source: 'RFC 9293 §3.10.5: SYN-RECEIVED; tcp_need_reset() in net/ipv4/tcp.c, tcp_reset() in net/ipv4/tcp_input.c',
      when: ({ state, linger }) => state === 'SYN-RECEIVED' && linger === 'zero',
      holds: (facts) =>
        facts.sentAtClose === 'RST' &&
        is(facts['client.path'], 'SYN-SENT', 'SYN-RECEIVED', 'CLOSED') &&
        facts.others === 'ECONNREFUSED',
    },
    {
      id: 'request-outlives-its-listener',
      text: 'a request is no socket that could be closed: with its listener closed it is still there, until its SYN-ACK would be sent again; nothing is sent, and the ACK that completes the handshake is answered by a RST; the client was connected, and reads ECONNRESET',
      source:
        'tcp_v4_rcv() in net/ipv4/tcp_ipv4.c: a request whose listener no longer listens is dropped when a segment comes; reqsk_timer_handler() in net/ipv4/inet_connection_sock.c drops it when its SYN-ACK would be sent again, after 1 s: looked at before',
      when: ({ state }) => state === 'request',
      holds: (facts) =>
        facts.before === 'SYN-RECEIVED' &&
        facts.sentAtClose === 'nothing' &&
        facts.after === 'SYN-RECEIVED' &&
        is(facts['server.closedWith'], 'RST') &&
        facts['client.errors'].at(-1)?.errno === 'ECONNRESET',
    },
  ],

  answer(outcomes) {
    const of = (state: string, linger?: string) =>
      outcomes.filter(({ cell }) => cell.state === state && (linger === undefined || cell.linger === linger));
    const sent = (chosen: typeof outcomes) => [...new Set(chosen.map(({ facts }) => facts.sentAtClose))].join(', ');
    const [sending, plain, zero] = [of('SYN-SENT'), of('SYN-RECEIVED', 'off'), of('SYN-RECEIVED', 'zero')];
    const answered = sending.filter(({ facts }) => facts.answered === 'RST');
    const requests = of('request');
    const kept = requests.filter(({ facts }) => facts.after === 'SYN-RECEIVED');
    return sentence(
      sending.length > 0 &&
        `closed in SYN-SENT an end sent ${sent(sending)}, and a RST to the late SYN-ACK in ${share(answered, sending)}`,
      plain.length > 0 && `closed in SYN-RECEIVED it sent ${sent(plain)}`,
      zero.length > 0 && `closed in SYN-RECEIVED with linger 0 it sent ${sent(zero)}`,
      requests.length > 0 && `a request outlived its closed listener in ${share(kept, requests)}`,
    );
  },
});
