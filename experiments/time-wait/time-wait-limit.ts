import { experiment, is, kind, sentence } from 'lingerlab';

const labels = ['one', 'two', 'three', 'four', 'five'] as const;
type Label = (typeof labels)[number];

export default experiment({
  id: 'time-wait-limit',
  question: 'What does tcp_max_tw_buckets do when there are more connections to wait for?',
  tags: ['tcp_max_tw_buckets', 'TIME-WAIT', 'TCPTimeWaitOverflow', 'bucket table overflow'],
  symptoms: [
    'TCP: time wait bucket table overflow',
    'thousands of TIME_WAIT',
    'limit the number of TIME_WAIT',
    'too many TIME_WAIT sockets',
  ],
  factors: { buckets: ['default', 0, 1, 3] },
  sysctls: ({ buckets }) => ({ 'net.ipv4.tcp_max_tw_buckets': buckets === 'default' ? undefined : buckets }),
  // whether close(2) still holds the socket when its FIN is acknowledged
  race: ({ buckets }) => buckets !== 'default' && 5,
  seconds: 1,
  connections: labels,
  measures: {
    held: kind.count({ text: 'mini-sockets in TIME-WAIT after all have closed' }),
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
    // newer kernels say it; negative where a namespace shares the host's table
    const entries = sysctl('net.ipv4.tcp_ehash_entries');
    if (entries) note('hashEntries', Math.abs(Number(entries.value)));
  },

  claims: [
    {
      id: 'no-more-than-that',
      text: 'with tcp_max_tw_buckets 0, 1 and 3, only so many of five connections enter TIME-WAIT; the others are counted as TCPTimeWaitOverflow',
      source: 'inet_twsk_alloc() in net/ipv4/inet_timewait_sock.c; tcp_time_wait() in net/ipv4/tcp_minisocks.c',
      when: ({ buckets }) => buckets !== 'default',
      holds: (facts, { buckets }) =>
        facts.held === buckets && facts['counters.lab.TcpExt.TCPTimeWaitOverflow'] === labels.length - Number(buckets),
    },
    {
      id: 'first-come',
      text: 'the connections that came first keep their TIME-WAIT: none is taken away for a newer one',
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
      text: 'over the limit not even FIN-WAIT-2 is kept, unless the FIN was acknowledged while close(2) still held its socket: what the other end still sends, here its FIN, is answered by a RST',
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
      text: "the kernel's own tcp_max_tw_buckets is half as many as the table of connections has slots",
      source: 'tcp_sk_init() in net/ipv4/tcp_ipv4.c: sysctl_max_tw_buckets = ehash entries / 2',
      holds: (facts) => facts.ownLimit === facts.hashEntries / 2,
    },
  ],

  answer(outcomes) {
    const limited = outcomes.filter(({ cell }) => cell.buckets !== 'default');
    const each = limited.map(({ cell, facts }) => `${facts.held} with tcp_max_tw_buckets ${cell.buckets}`);
    const own = outcomes.map(({ facts }) => facts.ownLimit)[0];
    return sentence(
      each.length > 0 && `of ${labels.length} closed connections TIME-WAIT kept ${each.join(', ')}`,
      own !== undefined && `the kernel's own limit here is ${own}`,
    );
  },
});
