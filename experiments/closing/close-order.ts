import { type CloseBy, type Endpoint, experiment, finding, is, kind, type State, share } from 'lingerlab';

const ways: Record<'end' | 'destroy' | 'raw-close', CloseBy> = {
  end: 'end',
  destroy: 'destroy',
  'raw-close': 'close(2)',
};
const bytes = 1000;
const over = ['TIME-WAIT', 'CLOSED'] as const;

type Closes = 'client' | 'server' | 'both' | 'client-half' | 'server-half';
const clientFirst: readonly Closes[] = ['client', 'client-half'];
/** The end that closes first, where the cell has one. */
const firstCloser = (closes: Closes) => (clientFirst.includes(closes) ? 'client' : 'server');
const secondCloser = (closes: Closes) => (clientFirst.includes(closes) ? 'server' : 'client');
const isHalf = (closes: Closes) => closes === 'client-half' || closes === 'server-half';

export default experiment({
  id: 'close-order',
  question: 'Which end keeps TIME-WAIT, and from which moment?',
  tags: [
    'TIME-WAIT',
    'CLOSE-WAIT',
    'FIN-WAIT-2',
    'active close',
    'passive close',
    'FIN',
    'CLOSING',
    'LAST-ACK',
    'half-close',
    'close(2)',
    'end()',
    'destroy()',
  ],
  symptoms: [
    'which end gets TIME_WAIT',
    'thousands of TIME_WAIT',
    'too many TIME_WAIT sockets on the server',
    'stuck in CLOSE_WAIT',
    'TIME_WAIT on the client instead of the server',
  ],
  factors: {
    closes: ['client', 'server', 'both', 'client-half', 'server-half'],
    by: ['end', 'destroy', 'raw-close'],
    data: ['idle', 'just-sent'],
    family: [4, 6],
    node: ['half-open', 'default'],
  },
  words: {
    closes: {
      text: 'which end closes first',
      values: {
        client: 'the client; the server closes when it has read the FIN',
        server: 'the server; the client closes when it has read the FIN',
        both: 'both ends at the same moment',
        'client-half': 'the client closes its sending direction only',
        'server-half': 'the server closes its sending direction only',
      },
    },
    by: {
      text: 'the call that closes',
      values: {
        end: "net's end()",
        destroy: "net's destroy()",
        'raw-close': 'close(2), or shutdown(2) of one direction',
      },
    },
    data: {
      text: 'what the closing end has written',
      values: { idle: 'nothing', 'just-sent': `${bytes} bytes just before it closes` },
    },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
    node: {
      text: "net's option allowHalfOpen at both ends",
      values: {
        'half-open': 'true: the scenario closes each end',
        default: 'false: net closes an end that reads a FIN',
      },
    },
  },
  race: ({ closes }) => closes === 'both' && 5,
  seconds: 0.1,
  quiet: ({ closes }) => closes === 'both',
  measures: { closedItself: kind.boolean({ text: 'the end that reads the first FIN closed by itself' }) },
  shows: [
    'timeWait.holder',
    'timeWait.beganWith',
    'client.path',
    'server.path',
    'client.closedWith',
    'server.closedWith',
    'client.events',
    'server.events',
  ],

  async scenario({ client, server, until, soon, note }, { closes, by, data, family, node }) {
    const allowHalfOpen = node === 'half-open';
    const listener = await server.listen({ family, allowHalfOpen });
    const [near, far] = await client.connect(listener, { allowHalfOpen });
    const sending = data === 'just-sent' ? { sending: bytes } : {};
    const halfClose = (end: Endpoint) => (by === 'raw-close' ? end.shutdown('WR', sending) : end.close('end', sending));

    if (closes === 'both') {
      const at = soon();
      const closed = await Promise.all([near, far].map((end) => end.close(ways[by], { at, ...sending }).answer()));
      // without allowHalfOpen, net may have read the other end's FIN first and closed the descriptor
      const other = closed.find((answer) => !answer.ok && !(node === 'default' && answer.errno === 'EBADF'));
      if (other && !other.ok) throw new Error(`close was refused: ${other.errno}`);
    } else {
      const half = isHalf(closes);
      const [first, second] = firstCloser(closes) === 'client' ? [near, far] : [far, near];
      // The second end reads on only when the FIN is acknowledged. A delayed ACK that crosses its own FIN would meet a socket
      // in TIME-WAIT, which answers; the listener resets that answer, and the RST ends TIME-WAIT (RFC 1337).
      await second.stopReading();
      await (half ? halfClose(first) : first.close(ways[by], sending));
      await until(first, 'FIN-WAIT-2');
      await second.resume();
      if (allowHalfOpen) {
        await second.ended();
        const { state } = await second.info();
        note('closedItself', state !== 'CLOSE-WAIT');
        // an end that is half-closed still reads; data for an end that is closed would be an error
        await second.close(ways[by], half ? sending : {});
        await until(first, 'TIME-WAIT');
        if (half && by === 'raw-close') {
          await first.ended();
          await first.close('close(2)');
        }
      } else {
        // the scenario does not close this end: net does
        note('closedItself', (await second.gone().answer()).ok);
      }
    }
    await Promise.all([until(near, ...over), until(far, ...over), near.gone(), far.gone()]);
  },

  claims: [
    {
      id: 'first-closer-waits',
      text: 'only the end that closes first keeps TIME-WAIT, if its FIN is acknowledged before the second end closes',
      source: 'RFC 9293 §3.6.1, MUST-13; tcp_fin() in net/ipv4/tcp_input.c',
      when: ({ closes }) => closes !== 'both',
      holds: (facts, { closes }) => facts['timeWait.holder'] === firstCloser(closes),
    },
    {
      id: 'waits-from-second-fin',
      text: "TIME-WAIT begins with the second end's FIN, not with the first end's close",
      source: 'RFC 9293 §3.10.7.4, eighth: FIN-WAIT-2; tcp_fin() in net/ipv4/tcp_input.c',
      when: ({ closes }) => closes !== 'both',
      holds: (facts, { closes }) =>
        facts['timeWait.beganWith'] === "peer's FIN" &&
        facts['timeWait.began'] * 1000 >= facts[`${secondCloser(closes)}.stateMs.CLOSE-WAIT`],
    },
    {
      id: 'four-way',
      text: 'if the ends close in turn, the first passes FIN-WAIT-1, FIN-WAIT-2 and TIME-WAIT, the second CLOSE-WAIT and LAST-ACK',
      source: 'RFC 9293 §3.6, figure 12',
      when: ({ closes }) => closes !== 'both',
      holds: (facts, { closes }) =>
        is(facts[`${firstCloser(closes)}.path`].slice(-3), 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT') &&
        is(facts[`${secondCloser(closes)}.path`].slice(-3), 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'),
    },
    {
      id: 'one-fin-each',
      text: 'if the ends close in turn, with nothing unread and SO_LINGER off, each end sends a FIN, and no end sends a RST',
      source: 'RFC 9293 §3.6; tcp_close_state() in net/ipv4/tcp.c',
      when: ({ closes }) => closes !== 'both',
      holds: (facts) =>
        is(facts['client.closedWith'], 'FIN') &&
        is(facts['server.closedWith'], 'FIN') &&
        facts['counters.lab.Tcp.OutRsts'] === 0,
    },
    {
      id: 'data-before-fin',
      text: `the other application reads the ${bytes} bytes that the closing end writes just before the close`,
      source: 'RFC 9293 §3.6: a CLOSE is "I have no more data to send"; tcp_send_fin() queues behind the data',
      when: ({ closes, data }) => closes !== 'both' && data === 'just-sent',
      holds: (facts, { closes }) => {
        const first = firstCloser(closes);
        return facts[`${first}.written`] === bytes && facts[`${first}.delivered`] === bytes;
      },
    },
    {
      id: 'half-close-still-reads',
      text: 'an end that only half-closed still reads what the other end sends before its FIN',
      source: 'RFC 9293 §3.6, case 1: the user that closes may continue to RECEIVE',
      when: ({ closes, data, node }) => isHalf(closes) && data === 'just-sent' && node === 'half-open',
      holds: (facts, { closes }) => facts[`${secondCloser(closes)}.delivered`] === bytes,
    },
    {
      id: 'default-closes-itself',
      text: "by net's default the second end closes by itself when it reads the end; with allowHalfOpen the second end stays in CLOSE-WAIT",
      source: 'Node.js documentation, net.createServer: allowHalfOpen',
      when: ({ closes }) => closes !== 'both',
      holds: (facts, { node }) => facts.closedItself === (node === 'default'),
    },
    {
      id: 'destroyed-hears-nothing',
      text: "an end that closed by destroy() emits 'close' only: neither 'finish' nor 'end'",
      source: 'Node.js documentation, writable.destroy(): may not have drained; no finish',
      when: ({ closes, by }) => by === 'destroy' && (closes === 'client' || closes === 'server'),
      holds: (facts, { closes }) =>
        facts[`${firstCloser(closes)}.events`].filter((event) => event !== 'connect').join() === 'close',
    },
    {
      id: 'closing-leads-to-time-wait',
      text: 'with nothing written, if both ends close at once, at least one passes TIME-WAIT, and CLOSING always leads to TIME-WAIT',
      source: 'RFC 9293 §3.6, figure 13',
      when: ({ closes, data }) => closes === 'both' && data === 'idle',
      holds: (facts) => {
        const paths = [facts['client.path'], facts['server.path']];
        const leads = (path: readonly State[]) => path[path.indexOf('CLOSING') + 1] === 'TIME-WAIT';
        return (
          paths.some((path) => path.includes('TIME-WAIT')) &&
          paths.every((path) => !path.includes('CLOSING') || leads(path))
        );
      },
    },
  ],

  across: [
    {
      id: 'way-is-only-nodes',
      text: 'with nothing unread and SO_LINGER off, end(), destroy() and close(2) close with the same segments and pass the same states',
      source: 'tcp_shutdown() and __tcp_close() in net/ipv4/tcp.c both end in tcp_send_fin()',
      holds: (outcomes) =>
        alike(
          outcomes.filter(({ cell }) => cell.closes !== 'both'),
          ({ by }) => by,
          ({ closes, data, family, node }) => [closes, data, family, node].join(),
          (facts) => [
            facts['client.path'],
            facts['server.path'],
            facts['client.closedWith'],
            facts['server.closedWith'],
          ],
        ),
    },
    {
      id: 'family-is-alike',
      text: 'over IPv4 and IPv6 the same end keeps TIME-WAIT, and both ends pass the same states and emit the same events',
      source: 'RFC 9293 §3.6 knows no address family; net/ipv4/tcp.c serves both',
      holds: (outcomes) =>
        alike(
          outcomes.filter(({ cell }) => cell.closes !== 'both'),
          ({ family }) => family,
          ({ closes, by, data, node }) => [closes, by, data, node].join(),
          (facts) => [facts['timeWait.holder'], facts['client.path'], facts['server.path'], facts['client.events']],
        ),
    },
  ],

  guide: [
    {
      about: { 'closing order': 'measured', 'thousands of TIME-WAIT': 'look at' },
      claim: 'first-closer-waits',
      text: 'Only the end that closes first keeps TIME-WAIT, if its FIN is acknowledged before the second end closes.',
    },
  ],

  answer(outcomes) {
    const ordered = outcomes.filter(({ cell }) => cell.closes !== 'both');
    const kept = ordered.filter(({ cell, facts }) => facts['timeWait.holder'] === firstCloser(cell.closes));
    const peersFin = ordered.filter(({ facts }) => facts['timeWait.beganWith'] === "peer's FIN");
    const raced = outcomes.filter(({ cell }) => cell.closes === 'both');
    const by = (holder: string) => raced.filter(({ facts }) => facts['timeWait.holder'] === holder);
    const held = raced.filter(({ facts }) => facts['timeWait.holder'] !== 'none');
    const reset = held.filter(({ facts }) => facts['timeWait.endedBy'] === 'rst');
    const dropped = by('none').filter(({ facts }) =>
      [...facts['client.closedWith'], ...facts['server.closedWith']].includes('RST'),
    );
    const onData = dropped.every(({ cell }) => cell.data === 'just-sent' && cell.by !== 'end');
    const always = ordered.length > 0 && kept.length === ordered.length;
    return {
      headline: always
        ? 'If the ends close in turn, the one that closes first keeps TIME-WAIT.'
        : ordered.length > 0
          ? `The end that closes first keeps TIME-WAIT in ${share(kept, ordered)} closes only.`
          : raced.length > 0 &&
            `Two ends that close at once race: both keep TIME-WAIT in ${share(by('both'), raced)} closes.`,
      findings: [
        finding(
          share(kept, ordered),
          'Only the end that closes first keeps TIME-WAIT, if its FIN is acknowledged before the second end closes.',
        ),
        finding(
          share(peersFin, ordered),
          "If the ends close in turn, TIME-WAIT starts at the peer's FIN, not at close().",
        ),
        finding(
          share(held, raced),
          `When both ends close at nearly the same moment, scheduling decides which end keeps TIME-WAIT: client ${by('client').length}, server ${by('server').length}, both ${by('both').length}.`,
        ),
        finding(
          share(dropped, by('none')),
          `In the ${by('none').length} races that leave no TIME-WAIT, a RST was sent${onData ? ": the other end's data was unread at the close, or arrived after it" : ''}.`,
        ),
        reset.length > 0 &&
          finding(share(reset, held), "A RST from the other end's port ended TIME-WAIT at once (RFC 1337)."),
      ],
    };
  },
});

/** Whether outcomes that differ only in one factor have the same facts; `undefined` where none differ in it. */
function alike<O extends { readonly cell: C; readonly facts: F }, C, F>(
  outcomes: readonly O[],
  differs: (cell: O['cell']) => unknown,
  keyOf: (cell: O['cell']) => string,
  factsOf: (facts: O['facts']) => unknown,
): boolean | undefined {
  const comparable = [...Map.groupBy(outcomes, ({ cell }) => keyOf(cell)).values()].filter(
    (group) => new Set(group.map(({ cell }) => differs(cell))).size > 1,
  );
  if (comparable.length === 0) return undefined;
  return comparable.every((group) => new Set(group.map(({ facts }) => JSON.stringify(factsOf(facts)))).size === 1);
}
