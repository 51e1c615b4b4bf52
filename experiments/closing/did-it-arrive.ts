import { errnos, experiment, finding, is, kind, largest, share } from 'lingerlab';

/** Bytes that the closing end writes. The other kernel takes the short data unread, but not all of the long data. */
const sizes = { short: 1_000, long: 1_000_000 } as const;
const lingerSeconds = 1;
/** Unit of the reader's window at scale 7. How much fits before the window closes varies within one unit. */
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
    peer: ['reading', 'stopped', 'killed'],
    data: ['short', 'long'],
  },
  words: {
    linger: {
      text: 'SO_LINGER of the closing end',
      values: { off: 'not set', zero: 'SO_LINGER 0', seconds: `SO_LINGER ${lingerSeconds} (${lingerSeconds} s)` },
    },
    peer: {
      text: 'the process that should read the data',
      values: {
        reading: 'reads all data before close(2)',
        stopped: 'is stopped (SIGSTOP) before the data arrives, and continues after close(2)',
        killed: 'is stopped (SIGSTOP) before the data arrives, and is killed after close(2)',
      },
    },
    data: {
      text: 'bytes written before close(2)',
      values: {
        short: `${sizes.short.toLocaleString('en')}: the other kernel takes all of them unread`,
        long: `${sizes.long.toLocaleString('en')}: more than the other kernel takes unread`,
      },
    },
  },
  seconds: (cell) => (cell.linger === 'seconds' && stuck(cell) ? lingerSeconds + 0.4 : 0.4),
  // a D-SACK answers a tail loss probe that crosses a delayed ACK, and takes 12 bytes of a data segment: chance would decide how
  // much fits into the window
  sysctls: () => ({ 'net.ipv4.tcp_early_retrans': 0 }),
  measures: {
    closed: kind.outcome({ label: 'close(2)', text: 'result of close(2)' }),
    sendQueue: kind.bytes({
      compare: 'within',
      resolution: windowUnit,
      text: 'bytes in the send queue just before the close, sent or not, by SIOCOUTQ',
    }),
    notSent: kind.bytes({
      compare: 'within',
      resolution: windowUnit,
      text: 'bytes in the send queue that were never sent, by tcpi_notsent_bytes of TCP_INFO',
    }),
    unacked: kind.count({
      text: 'segments sent and not acknowledged just before the close, by tcpi_unacked of TCP_INFO',
    }),
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
    // the kernel may delay an acknowledgement by 40 ms
    await rest(0.1);
    const info = await near.info();
    note('unacked', info.unacked);
    note('notSent', info.notSentBytes);
    note('sendQueue', await near.sendQueue());
    // only ss can show the receive queue of a process that is killed later, and after a RST ss shows no socket
    if (peer === 'killed') await look(far);

    note('closed', (await near.close('close(2)').answer()).outcome);
    // the acknowledgement of a FIN can be delayed, too; a FIN behind data that does not fit waits for the reader
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
      text: 'close(2) returns 0, whether the data was read, waits in a kernel or is discarded by SO_LINGER 0, and also when its 1 s of SO_LINGER has passed',
      source: 'inet_release() in net/ipv4/af_inet.c returns 0; tcp_close() returns nothing',
      holds: ({ closed }) => closed === 'ok',
    },
    {
      id: 'acknowledged-is-not-read',
      text: 'the other kernel acknowledges data and FIN, although its process is killed before it reads any of the data',
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
      text: "SIOCOUTQ counts data that waits in this kernel for the other end's closed window; tcpi_unacked does not: none of that data was sent",
      source:
        'tcp_ioctl() in net/ipv4/tcp.c: SIOCOUTQ is write_seq - snd_una; tcp_get_info(): tcpi_unacked is packets_out, the rest is tcpi_notsent_bytes',
      when: stuck,
      holds: (facts) =>
        facts.unacked === 0 && facts.sendQueue > facts['client.written'] / 2 && facts.notSent === facts.sendQueue,
    },
    {
      id: 'zero-drops-what-outq-told',
      text: 'SO_LINGER 0 discards what SIOCOUTQ counts just before the close, and nothing else, if the other application reads later',
      source:
        'tcp_ioctl() and tcp_disconnect() in net/ipv4/tcp.c. Tolerance: one unit of the window, for a window probe',
      when: (cell) => cell.linger === 'zero' && cell.peer === 'stopped',
      holds: (facts) => Math.abs(facts['client.lost'] - facts.sendQueue) <= windowUnit,
    },
    {
      id: 'outq-empty-is-not-read',
      text: 'SIOCOUTQ 0 means that the other kernel has the data; its process can still be killed before it reads any',
      source:
        'tcp(7), SIOCOUTQ; RFC 793 §2.6: an acknowledgment does not guarantee that the data has been delivered to the end user',
      when: ({ peer, data }) => peer === 'killed' && data === 'short',
      holds: (facts) => facts.sendQueue === 0 && facts['client.delivered'] === 0,
    },
    {
      id: 'kernel-goes-on',
      text: 'without SO_LINGER 0 the kernel sends on after close(2); an application that is resumed soon reads all data and the end of the stream',
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
      text: 'SO_LINGER 0 discards what was not sent, and the other application reads ECONNRESET instead of the end of the stream',
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
      text: 'the RST of SO_LINGER 0 leaves what the other kernel has received: an application that reads later gets that data, then ECONNRESET',
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
      text: 'a close(2) whose SO_LINGER time passes before the data is acknowledged blocks for all of that time and returns 0',
      source: 'sk_stream_wait_close() in net/core/stream.c; inet_release() in net/ipv4/af_inet.c',
      when: (cell) => cell.linger === 'seconds' && stuck(cell),
      holds: (facts) => facts.closed === 'ok' && facts['client.closeMs'] >= lingerSeconds * 1000,
    },
    {
      id: 'linger-waits-for-kernels-only',
      text: 'a close(2) with SO_LINGER 1 returns when its FIN is acknowledged, although the other application has read nothing',
      source:
        'sk_stream_closing() in net/core/stream.c: FIN-WAIT-1, CLOSING, LAST-ACK. Tolerance: half of the SO_LINGER time',
      when: (cell) => cell.linger === 'seconds' && cell.peer !== 'reading' && !stuck(cell),
      holds: (facts) => facts['client.path'].includes('FIN-WAIT-2') && facts['client.closeMs'] < lingerSeconds * 500,
    },
    {
      id: 'death-resets-unheard',
      text: 'the kernel resets the connection of a process that is killed with data unread; the application that closed earlier gets no error',
      source: 'RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: data_was_unread',
      when: ({ linger, peer }) => linger !== 'zero' && peer === 'killed',
      holds: (facts) =>
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 &&
        facts['counters.lab.Tcp.OutRsts'] === 1 &&
        facts['client.errors'].length === 0,
    },
  ],

  guide: [
    {
      about: { SO_LINGER: 'measured' },
      claim: 'kernel-goes-on',
      text: 'Without SO_LINGER 0 the kernel sends on after close(2): an application that goes on reading gets all data and the end of the stream.',
    },
    {
      about: { SO_LINGER: 'risks' },
      claim: 'linger-gives-up-silently',
      text: 'A close(2) whose SO_LINGER time passes before the data is acknowledged blocks for all of that time and returns 0.',
    },
    {
      about: { SO_LINGER: 'risks' },
      claim: 'acknowledged-is-not-read',
      when: ({ linger }) => linger === 'seconds',
      text: 'SO_LINGER 1 does not prove delivery: the other kernel acknowledges data and FIN, and its process is killed before it reads.',
    },
  ],

  answer(outcomes) {
    const succeeded = outcomes.filter(({ facts }) => facts.closed === 'ok');
    const lossy = succeeded.filter(({ facts }) => facts['client.lost'] > 0);
    const whole = succeeded.filter(({ facts }) => facts['client.lost'] === 0);
    const unread = succeeded.filter(({ cell }) => cell.peer === 'killed' && cell.data === 'short');
    const arrived = unread.filter(({ facts }) => facts.sendQueue === 0 && facts['client.lost'] > 0);
    const queued = succeeded.filter(({ facts }) => facts.sendQueue > 0);
    const waiting = whole.filter(({ facts }) => facts.sendQueue > 0);
    const lingering = succeeded.filter(({ cell }) => cell.linger === 'seconds' && stuck(cell));
    const inVain = lingering.filter(({ facts }) => facts['client.closeMs'] >= lingerSeconds * 1000);
    const discarding = lossy.filter(({ cell }) => cell.linger === 'zero' && cell.peer === 'stopped');
    const readers = outcomes.filter(({ cell }) => cell.linger !== 'zero' && cell.peer !== 'killed');
    const served = readers.filter(({ facts }) => facts['client.lost'] === 0 && facts['server.sawEnd']);
    const most = () => largest(discarding.map(({ facts }) => facts['client.lost'])).toLocaleString('en');
    return {
      headline:
        succeeded.length < outcomes.length
          ? `close(2) fails in ${share(outcomes.length - succeeded.length, outcomes)} closes.`
          : lossy.length > 0
            ? 'close(2) returns 0 even if the other application never reads the data.'
            : 'close(2) returned 0, and the other application read all data.',
      findings: [
        finding(share(lossy, succeeded), 'close(2) returned 0, although the other application did not read all data.'),
        finding(
          share(arrived, unread),
          `SIOCOUTQ was 0 before close(2), and the other process was killed before it read any of ${sizes.short.toLocaleString('en')} bytes: they are lost.`,
        ),
        finding(
          share(served, readers),
          'Without SO_LINGER 0 the kernel sends on after close(2): an application that reads, also later, gets all data and the end of the stream.',
        ),
        discarding.length > 0 &&
          finding(
            `${most()} of ${sizes.long.toLocaleString('en')} bytes`,
            'SO_LINGER 0 discards what the other kernel has not received; the other application reads what arrived, then ECONNRESET.',
            discarding,
          ),
        finding(
          share(inVain, lingering),
          `If the data is not acknowledged, close(2) with SO_LINGER ${lingerSeconds} blocks for ${lingerSeconds} s, and still returns 0.`,
        ),
        finding(
          share(waiting, queued),
          'SIOCOUTQ above 0 before close(2) does not prove a loss: the kernel still delivered all data in these results.',
        ),
      ],
    };
  },
});
