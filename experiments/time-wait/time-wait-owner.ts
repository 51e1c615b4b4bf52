import { experiment, kind, largest, type Stage, sentence, share } from 'lingerlab';

/** More than the other end's kernel takes when its application does not read, no more than this end's takes besides. */
const heldBytes = 150_000;
/** How long a namespace is shown to be held by a socket that holds it. */
const heldSeconds = 1.5;
/** A namespace that nothing holds is gone sooner than this, however busy the machine. */
const goneSeconds = 1;

const readings = 100;
const betweenSeconds = 0.01;

/** Other cells' sockets come and go meanwhile: the same figure before and after is what a reading between must give. */
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
  question: 'Who owns a socket in TIME-WAIT, what does it hold, and what takes it away?',
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
  only: ({ next, left }) => left === 'TIME-WAIT' || next === 'namespace-abandoned',
  network: ({ next }) => (next === 'namespace-abandoned' ? 'veth' : 'loopback'),
  seconds: ({ left }) => (left === 'FIN-WAIT-1' ? 2 : 1),
  measures: {
    heldBefore: kind.boolean({ text: 'while connected, a process holds the socket: ss shows its inode' }),
    heldIn: kind.boolean({ text: 'in TIME-WAIT a process holds the socket' }),
    fullSockets: kind.count({ text: 'full sockets that the namespace counts while one end is in TIME-WAIT' }),
    timeWaits: kind.count({ text: 'mini-sockets that it counts' }),
    after: { ...kind.word('TIME-WAIT', 'gone'), text: 'what ss showed of it afterwards' },
    orphansElsewhere: kind.boolean({
      text: "sockstat of the other end's namespace, which has no orphan, counts this one",
    }),
    pagesAlike: kind.boolean({ text: "sockstat of both ends' namespaces gives the same mem" }),
    heldUntilRead: kind.boolean({ text: 'the namespace was still there when the other end began to read' }),
    abandonSeconds: kind.seconds({ text: 'from giving the namespace up until the kernel has taken it apart' }),
  },
  shows: ['heldBefore', 'heldIn', 'timeWaits', 'after', 'heldUntilRead', 'abandonSeconds', 'timeWait.endedBy'],

  async scenario(stage, { next, left, family }) {
    const { client, server, closeInTurn, until, look, note } = stage;
    const listener = await server.listen({ family });
    const [near, far] = await client.connect(listener);
    note('heldBefore', ((await look(near))?.inode ?? 0) > 0);
    if (left === 'FIN-WAIT-1') {
      // its FIN waits behind data for which the server has no room
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
      text: 'a connected socket is held by a process; in TIME-WAIT by none, it has no inode and so takes no descriptor',
      source:
        'inet_twsk_diag_fill() in net/ipv4/inet_diag.c: idiag_inode = 0; tcp_time_wait() in net/ipv4/tcp_minisocks.c',
      when: ({ left }) => left === 'TIME-WAIT',
      holds: (facts) => facts.heldBefore && !facts.heldIn,
    },
    {
      id: 'survives-its-processes',
      text: 'TIME-WAIT outlives the processes of both ends',
      source: 'inet_twsk_schedule() in net/ipv4/inet_timewait_sock.c: only its timer holds it',
      when: ({ next }) => next === 'processes-killed',
      holds: (facts) => facts.after === 'TIME-WAIT' && facts['timeWait.endedBy'] === 'namespace',
    },
    {
      id: 'a-mini-socket',
      text: 'TIME-WAIT is a mini-socket instead of the full one: sockstat counts it as tw and nothing as inuse',
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
      text: 'TIME-WAIT does not hold its network namespace: a namespace that is given up is gone in less than a second',
      source:
        'inet_twsk_purge() in net/ipv4/inet_timewait_sock.c. Tolerance: a namespace is taken apart in well under a second, TIME-WAIT lasts 60',
      when: ({ next, left }) => next === 'namespace-abandoned' && left === 'TIME-WAIT',
      holds: (facts) => facts.abandonSeconds < goneSeconds,
    },
    {
      id: 'an-orphan-holds-it',
      text: `an orphan that still has data to send holds its network namespace, here for ${heldSeconds} s, until the other end reads`,
      source: 'sk_alloc() in net/core/sock.c: a full socket counts as a user of its namespace',
      when: ({ left }) => left === 'FIN-WAIT-1',
      holds: (facts) => facts.heldUntilRead && facts.abandonSeconds > goneSeconds,
    },
    {
      id: 'sockstat-is-host-wide',
      text: "/proc/net/sockstat counts orphans and the memory of TCP's buffers for the whole host, whichever namespace's file is read",
      source: 'sockstat_seq_show() in net/ipv4/proc.c: tcp_orphan_count_sum(), proto_memory_allocated()',
      when: ({ left }) => left === 'FIN-WAIT-1',
      holds: (facts) => facts.orphansElsewhere && facts.pagesAlike,
    },
  ],

  answer(outcomes) {
    const waiting = outcomes.filter(({ cell }) => cell.left === 'TIME-WAIT');
    const held = waiting.filter(({ facts }) => facts.heldIn);
    const of = (next: (typeof outcomes)[number]['cell']['next']) => waiting.filter(({ cell }) => cell.next === next);
    const still = of('processes-killed').filter(({ facts }) => facts.after === 'TIME-WAIT');
    const gone = of('destroyed').filter(({ facts }) => facts.after === 'gone');
    const abandoned = of('namespace-abandoned');
    const orphaned = outcomes.filter(({ cell }) => cell.left === 'FIN-WAIT-1');
    const heldOn = orphaned.filter(({ facts }) => facts.heldUntilRead);
    return sentence(
      waiting.length > 0 && `a process held ${share(held, waiting)} sockets in TIME-WAIT`,
      of('processes-killed').length > 0 &&
        `${share(still, of('processes-killed'))} in TIME-WAIT outlived both processes`,
      of('destroyed').length > 0 && `ss -K took ${share(gone, of('destroyed'))} away`,
      abandoned.length > 0 &&
        `a deleted namespace took its own with it in ${Math.round(largest(abandoned.map(({ facts }) => facts.abandonSeconds)) * 1000)} ms`,
      orphaned.length > 0 &&
        `an orphan with unsent data kept its namespace until the data was read in ${share(heldOn, orphaned)}`,
    );
  },
});
