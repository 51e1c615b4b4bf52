import { experiment, finding, is, kind, range, share } from 'lingerlab';

const labels = ['one', 'two', 'three', 'four', 'five'] as const;
type Label = (typeof labels)[number];

export default experiment({
  id: 'time-wait-limit',
  question: 'What does tcp_max_tw_buckets do when more connections close than it allows?',
  tags: ['tcp_max_tw_buckets', 'TIME-WAIT', 'TCPTimeWaitOverflow', 'bucket table overflow'],
  symptoms: ['TCP: time wait bucket table overflow', 'limit the number of TIME_WAIT'],
  factors: { buckets: ['default', 0, 1, 3] },
  words: {
    buckets: {
      text: 'net.ipv4.tcp_max_tw_buckets',
      values: { default: "the kernel's own value", 0: '0: no TIME-WAIT at all', 1: '1', 3: '3' },
    },
  },
  sysctls: ({ buckets }) => ({ 'net.ipv4.tcp_max_tw_buckets': buckets === 'default' ? undefined : buckets }),
  // it is a race whether close(2) still holds the socket when the ACK of its FIN arrives
  race: ({ buckets }) => buckets !== 'default' && 5,
  seconds: 1,
  connections: labels,
  measures: {
    held: kind.count({ text: 'sockets in TIME-WAIT after all connections have closed' }),
    ownLimit: kind.count({
      compare: 'measurement',
      text: "tcp_max_tw_buckets as the kernel sets it; it grows with the machine's memory",
    }),
    hashEntries: kind.count({ compare: 'measurement', text: 'tcp_ehash_entries: slots of the table of connections' }),
  },
  shows: ['held', 'counters.lab.TcpExt.TCPTimeWaitOverflow', 'ownLimit', 'hashEntries'],

  async scenario({ client, server, closeInTurn, sockets, sysctl, note }) {
    const listener = await server.listen();
    for (const label of labels) {
      const [near, far] = await client.connect(listener, { as: label });
      await closeInTurn(near, far);
    }
    note('held', sockets('client').timeWait);
    const limit = sysctl('net.ipv4.tcp_max_tw_buckets');
    if (limit) note('ownLimit', Number(limit.own));
    // older kernels lack the setting; it is negative where a namespace shares the host's table
    const entries = sysctl('net.ipv4.tcp_ehash_entries');
    if (entries) note('hashEntries', Math.abs(Number(entries.value)));
  },

  claims: [
    {
      id: 'no-more-than-that',
      text: 'with tcp_max_tw_buckets 0, 1 and 3, exactly as many of five connections enter TIME-WAIT; TCPTimeWaitOverflow counts the others',
      source: 'inet_twsk_alloc() in net/ipv4/inet_timewait_sock.c; tcp_time_wait() in net/ipv4/tcp_minisocks.c',
      when: ({ buckets }) => buckets !== 'default',
      holds: (facts, { buckets }) =>
        facts.held === buckets && facts['counters.lab.TcpExt.TCPTimeWaitOverflow'] === labels.length - Number(buckets),
    },
    {
      id: 'first-come',
      text: 'the connections that closed first keep TIME-WAIT; the kernel removes none for a newer one',
      source: 'inet_twsk_alloc() in net/ipv4/inet_timewait_sock.c refuses the new one',
      when: ({ buckets }) => buckets !== 'default',
      holds: (facts, { buckets }) =>
        labels.every((label: Label, index) =>
          index < Number(buckets)
            ? facts[`${label}.timeWait.holder`] === 'client'
            : facts[`${label}.timeWait.holder`] === 'none',
        ),
    },
    {
      id: 'cuts-the-other-end-off',
      text: "above the limit, the kernel keeps no orphan's FIN-WAIT-2 either: a RST answers the other end's FIN, unless the ACK of the client's FIN arrived while close(2) still held the socket",
      source:
        'tcp_rcv_state_process() in net/ipv4/tcp_input.c, FIN-WAIT-1: tcp_time_wait() for the orphan; RFC 9293 §3.10.7.1',
      when: ({ buckets }) => buckets !== 'default',
      holds: (facts, { buckets }) =>
        labels.every((label: Label, index) => {
          // a full socket stays in FIN-WAIT-2 until the other end's FIN; one that was not kept is gone within microseconds
          const stayed = facts[`${label}.client.stateMs.FIN-WAIT-2`] > facts[`${label}.server.stateMs.CLOSE-WAIT`] / 2;
          const isKept = index < Number(buckets) || stayed;
          const sent = facts[`${label}.client.closedWith`];
          return isKept ? is(sent, 'FIN') : is(sent, 'FIN', 'RST');
        }),
    },
    {
      id: 'half-the-table',
      text: "the kernel's own tcp_max_tw_buckets is half the number of slots in its table of connections",
      source:
        'tcp_set_hashinfo() in net/ipv4/tcp_ipv4.c, before Linux 6.1 tcp_sk_init(): sysctl_max_tw_buckets = ehash entries / 2',
      holds: (facts) => facts.ownLimit === facts.hashEntries / 2,
    },
  ],

  guide: [
    {
      about: { tcp_max_tw_buckets: 'measured', 'thousands of TIME-WAIT': 'helps' },
      claim: 'no-more-than-that',
      text: 'Of five connections that close, exactly as many keep TIME-WAIT as tcp_max_tw_buckets 0, 1 or 3 allows. See what that risks.',
    },
    {
      about: { tcp_max_tw_buckets: 'measured' },
      claim: 'first-come',
      text: 'The connections that closed first keep TIME-WAIT; the kernel removes none for a newer one.',
    },
    {
      about: { tcp_max_tw_buckets: 'risks' },
      claim: 'cuts-the-other-end-off',
      text: "Above the limit, the kernel keeps no orphan's FIN-WAIT-2 either: a RST answers the other end's FIN.",
    },
  ],

  answer(outcomes) {
    const limited = outcomes.filter(({ cell }) => cell.buckets !== 'default');
    const exact = limited.filter(({ cell, facts }) => facts.held === cell.buckets);
    const over = ({ cell }: (typeof outcomes)[number]) => labels.slice(Number(cell.buckets));
    const early = limited.filter((one) => over(one).every((label) => one.facts[`${label}.timeWait.holder`] === 'none'));
    const reset = limited.filter((one) =>
      over(one).every((label) => one.facts[`${label}.client.closedWith`].includes('RST')),
    );
    const usual = outcomes.filter(({ cell }) => cell.buckets === 'default');
    const all = usual.filter(({ facts }) => facts.held === labels.length);
    const known = outcomes.filter(({ facts }) => 'ownLimit' in facts && 'hashEntries' in facts);
    const isHalf = known.every(({ facts }) => facts.ownLimit === facts.hashEntries / 2);
    return {
      headline:
        limited.length > 0
          ? exact.length === limited.length
            ? 'Above tcp_max_tw_buckets, a connection that closes gets no TIME-WAIT.'
            : `As many connections as tcp_max_tw_buckets allows keep TIME-WAIT in ${share(exact, limited)} runs only.`
          : `With the kernel's own limit, ${range(usual, ({ facts }) => facts.held)} of ${labels.length} connections keep TIME-WAIT.`,
      findings: [
        finding(
          share(exact, limited),
          `Of ${labels.length} connections, exactly as many keep TIME-WAIT as tcp_max_tw_buckets allows.`,
        ),
        finding(
          share(early, limited),
          'The connections that closed first keep TIME-WAIT; the kernel removes none for a newer one.',
        ),
        finding(
          share(reset, limited),
          "Above the limit, the kernel keeps no orphan's FIN-WAIT-2 either: a RST answers the other end's FIN.",
        ),
        finding(share(all, usual), `With the kernel's own limit, all ${labels.length} connections keep TIME-WAIT.`),
        finding(
          [...new Set(known.map(({ facts }) => facts.ownLimit.toLocaleString('en')))].join(' and '),
          isHalf
            ? "The kernel's own limit here is half the number of slots in its table of connections."
            : "The kernel's own limit here is not half the number of slots in its table of connections.",
          known,
        ),
      ],
    };
  },
});
