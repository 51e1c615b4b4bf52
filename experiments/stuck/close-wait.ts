import { experiment, finding, is, kind, range, share } from 'lingerlab';
import { keepAlive } from './shared/keepalive.ts';

/** tcp_fin_timeout of the cells, in seconds: an orphan at the other end is gone after it, and answers probes by a RST. */
const finTimeout = 1;
/** TCP_KEEPIDLE and TCP_KEEPINTVL, in seconds. */
const idle = 1;
/** How long the socket is watched: the orphan's FIN-WAIT-2, the next probe, and a slot of the timer wheel for each. */
const watchedSeconds = 3.5;

/** Whether the application keeps the socket as it is. */
const isKept = ({ server }: { readonly server: string }): boolean => server === 'half-open' || server === 'paused';

export default experiment({
  id: 'close-wait',
  question: 'The other end has closed: what ends CLOSE-WAIT if the application does not close?',
  tags: ['CLOSE-WAIT', 'keepalive', 'SO_KEEPALIVE', 'allowHalfOpen', 'tcp_fin_timeout', 'EPIPE', 'LAST-ACK'],
  symptoms: [
    'CLOSE_WAIT never goes away',
    'close wait grows',
    'sockets stuck in CLOSE_WAIT',
    'does keepalive clean up CLOSE_WAIT',
    'how to get rid of CLOSE_WAIT without a restart',
  ],
  factors: {
    server: ['half-open', 'paused', 'default', 'closes-unread'],
    client: ['orphan', 'half-closed'],
    keepalive: ['off', 'on'],
  },
  words: {
    server: {
      text: 'what the application of the end in CLOSE-WAIT does',
      values: {
        'half-open': 'reads the end of the stream and does not close: net with allowHalfOpen',
        paused: 'reads nothing: a paused socket of net, with its defaults',
        default: 'reads: net, with its defaults, closes when it has read the end of the stream',
        'closes-unread': 'closes while its send queue has data that the other application does not read',
      },
    },
    client: {
      text: 'what the other end has called',
      values: {
        orphan: 'close(): no process has its socket any more',
        'half-closed': 'shutdown() only: its process still has the socket',
      },
    },
    keepalive: {
      text: 'keepalive of the end in CLOSE-WAIT',
      values: { off: 'off, the default', on: `SO_KEEPALIVE with TCP_KEEPIDLE ${idle} s and TCP_KEEPINTVL ${idle} s` },
    },
  },
  // an orphan resets an end that has sent data
  valid: ({ server, client }) => server !== 'closes-unread' || client === 'half-closed',
  only: ({ server, client, keepalive }) =>
    server === 'half-open' ||
    (server === 'closes-unread'
      ? client === 'half-closed' && keepalive === 'off'
      : client === 'orphan' && (server === 'paused' || keepalive === 'off')),
  // where net closes at once, the server's FIN may come before the client's FIN-WAIT-2 is a mini-socket's, or after: the kernel counts
  // one of less than 4 s as TWKilled, a longer one as TW, as it does TIME-WAIT
  sysctls: ({ server }) => ({ 'net.ipv4.tcp_fin_timeout': server === 'default' ? undefined : finTimeout }),
  seconds: (cell) => (isKept(cell) ? watchedSeconds + 0.4 : 0.3),
  measures: {
    timer: kind.outcome({ text: 'timer of the socket in CLOSE-WAIT that ss shows' }),
    after: kind.outcome({ text: 'state of that socket at the end, by ss' }),
    process: kind.boolean({ text: 'whether ss shows an inode at the end: a process has the socket' }),
    error: kind.outcome({ text: 'SO_ERROR of the socket at the end' }),
  },
  shows: ['after', 'timer', 'process', 'error', 'server.path', 'server.stateMs.CLOSE-WAIT', 'server.events'],

  async scenario({ client, server, until, look, rest, note }, cell) {
    const keeps = isKept(cell);
    const listener = await server.listen({
      allowHalfOpen: cell.server === 'half-open' || cell.server === 'closes-unread',
    });
    const [near, far] = await client.connect(listener);
    if (cell.keepalive === 'on') await keepAlive(far, { TCP_KEEPIDLE: idle, TCP_KEEPINTVL: idle });
    if (cell.server === 'paused') await far.stopReading();
    if (cell.server === 'closes-unread') await far.fill(near);
    if (cell.client === 'orphan') await near.close('destroy');
    else await near.shutdown('WR');
    await until(far, 'CLOSE-WAIT');

    if (keeps) {
      note('timer', (await look(far))?.timer?.name ?? 'none');
      await rest(watchedSeconds);
    }
    if (cell.server === 'default') await until(far, 'CLOSED');
    if (cell.server === 'closes-unread') {
      await far.close('destroy');
      await until(far, 'LAST-ACK');
    }
    const last = await look(far);
    note('after', last?.state ?? 'no socket');
    note('process', (last?.inode ?? 0) > 0);
    if (keeps) note('error', await far.error());
  },

  claims: [
    {
      id: 'stays-without-a-timer',
      text: `with neither keepalive nor unsent data CLOSE-WAIT has no timer: it lasts beyond ${watchedSeconds} s, also when the other end and its FIN-WAIT-2 are gone, whether the application has read the end of the stream or not`,
      source: 'RFC 9293 §3.3.2: CLOSE-WAIT waits for the local user; tcp_fin() in net/ipv4/tcp_input.c starts no timer',
      when: ({ server, keepalive }) => keepalive === 'off' && (server === 'half-open' || server === 'paused'),
      holds: (facts) =>
        facts.after === 'CLOSE-WAIT' && facts.timer === 'none' && facts.process && facts.error === 'none',
    },
    {
      id: 'keepalive-finds-an-orphan',
      text: 'keepalive ends CLOSE-WAIT if the other end was an orphan and its FIN-WAIT-2 has expired: a RST answers a probe, SO_ERROR is EPIPE, and only the descriptor stays',
      source:
        'RFC 9293 §3.10.7.1; tcp_keepalive_timer() in net/ipv4/tcp_timer.c, tcp_reset() in net/ipv4/tcp_input.c: EPIPE in CLOSE-WAIT',
      when: (cell) => isKept(cell) && cell.keepalive === 'on' && cell.client === 'orphan',
      holds: (facts) => facts.timer === 'keepalive' && facts.after === 'no socket' && facts.error === 'EPIPE',
    },
    {
      id: 'keepalive-is-answered',
      text: 'keepalive does not end CLOSE-WAIT while the other end has its socket open: that kernel answers the probes',
      source: 'RFC 9293 §3.8.4',
      when: (cell) => isKept(cell) && cell.keepalive === 'on' && cell.client === 'half-closed',
      holds: (facts) => facts.timer === 'keepalive' && facts.after === 'CLOSE-WAIT' && facts.error === 'none',
    },
    {
      id: 'net-closes-by-itself',
      text: 'net with its defaults closes by itself: it sends its FIN when it has read the end of the stream',
      source: "Node's documentation of net.Socket: allowHalfOpen is false by default",
      when: ({ server }) => server === 'default',
      holds: (facts) => facts.after === 'no socket' && is(facts['server.closedWith'], 'FIN'),
    },
    {
      id: 'closed-is-last-ack',
      text: 'a socket that is closed in CLOSE-WAIT is in LAST-ACK at once, without a process, though the other application does not read its data',
      source: 'RFC 9293 §3.10.4: CLOSE-WAIT; new_state[] in net/ipv4/tcp.c, sock_orphan()',
      when: ({ server }) => server === 'closes-unread',
      holds: (facts) => facts.after === 'LAST-ACK' && !facts.process,
    },
  ],

  guide: [
    {
      about: { 'CLOSE-WAIT grows': 'look at' },
      claim: 'stays-without-a-timer',
      text: `Without keepalive, CLOSE-WAIT has no timer: the socket stays, also when the other end is gone (watched for ${watchedSeconds} s).`,
    },
    {
      about: { 'CLOSE-WAIT grows': 'helps' },
      claim: 'net-closes-by-itself',
      text: 'net with its defaults closes by itself when it has read the end of the stream.',
    },
    {
      about: { keepalive: 'measured' },
      claim: 'keepalive-finds-an-orphan',
      text: 'Keepalive ends CLOSE-WAIT if the other end is closed and gone, since a RST answers a probe; the descriptor stays.',
    },
    {
      about: { keepalive: 'measured', 'CLOSE-WAIT grows': 'cannot help' },
      claim: 'keepalive-is-answered',
      text: 'Keepalive does not end CLOSE-WAIT while the other end has its socket open: its kernel answers the probes.',
    },
    {
      id: 'fin-timeout-does-not-end-it',
      about: { tcp_fin_timeout: 'measured', 'CLOSE-WAIT grows': 'cannot help' },
      claim: 'stays-without-a-timer',
      text: `tcp_fin_timeout ${finTimeout} does not end CLOSE-WAIT.`,
    },
  ],

  answer(outcomes) {
    const forgets = outcomes.filter(({ cell }) => cell.server === 'half-open' || cell.server === 'paused');
    const plain = forgets.filter(({ cell }) => cell.keepalive === 'off');
    const stays = plain.filter(({ facts }) => facts.after === 'CLOSE-WAIT');
    const orphans = forgets.filter(({ cell }) => cell.keepalive === 'on' && cell.client === 'orphan');
    const freed = orphans.filter(({ facts }) => facts.after === 'no socket');
    const answered = forgets.filter(({ cell }) => cell.keepalive === 'on' && cell.client === 'half-closed');
    const kept = answered.filter(({ facts }) => facts.after === 'CLOSE-WAIT');
    const net = outcomes.filter(({ cell }) => cell.server === 'default');
    const closed = net.filter(({ facts }) => facts.after === 'no socket');
    const unread = outcomes.filter(({ cell }) => cell.server === 'closes-unread');
    const last = unread.filter(({ facts }) => facts.after === 'LAST-ACK' && !facts.process);
    const inPlace =
      net.length > 0 ? range(net, ({ facts }) => facts['server.stateMs.CLOSE-WAIT'], { digits: 1, unit: 'ms' }) : '';
    return {
      headline:
        plain.length > 0
          ? stays.length === plain.length
            ? 'Without keepalive, no timer ends an idle CLOSE-WAIT: the application has to close.'
            : `CLOSE-WAIT ended without close() in ${plain.length - stays.length} of ${plain.length} cases.`
          : orphans.length > 0
            ? `Keepalive ends CLOSE-WAIT against an orphan in ${share(freed, orphans)} cases.`
            : answered.length > 0 && `Keepalive leaves CLOSE-WAIT in ${share(kept, answered)} cases.`,
      findings: [
        finding(
          share(stays, plain),
          `Without keepalive, an idle CLOSE-WAIT has no timer and lasts beyond ${watchedSeconds} s, also when the other socket is gone; tcp_fin_timeout ${finTimeout} does not end it.`,
        ),
        finding(
          share(freed, orphans),
          `With keepalive, CLOSE-WAIT ends once the other end has called close() and its FIN-WAIT-2, here of ${finTimeout} s, has expired: a RST answers a probe.`,
        ),
        finding(
          share(kept, answered),
          'Keepalive does not end CLOSE-WAIT if the other end has only called shutdown(): its kernel answers the probes.',
        ),
        net.length > 0 &&
          finding(
            share(closed, net),
            `net closes by itself when it reads the end of the stream: CLOSE-WAIT lasts ${inPlace}.`,
          ),
        finding(
          share(last, unread),
          'A socket that is closed in CLOSE-WAIT with unsent data is in LAST-ACK at once, without a process.',
        ),
      ],
    };
  },
});
