import { experiment, finding, kind, range, type Stage, share } from 'lingerlab';

/** More than the other end's kernel takes when its application does not read, no more than this end's takes besides. */
const heldBytes = 150_000;
/** How long a socket must have held its namespace. */
const heldSeconds = 1.5;
/** The kernel takes a namespace that nothing holds apart sooner than this, even on a busy machine. */
const goneSeconds = 1;

const readings = 100;
const betweenSeconds = 0.01;

/** Sockets of other cells change the number at any time: only a reading between two equal ones can be compared. */
async function samePages({ sockets, rest }: Pick<Stage<[], object>, 'sockets' | 'rest'>): Promise<boolean> {
  const pages = (where: 'client' | 'server') => sockets(where).hostPages;
  for (let reading = 0; reading < readings; reading++) {
    const [before, between, after] = [pages('client'), pages('server'), pages('client')];
    if (before === after) return between === before;
    await rest(betweenSeconds);
  }
  throw new Error(`sockstat's mem changed in each of ${readings} readings`);
}

export default experiment({
  id: 'time-wait-owner',
  question: 'Which process owns a socket in TIME-WAIT, and what removes it?',
  tags: ['TIME-WAIT', 'ss -K', 'network namespace', 'mini-socket', 'tw', 'sockstat', 'memory', 'orphan', 'FIN-WAIT-1'],
  symptoms: [
    'which process owns TIME_WAIT',
    'TIME_WAIT without pid',
    'kill TIME_WAIT',
    'remove TIME_WAIT',
    'memory of TIME_WAIT',
  ],
  freshPeers: true,
  factors: {
    next: ['nothing', 'processes-killed', 'destroyed', 'namespace-abandoned'],
    left: ['TIME-WAIT', 'FIN-WAIT-1'],
    family: [4, 6],
  },
  words: {
    next: {
      text: 'what happens to the socket next',
      values: {
        nothing: 'nothing',
        'processes-killed': 'SIGKILL ends the processes of both ends',
        destroyed: 'ss -K destroys the socket',
        'namespace-abandoned': 'the network namespace of the socket is deleted',
      },
    },
    left: {
      text: "the state of the client's socket",
      values: { 'TIME-WAIT': 'TIME-WAIT', 'FIN-WAIT-1': 'FIN-WAIT-1: closed, with data that the server does not read' },
    },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  only: ({ next, left }) => left === 'TIME-WAIT' || next === 'namespace-abandoned',
  network: ({ next }) => (next === 'namespace-abandoned' ? 'veth' : 'loopback'),
  seconds: ({ left }) => (left === 'FIN-WAIT-1' ? 2 : 1),
  measures: {
    heldBefore: kind.boolean({ text: 'while connected, a process holds the socket: ss shows an inode' }),
    heldIn: kind.boolean({ text: 'in TIME-WAIT, a process holds the socket: ss shows an inode' }),
    fullSockets: kind.count({ text: 'full sockets that sockstat counts (inuse) while one end is in TIME-WAIT' }),
    timeWaits: kind.count({ text: 'mini-sockets that sockstat counts (tw)' }),
    after: { ...kind.word('TIME-WAIT', 'gone'), text: 'what ss showed of the socket afterwards' },
    orphansElsewhere: kind.boolean({
      text: "sockstat in the other end's namespace, which has no orphan, counts this orphan",
    }),
    pagesAlike: kind.boolean({ text: "sockstat reports the same mem in both ends' namespaces" }),
    heldUntilRead: kind.boolean({ text: 'the namespace was still there when the other end began to read' }),
    abandonSeconds: kind.seconds({ text: 'from deleting the namespace until the kernel has taken it apart' }),
  },
  shows: ['heldBefore', 'heldIn', 'timeWaits', 'after', 'heldUntilRead', 'abandonSeconds', 'timeWait.endedBy'],

  async scenario(stage, { next, left, family }) {
    const { client, server, closeInTurn, until, look, note } = stage;
    const listener = await server.listen({ family });
    const [near, far] = await client.connect(listener);
    note('heldBefore', ((await look(near))?.inode ?? 0) > 0);
    if (left === 'FIN-WAIT-1') {
      // the FIN waits behind data for which the server has no room
      await near.fill(far, { bytes: heldBytes });
      await near.close('destroy');
      await until(near, 'FIN-WAIT-1');
      note('orphansElsewhere', stage.sockets('server').hostOrphans > 0);
      note('pagesAlike', await samePages(stage));
    } else {
      await closeInTurn(near, far);
      await listener.close();
      note('heldIn', ((await look(near))?.inode ?? 0) > 0);
      const { inUse, timeWait } = stage.sockets('client');
      note('fullSockets', inUse);
      note('timeWaits', timeWait);
    }

    if (next === 'namespace-abandoned') {
      let gone = false;
      const abandoned = stage.abandon('client').then((seconds) => {
        gone = true;
        return seconds;
      });
      if (left === 'FIN-WAIT-1') {
        await stage.rest(heldSeconds);
        note('heldUntilRead', !gone);
        await far.resume();
      }
      note('abandonSeconds', await abandoned);
      return;
    }
    if (next === 'processes-killed') await Promise.all([client.signal('SIGKILL'), server.signal('SIGKILL')]);
    if (next === 'destroyed') await stage.destroy(near);
    note('after', (await look(near))?.state === 'TIME-WAIT' ? 'TIME-WAIT' : 'gone');
  },

  claims: [
    {
      id: 'nobody-holds-it',
      text: 'a process holds a connected socket; no process holds a socket in TIME-WAIT: ss shows no inode',
      source:
        'inet_twsk_diag_fill() in net/ipv4/inet_diag.c: idiag_inode = 0; tcp_time_wait() in net/ipv4/tcp_minisocks.c',
      when: ({ left }) => left === 'TIME-WAIT',
      holds: (facts) => facts.heldBefore && !facts.heldIn,
    },
    {
      id: 'survives-its-processes',
      text: 'TIME-WAIT outlives the processes of both ends',
      source: 'inet_twsk_schedule() in net/ipv4/inet_timewait_sock.c: only its timer holds it',
      when: ({ left, next }) => left === 'TIME-WAIT' && next === 'processes-killed',
      holds: (facts) => facts.after === 'TIME-WAIT' && facts['timeWait.endedBy'] === 'namespace',
    },
    {
      id: 'a-mini-socket',
      text: 'in TIME-WAIT a mini-socket has replaced the full socket: sockstat counts it as tw, and nothing as inuse',
      source: 'tcp_time_wait() in net/ipv4/tcp_minisocks.c calls tcp_done(); sockstat_seq_show() in net/ipv4/proc.c',
      when: ({ left }) => left === 'TIME-WAIT',
      holds: (facts) =>
        facts['client.miniSocket'].includes('TIME-WAIT') && facts.timeWaits === 1 && facts.fullSockets === 0,
    },
    {
      id: 'can-be-destroyed',
      text: 'ss -K removes TIME-WAIT',
      source: 'tcp_abort() in net/ipv4/tcp.c, TCP_TIME_WAIT; CONFIG_INET_DIAG_DESTROY',
      when: ({ next }) => next === 'destroyed',
      holds: (facts) => facts.after === 'gone' && facts['timeWait.endedBy'] === 'kill',
    },
    {
      id: 'does-not-hold-its-namespace',
      text: 'TIME-WAIT does not hold its network namespace: the kernel removes a deleted namespace in less than a second',
      source:
        'inet_twsk_purge() in net/ipv4/inet_timewait_sock.c. Tolerance: a namespace is taken apart in well under a second, TIME-WAIT lasts 60',
      when: ({ next, left }) => next === 'namespace-abandoned' && left === 'TIME-WAIT',
      holds: (facts) => facts.abandonSeconds < goneSeconds,
    },
    {
      id: 'an-orphan-holds-it',
      text: `an orphan with unsent data holds its network namespace until the other end reads, here for ${heldSeconds} s`,
      source: 'sk_alloc() in net/core/sock.c: a full socket counts as a user of its namespace',
      when: ({ left }) => left === 'FIN-WAIT-1',
      holds: (facts) => facts.heldUntilRead && facts.abandonSeconds > goneSeconds,
    },
    {
      id: 'sockstat-is-host-wide',
      text: '/proc/net/sockstat counts orphans and TCP memory of the whole host, in whichever namespace it is read',
      source: 'sockstat_seq_show() in net/ipv4/proc.c: tcp_orphan_count_sum(), proto_memory_allocated()',
      when: ({ left }) => left === 'FIN-WAIT-1',
      holds: (facts) => facts.orphansElsewhere && facts.pagesAlike,
    },
  ],

  guide: [
    {
      about: { 'thousands of TIME-WAIT': 'look at' },
      claim: 'nobody-holds-it',
      text: 'No process holds a socket in TIME-WAIT: it has no inode and takes no descriptor.',
    },
    {
      about: { 'thousands of TIME-WAIT': 'helps' },
      claim: 'can-be-destroyed',
      text: 'ss -K removes a socket in TIME-WAIT.',
    },
    {
      about: { 'thousands of TIME-WAIT': 'cannot help' },
      claim: 'survives-its-processes',
      text: 'TIME-WAIT outlives the processes of both ends: a restart does not remove it.',
    },
    {
      about: { tcp_max_orphans: 'measured' },
      claim: 'sockstat-is-host-wide',
      text: '/proc/net/sockstat counts orphans of the whole host, in whichever namespace it is read.',
    },
    {
      about: { tcp_max_orphans: 'costs' },
      claim: 'an-orphan-holds-it',
      text: 'An orphan with unsent data holds its network namespace until the other end reads.',
    },
  ],

  answer(outcomes) {
    const waiting = outcomes.filter(({ cell }) => cell.left === 'TIME-WAIT');
    const free = waiting.filter(({ facts }) => !facts.heldIn);
    const of = (next: (typeof outcomes)[number]['cell']['next']) => waiting.filter(({ cell }) => cell.next === next);
    const [killed, destroyed, abandoned] = [of('processes-killed'), of('destroyed'), of('namespace-abandoned')];
    const outlived = killed.filter(({ facts }) => facts.after === 'TIME-WAIT');
    const removed = destroyed.filter(({ facts }) => facts.after === 'gone');
    const removal = range(abandoned, ({ facts }) => facts.abandonSeconds * 1000, { unit: 'ms' });
    const orphans = outcomes.filter(({ cell }) => cell.left === 'FIN-WAIT-1');
    const holding = orphans.filter(({ facts }) => facts.heldUntilRead);
    const seen = orphans.filter(({ facts }) => facts.orphansElsewhere && facts.pagesAlike);
    const isFree = waiting.length > 0 && free.length === waiting.length;
    const all = [killed, destroyed].every((each) => each.length > 0) && outlived.length === killed.length;
    return {
      headline:
        waiting.length === 0
          ? `An orphan with unsent data held its network namespace in ${share(holding, orphans)} cases.`
          : !isFree
            ? `No process held the socket in TIME-WAIT in ${share(free, waiting)} cases only.`
            : all && removed.length === destroyed.length
              ? 'No process owns TIME-WAIT: it outlives the processes of both ends.'
              : 'No process owns a socket in TIME-WAIT.',
      findings: [
        finding(share(free, waiting), 'No process holds a socket in TIME-WAIT: ss shows no inode.'),
        finding(share(outlived, killed), 'TIME-WAIT outlives the processes of both ends.'),
        finding(share(removed, destroyed), 'ss -K removes TIME-WAIT.'),
        abandoned.length > 0 &&
          finding(
            removal,
            'TIME-WAIT does not hold its network namespace: the kernel removes a deleted namespace within this time.',
          ),
        finding(
          share(holding, orphans),
          'An orphan with unsent data holds its network namespace until the other end reads.',
        ),
        finding(
          share(seen, orphans),
          '/proc/net/sockstat counts orphans and TCP memory of the whole host, in whichever namespace it is read.',
        ),
      ],
    };
  },
});
