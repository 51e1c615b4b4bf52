import { readFileSync, writeFileSync } from 'node:fs';
import { type Endpoint, experiment, finding, is, kind, share } from 'lingerlab';

/** tcp_max_orphans of the cells that ask for it. */
const mostOrphans = 3;
/** Connections whose data the other application does not read: more orphans, and more pages, than are allowed. */
const holding = 12;
/** The kernel counts orphans every 100 ms, TCP_ORPHAN_TIMER_PERIOD, when an idle processor looks at its timers. */
const countedSeconds = 0.6;
/** Each orphan has asked for a window within that time. */
const askedSeconds = 3;
/** Pages of tcp_mem. A processor keeps up to 256 for itself, net.core.mem_pcpu_rsv, before the kernel counts them. */
const fewPages = '1 1 1';
/** More than the other end's kernel takes when its application does not read, no more than this end's takes besides. */
const heldBytes = 150_000;
const theEnd = 'the end';

const settings = {
  none: undefined,
  orphans: { file: '/proc/sys/net/ipv4/tcp_max_orphans', value: String(mostOrphans) },
  memory: { file: '/proc/sys/net/ipv4/tcp_mem', value: fewPages },
} as const;

export default experiment({
  id: 'too-many-orphans',
  question: 'What does close() do when the kernel has too many orphans, or too little memory for TCP?',
  tags: ['tcp_max_orphans', 'tcp_mem', 'orphan', 'TCPAbortOnMemory', 'out of memory', 'RST', 'FIN-WAIT-1'],
  symptoms: [
    'too many orphaned sockets',
    'TCP: out of memory -- consider tuning tcp_mem',
    'RST instead of FIN under memory pressure',
    'TCPAbortOnMemory grows',
  ],
  whenNamed: true,
  factors: { limit: ['none', 'orphans', 'memory'], queue: ['empty', 'data'] },
  words: {
    limit: {
      text: 'what is set just before the close',
      values: {
        none: 'nothing',
        orphans: `tcp_max_orphans ${mostOrphans}, with ${holding} orphans in FIN-WAIT-1`,
        memory: `tcp_mem 1 1 1, with ${holding} other connections whose data is not read: TCP uses more pages than that`,
      },
    },
    queue: {
      text: "the closing end's send queue",
      values: { empty: 'empty', data: 'full of data that the other application does not read until later' },
    },
  },
  network: 'wire',
  needs: () => ['own-kernel'],
  // its settings are the whole kernel's
  quiet: true,
  seconds: ({ limit }) => (limit === 'orphans' ? askedSeconds + 2 : 2),
  connections: ['holding', 'closed'],
  measures: {
    told: kind.outcome({ text: 'what the other application reads behind the data: the end, or the errno' }),
    whole: kind.boolean({ text: 'whether it reads all that was written' }),
    orphans: kind.count({ text: 'orphans in FIN-WAIT-1 just before the close' }),
    left: kind.count({ text: `of these, orphans ${askedSeconds} s later`, compare: 'measurement' }),
    pages: kind.count({ text: 'pages of all TCP buffers of the kernel, by sockstat', compare: 'measurement' }),
    'counters.client.TcpExt.TCPAbortOnMemory': kind.count({
      text: 'connections that were reset for want of memory, or as one orphan too many',
      compare: 'measurement',
    }),
    'counters.client.Tcp.OutRsts': kind.count({ text: 'RSTs that were sent', compare: 'measurement' }),
    'counters.client.Tcp.EstabResets': kind.count({ text: 'connections that a RST ended', compare: 'measurement' }),
    set: kind.outcome({ text: 'the setting of the whole kernel at the close, as read back' }),
  },
  shows: [
    'closed.client.closedWith',
    'told',
    'whole',
    'counters.client.TcpExt.TCPAbortOnMemory',
    'closed.client.path',
    'orphans',
    'left',
    'pages',
    'set',
  ],

  async scenario({ client, server, until, look, rest, sockets, note }, { limit, queue }) {
    const listener = await server.listen();
    const others: Endpoint[] = [];
    while (limit !== 'none' && others.length < holding) {
      const [one, other] = await client.connect(listener, { as: 'holding', again: others.length > 0 });
      await one.fill(other);
      if (limit === 'orphans') {
        await one.close('destroy');
        await until(one, 'FIN-WAIT-1');
      }
      others.push(one);
    }
    const [near, far] = await client.connect(listener, { as: 'closed' });
    const written = queue === 'data' ? (await near.fill(far, { bytes: heldBytes })).written : 0;
    const orphans = async () => {
      const states = await Promise.all(others.map(async (other) => (await look(other))?.state));
      return states.filter((state) => state === 'FIN-WAIT-1').length;
    };
    if (limit === 'orphans') {
      await rest(countedSeconds);
      note('orphans', await orphans());
    }
    note('pages', sockets('client').hostPages);

    const setting = settings[limit];
    const own = setting && readFileSync(setting.file, 'latin1');
    try {
      if (setting) writeFileSync(setting.file, setting.value);
      note('set', setting ? readFileSync(setting.file, 'latin1').trim().replaceAll('\t', ' ') : 'nothing');
      await near.close('destroy');
      await until(near, 'FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSED');
      if (limit === 'orphans') {
        await rest(askedSeconds);
        note('left', await orphans());
      }
    } finally {
      if (setting && own) writeFileSync(setting.file, own);
    }
    const received = queue === 'data' ? far.received(written).answer() : undefined;
    if (queue === 'data') await far.resume();
    const ended = await far.ended().answer();
    note('told', ended.ok ? theEnd : ended.outcome);
    await far.close('destroy').answer();
    note('whole', (await received)?.ok ?? true);
  },

  claims: [
    {
      id: 'too-many-orphans-reset',
      text: 'with more orphans than tcp_max_orphans, close() sends a RST and leaves no socket; TCPAbortOnMemory counts it',
      source:
        'tcp_max_orphans in Documentation/networking/ip-sysctl.rst; __tcp_close() and tcp_check_oom() in net/ipv4/tcp.c',
      when: ({ limit }) => limit === 'orphans',
      holds: (facts) =>
        facts.orphans > mostOrphans &&
        facts['closed.client.closedWith'].at(-1) === 'RST' &&
        facts['closed.client.path'].at(-1) === 'CLOSED' &&
        (facts['counters.client.TcpExt.TCPAbortOnMemory'] ?? 0) >= 1,
    },
    {
      id: 'unsent-data-is-lost',
      text: 'of a socket with unsent data there is no FIN before that RST: the data is lost, and the other application reads ECONNRESET; with an empty send queue a FIN goes first, and it reads the end of the stream',
      source: '__tcp_close() in net/ipv4/tcp.c: tcp_send_fin() before tcp_check_oom()',
      when: ({ limit }) => limit === 'orphans',
      holds: (facts, { queue }) =>
        queue === 'data'
          ? is(facts['closed.client.closedWith'], 'RST') && facts.told === 'ECONNRESET' && !facts.whole
          : is(facts['closed.client.closedWith'], 'FIN', 'RST') && facts.told === theEnd,
    },
    {
      id: 'old-orphans-go-too',
      text: 'orphans above the limit that wait for the other end are reset, too, when they ask it the next time',
      source: 'tcp_out_of_resources() in net/ipv4/tcp_timer.c, called by tcp_probe_timer() and tcp_write_timeout()',
      when: ({ limit }) => limit === 'orphans',
      holds: (facts) => facts.orphans === holding && facts.left <= mostOrphans,
    },
    {
      id: 'too-little-memory-resets-data',
      text: 'where TCP uses more pages than the third number of tcp_mem, close() of a socket with unsent data sends a RST, and that data is lost',
      source: 'tcp_out_of_memory() in include/net/tcp.h: sk_wmem_queued > SOCK_MIN_SNDBUF; tcp_mem in ip-sysctl.rst',
      when: ({ limit, queue }) => limit === 'memory' && queue === 'data',
      holds: (facts) =>
        is(facts['closed.client.closedWith'], 'RST') &&
        facts.told === 'ECONNRESET' &&
        !facts.whole &&
        facts.pages > 1 &&
        (facts['counters.client.TcpExt.TCPAbortOnMemory'] ?? 0) >= 1,
    },
    {
      id: 'an-empty-queue-is-spared',
      text: 'there, a socket with an empty send queue closes with a FIN',
      source: 'tcp_out_of_memory() in include/net/tcp.h: sk_wmem_queued > SOCK_MIN_SNDBUF',
      when: ({ limit, queue }) => limit === 'memory' && queue === 'empty',
      holds: (facts) => facts.pages > 1 && is(facts['closed.client.closedWith'], 'FIN') && facts.told === theEnd,
    },
    {
      id: 'else-a-fin',
      text: 'below both limits close() sends a FIN, and every byte arrives',
      source: 'RFC 9293 §3.10.4',
      when: ({ limit }) => limit === 'none',
      holds: (facts) =>
        is(facts['closed.client.closedWith'], 'FIN') &&
        facts.told === theEnd &&
        facts.whole &&
        facts['counters.client.TcpExt.TCPAbortOnMemory'] === 0,
    },
  ],

  guide: [
    {
      about: { tcp_max_orphans: 'measured' },
      claim: 'too-many-orphans-reset',
      text: 'With more orphans than tcp_max_orphans, close() sends a RST and leaves no socket; TcpExt TCPAbortOnMemory counts it.',
    },
    {
      about: { tcp_max_orphans: 'risks' },
      claim: 'unsent-data-is-lost',
      when: ({ queue }) => queue === 'data',
      text: 'With more orphans than tcp_max_orphans, unsent data of a closed socket is lost: the other application reads ECONNRESET.',
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (limit: string, queue?: string) =>
      outcomes.filter(({ cell }) => cell.limit === limit && (queue === undefined || cell.queue === queue));
    const isReset = ({ facts }: Outcome) => facts['closed.client.closedWith'].at(-1) === 'RST';
    const isWhole = ({ facts }: Outcome) => is(facts['closed.client.closedWith'], 'FIN') && facts.whole;
    const many = of('orphans');
    const refused = many.filter(isReset);
    const full = of('memory', 'data');
    const lost = full.filter((each) => isReset(each) && !each.facts.whole);
    const empty = of('memory', 'empty');
    const plain = of('none');
    const gone = many.filter(({ facts }) => facts.left <= mostOrphans);
    return {
      headline:
        many.length > 0
          ? refused.length === many.length
            ? 'With too many orphans close() sends a RST: unsent data is lost.'
            : `With too many orphans close() sent a RST in ${share(refused, many)} cases.`
          : full.length > 0
            ? `Without memory for TCP close() lost data in ${share(lost, full)} cases.`
            : empty.length > 0
              ? `Without memory, an empty queue closed with a FIN in ${share(empty.filter(isWhole), empty)} cases.`
              : plain.length > 0 && `Below the limits all arrived in ${share(plain.filter(isWhole), plain)} cases.`,
      findings: [
        finding(
          share(refused, many),
          'With more orphans than tcp_max_orphans, close() sends a RST: alone if data is unsent, which is lost, else behind its FIN.',
        ),
        finding(
          share(gone, many),
          'Orphans above the limit that wait for a window are reset, too, when they send their next probe.',
        ),
        finding(
          share(lost, full),
          'Where TCP has more pages than tcp_mem allows, close() of a socket with unsent data sends a RST, and that data is lost.',
        ),
        finding(share(empty.filter(isWhole), empty), 'There, a socket with an empty send queue closes with a FIN.'),
        finding(share(plain.filter(isWhole), plain), 'Below both limits close() sends a FIN, and every byte arrives.'),
      ],
    };
  },
});
