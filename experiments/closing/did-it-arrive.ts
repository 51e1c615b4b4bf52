import { errnos, experiment, is, kind, share } from 'lingerlab';

/** Bytes that the closing end writes: less than the other kernel takes without its application, and more. */
const sizes = { short: 1_000, long: 1_000_000 } as const;
const lingerSeconds = 1;
/** How much fits before a reader's window closes varies within one unit of that window, at scale 7. */
const windowUnit = 128;

type Asked = { readonly linger: string; readonly peer: string; readonly data: string };
/** Whether most of the data waits in the closing end's kernel for the other application to read. */
const stuck = ({ peer, data }: Asked) => peer !== 'reading' && data === 'long';

export default experiment({
  id: 'did-it-arrive',
  question: 'close() returned 0: was the data delivered?',
  tags: ['close(2)', 'SO_LINGER', 'SIOCOUTQ', 'lost data', 'send queue', 'kill'],
  symptoms: [
    'data lost after close()',
    'close() succeeded but the peer got nothing',
    'last message is missing',
    'flush before close',
  ],
  factors: {
    linger: ['off', 'zero', 'seconds'],
    // stopped before the data comes, and going on, or killed, after close() returned
    peer: ['reading', 'stopped', 'killed'],
    data: ['short', 'long'],
  },
  seconds: (cell) => (cell.linger === 'seconds' && stuck(cell) ? lingerSeconds + 0.4 : 0.4),
  // a tail loss probe that meets a delayed ACK is answered by a D-SACK, whose 12 bytes then are missing in a segment of data:
  // how much fits in the window would be a matter of chance
  sysctls: () => ({ 'net.ipv4.tcp_early_retrans': 0 }),
  measures: {
    closed: kind.outcome({ text: 'what close(2) answered' }),
    sendQueue: kind.bytes({
      compare: 'within',
      resolution: windowUnit,
      text: 'bytes in the send queue just before the close, sent or not: SIOCOUTQ',
    }),
    notSent: kind.bytes({
      compare: 'within',
      resolution: windowUnit,
      text: "those of them that were never sent: TCP_INFO's tcpi_notsent_bytes",
    }),
    unacked: kind.count({ text: "segments sent and unacknowledged just before the close: TCP_INFO's tcpi_unacked" }),
  },
  shows: [
    'closed',
    'client.delivered',
    'client.lost',
    'client.lostIn',
    'sendQueue',
    'notSent',
    'unacked',
    'client.closeMs',
    'client.written',
    'client.acked',
    'client.closedWith',
    'server.closedWith',
    'server.sawEnd',
    'server.errors',
    'client.errors',
    'client.path',
    'server.path',
  ],

  async scenario({ client, server, until, look, rest, note }, { linger, peer, data }) {
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    if (linger !== 'off') await near.set('SO_LINGER', linger === 'zero' ? 0 : lingerSeconds);
    if (peer !== 'reading') {
      await server.signal('SIGSTOP');
    }
    await near.write(sizes[data]);
    if (peer === 'reading') await far.received(sizes[data]);
    // an acknowledgement may be delayed by 40 ms
    await rest(0.1);
    const info = await near.info();
    note('unacked', info.unacked);
    note('notSent', info.notSentBytes);
    note('sendQueue', await near.sendQueue());
    // nobody else can say what lay in the receive queue of a process that is killed; after a RST ss shows no socket
    if (peer === 'killed') await look(far);

    note('closed', (await near.close('close(2)').answer()).outcome);
    // the acknowledgement of a FIN may be delayed, too; behind data that does not fit it waits
    await until(near, stuck({ linger, peer, data }) ? 'FIN-WAIT-1' : 'FIN-WAIT-2', 'CLOSED');

    if (peer === 'killed') await server.signal('SIGKILL');
    else {
      if (peer === 'stopped') await server.signal('SIGCONT');
      const end = await far.ended().answer();
      // a FIN that carries the acknowledgement of the first one would hide FIN-WAIT-2
      if (linger !== 'zero') await until(near, 'FIN-WAIT-2');
      if (end.ok) await far.close('end');
      await far.gone();
    }
    await Promise.all([until(near, 'TIME-WAIT', 'CLOSED'), until(far, 'CLOSED')]);
  },

  claims: [
    {
      id: 'close-answers-0',
      text: 'close(2) answers 0, whether the data was read, waits in either kernel or is discarded by linger 0, and after a linger that used up its 1 s',
      source: 'inet_release() in net/ipv4/af_inet.c returns 0; tcp_close() returns nothing',
      holds: ({ closed }) => closed === 'ok',
    },
    {
      id: 'acknowledged-is-not-read',
      text: 'data, and a FIN behind it, that were acknowledged are not read where the other process is killed before it reads them',
      source: 'RFC 793 §2.6: an acknowledgment does not guarantee that the data has been delivered to the end user',
      when: ({ linger, peer, data }) => linger !== 'zero' && peer === 'killed' && data === 'short',
      holds: (facts) =>
        facts.unacked === 0 &&
        facts['client.acked'] === facts['client.written'] &&
        facts['client.path'].includes('FIN-WAIT-2') &&
        is(facts['client.lostIn'], 'receiveQueue') &&
        facts['client.delivered'] === 0,
    },
    {
      id: 'outq-tells-unread-unsent',
      text: "SIOCOUTQ tells of data that waits in this kernel because the other end's window is closed; TCP_INFO's unacked does not, for none of it has left",
      source:
        'tcp_ioctl() in net/ipv4/tcp.c: SIOCOUTQ is write_seq - snd_una; tcp_get_info(): tcpi_unacked is packets_out, the rest is tcpi_notsent_bytes',
      when: stuck,
      holds: (facts) =>
        facts.unacked === 0 && facts.sendQueue > facts['client.written'] / 2 && facts.notSent === facts.sendQueue,
    },
    {
      id: 'zero-drops-what-outq-told',
      text: 'linger 0 drops what SIOCOUTQ told just before, and nothing else, where the other application reads later',
      source:
        'tcp_ioctl() and tcp_disconnect() in net/ipv4/tcp.c. Tolerance: a unit of the window, for what a probe of it had moved',
      when: (cell) => cell.linger === 'zero' && cell.peer === 'stopped',
      holds: (facts) => Math.abs(facts['client.lost'] - facts.sendQueue) <= windowUnit,
    },
    {
      id: 'outq-empty-is-not-read',
      text: 'SIOCOUTQ of 0 says that the other kernel has the data, not its application, which may be killed before it reads any',
      source:
        'tcp(7), SIOCOUTQ; RFC 793 §2.6: an acknowledgment does not guarantee that the data has been delivered to the end user',
      when: ({ peer, data }) => peer === 'killed' && data === 'short',
      holds: (facts) => facts.sendQueue === 0 && facts['client.delivered'] === 0,
    },
    {
      id: 'kernel-goes-on',
      text: 'without linger 0 the kernel goes on sending after close(), and an application that reads on soon after reads all, then the end',
      source: 'RFC 9293 §3.6: closing is "I have no more data to send"; tcp_send_fin() queues behind the data',
      when: ({ linger, peer }) => linger !== 'zero' && peer !== 'killed',
      holds: (facts, { data }) =>
        facts['client.written'] === sizes[data] &&
        facts['client.delivered'] === sizes[data] &&
        facts['client.lost'] === 0 &&
        facts['server.sawEnd'],
    },
    {
      id: 'linger-0-drops-unsent',
      text: 'with linger 0 what had not been sent is dropped, and the other application reads ECONNRESET instead of the end',
      source: 'RFC 9293 §3.10.5: ABORT; tcp_disconnect() in net/ipv4/tcp.c; tcp_reset() in net/ipv4/tcp_input.c',
      when: (cell) => cell.linger === 'zero' && cell.peer === 'stopped' && stuck(cell),
      holds: (facts) =>
        facts['counters.lab.TcpExt.TCPAbortOnData'] === 1 &&
        is(facts['client.lostIn'], 'sendQueue') &&
        !facts['server.sawEnd'] &&
        errnos(facts['server.errors']).includes('ECONNRESET'),
    },
    {
      id: 'linger-0-leaves-arrived',
      text: 'the RST of linger 0 does not take back what the other kernel has: an application that reads later reads it, then ECONNRESET',
      source:
        'tcp_reset() in net/ipv4/tcp_input.c leaves sk_receive_queue; tcp_recvmsg_locked() reads it before sk_err',
      when: ({ linger, peer, data }) => linger === 'zero' && peer === 'stopped' && data === 'short',
      holds: (facts) =>
        facts['counters.lab.TcpExt.TCPAbortOnData'] === 1 &&
        facts['client.delivered'] === facts['client.written'] &&
        errnos(facts['server.errors']).includes('ECONNRESET'),
    },
    {
      id: 'linger-gives-up-silently',
      text: 'a close() that lingered in vain takes all its seconds, then answers 0 like one that succeeded',
      source: 'sk_stream_wait_close() in net/core/stream.c; inet_release() in net/ipv4/af_inet.c',
      when: (cell) => cell.linger === 'seconds' && stuck(cell),
      holds: (facts) => facts.closed === 'ok' && facts['client.closeMs'] >= lingerSeconds * 1000,
    },
    {
      id: 'linger-waits-for-kernels-only',
      text: 'a lingering close() returns with the acknowledgement of its FIN, though the other application has read nothing yet',
      source: 'sk_stream_closing() in net/core/stream.c: FIN-WAIT-1, CLOSING, LAST-ACK; tolerance: half the linger',
      when: (cell) => cell.linger === 'seconds' && cell.peer !== 'reading' && !stuck(cell),
      holds: (facts) => facts['client.path'].includes('FIN-WAIT-2') && facts['client.closeMs'] < lingerSeconds * 500,
    },
    {
      id: 'death-resets-unheard',
      text: 'a process that is killed with data unread resets the connection; an application that had closed before reads no error',
      source: 'RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: data_was_unread',
      when: ({ linger, peer }) => linger !== 'zero' && peer === 'killed',
      holds: (facts) =>
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 &&
        facts['counters.lab.Tcp.OutRsts'] === 1 &&
        facts['client.errors'].length === 0,
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const succeeded = outcomes.filter(({ facts }) => facts.closed === 'ok');
    const lossy = succeeded.filter(({ facts }) => facts['client.lost'] > 0);
    const whole = succeeded.filter(({ facts }) => facts['client.lost'] === 0);
    const waiting = (of: Outcomes) => of.filter(({ facts }) => facts.sendQueue > 0);
    const unsent = lossy.filter(({ facts }) => facts.notSent > 0);
    const arrived = lossy.filter(({ facts }) => facts.sendQueue === 0);
    const killed = arrived.filter(({ cell }) => cell.peer === 'killed');
    const lingering = succeeded.filter(({ cell }) => cell.linger === 'seconds');
    const inVain = lingering.filter(({ facts }) => facts['client.closeMs'] >= lingerSeconds * 1000);
    const alarms =
      whole.length > 0 ? `, and before ${waiting(whole).length} of the ${whole.length} closes that lost nothing` : '';
    const parts = [
      `close() answered 0 in ${share(succeeded, outcomes)} cells, and data was lost in ${lossy.length} of them.`,
      lossy.length > 0 &&
        `SIOCOUTQ had told of data still waiting before ${waiting(lossy).length} of these losses${alarms}; TCP_INFO's notsent_bytes before ${unsent.length}.`,
      arrived.length > 0 &&
        `Neither foretold the other ${arrived.length}: the data had been acknowledged, and in ${killed.length} the process that was to read it was killed.`,
      lingering.length > 0 &&
        `${share(inVain, lingering)} lingering closes used up their ${lingerSeconds} s and still answered 0.`,
    ];
    return parts.filter(Boolean).join(' ');
  },
});
