import { readFileSync } from 'node:fs';
import { experiment, finding, kind, largest, least, range, share } from 'lingerlab';

/** More than the other end's kernel takes when its application does not read, no more than this end's takes besides. */
const heldBytes = 150_000;
/** TCP_LINGER2, in seconds; over 60 s of it are spent in a full socket: TCP_TIMEWAIT_LEN in include/net/tcp.h. */
const longLinger2 = 80;
/** Two pages: the kernel reserves whole ones. */
const reservedBytes = 2 * 4096;
const million = 1_000_000;

/** A descriptor of a socket is these objects; slabinfo(5). */
const ofDescriptor = ['sock_inode_cache', 'dentry', 'filp'];

/** Object sizes of slab caches, by name. Empty where /proc/slabinfo may not be read, as without root. */
function objectSizes(): ReadonlyMap<string, number> {
  try {
    const text = readFileSync('/proc/slabinfo', 'latin1');
    return new Map(
      [...text.matchAll(/^(\S+)\s+\d+\s+\d+\s+(\d+)\s/gm)].map(([, name, size]) => [String(name), Number(size)]),
    );
  } catch {
    return new Map();
  }
}

const minis = ['TIME-WAIT', 'FIN-WAIT-2'];
const withData = ['ESTABLISHED-unread', 'FIN-WAIT-1'];
const idleHeld = ['ESTABLISHED', 'CLOSE-WAIT', 'FIN-WAIT-2-held'];
const mb = (bytes: number): string => `${Number((bytes / million).toPrecision(3))} MB`;
const phrases: Readonly<Record<string, string>> = {
  'ESTABLISHED-unread': 'with much unread data',
  'FIN-WAIT-1': 'in FIN-WAIT-1 with data',
  'FIN-WAIT-2-held': 'in FIN-WAIT-2, held',
  'FIN-WAIT-2-long': 'in a long FIN-WAIT-2',
};

export default experiment({
  id: 'orphans-and-memory',
  question: 'How much memory of the kernel does a socket take in each state, with and without a process?',
  tags: ['memory', 'orphan', 'mini-socket', 'slabinfo', 'skmem', 'TIME-WAIT', 'FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSE-WAIT'],
  symptoms: [
    'memory of sockets',
    'how much memory does TIME_WAIT take',
    'what a leaked connection costs',
    'sockets use too much memory',
  ],
  factors: {
    state: [
      'ESTABLISHED',
      'ESTABLISHED-unread',
      'CLOSE-WAIT',
      'FIN-WAIT-1',
      'FIN-WAIT-2-held',
      'FIN-WAIT-2-long',
      'TIME-WAIT',
      'FIN-WAIT-2',
    ],
  },
  words: {
    state: {
      text: 'the state of the socket',
      values: {
        ESTABLISHED: 'ESTABLISHED, idle',
        'ESTABLISHED-unread': 'ESTABLISHED, with data that its application does not read',
        'CLOSE-WAIT': 'CLOSE-WAIT',
        'FIN-WAIT-1': 'FIN-WAIT-1 of an orphan, with data that the other application does not read',
        'FIN-WAIT-2-held': 'FIN-WAIT-2 after shutdown(): a process has the socket',
        'FIN-WAIT-2-long': `FIN-WAIT-2 of an orphan with TCP_LINGER2 ${longLinger2} s`,
        'FIN-WAIT-2': 'FIN-WAIT-2 of an orphan',
        'TIME-WAIT': 'TIME-WAIT',
      },
    },
  },
  seconds: 1,
  measures: {
    socket: { ...kind.word('full', 'mini'), text: 'whether ss -m shows buffers of the socket: a mini-socket has none' },
    process: kind.boolean({ text: 'whether a process has the socket: ss shows an inode' }),
    counted: kind.count({ text: 'sockets that sockstat counts as tw' }),
    queued: kind.bytes({ compare: 'measurement', text: 'bytes in the queues of the socket, by ss' }),
    buffers: kind.bytes({ compare: 'measurement', text: 'memory of these queues, by ss -m: r, w and f of skmem' }),
    object: kind.bytes({ compare: 'measurement', text: 'the socket itself: object size of its slab cache' }),
    descriptor: kind.bytes({
      compare: 'measurement',
      text: `the descriptor of the socket: object sizes of ${ofDescriptor.join(', ')}; 0 without a process`,
    }),
    thousand: kind.bytes({
      compare: 'measurement',
      text: 'memory of 1,000 such sockets, computed: 1,000 times object, descriptor and buffers of the one that was measured',
    }),
  },
  shows: ['socket', 'process', 'counted', 'object', 'descriptor', 'queued', 'buffers', 'thousand'],

  async scenario({ client, server, closeInTurn, sockets, until, look, note, noteUnknown }, { state }) {
    const [near, far] = await client.connect(await server.listen());
    const looked = state === 'ESTABLISHED-unread' || state === 'CLOSE-WAIT' ? far : near;
    // a socket that is closed instead would be counted as tw beside the one that is looked at
    const keepsOther = state === 'CLOSE-WAIT' || state === 'FIN-WAIT-2-held';
    if (withData.includes(state)) await near.fill(far, { bytes: heldBytes });
    if (state === 'FIN-WAIT-2-long') await near.set('TCP_LINGER2', longLinger2);
    if (keepsOther) await near.shutdown('WR');
    if (state === 'TIME-WAIT') await closeInTurn(near, far);
    else if (!state.startsWith('ESTABLISHED') && !keepsOther) await near.close('destroy');
    if (state === 'CLOSE-WAIT' || state.startsWith('FIN-WAIT-2')) await until(far, 'CLOSE-WAIT');
    if (state.startsWith('FIN-WAIT')) await until(near, state === 'FIN-WAIT-1' ? 'FIN-WAIT-1' : 'FIN-WAIT-2');

    const shown = await look(looked);
    const ends = ['sport', '=', `:${looked.local.port}`, 'and', 'dport', '=', `:${looked.remote.port}`];
    const ss = await (await client.exec('ss', ['-HtanmO', ...ends])).ended();
    // without a row nothing is known: that is not a row without skmem
    if (ss.stdout === '') throw new Error(`ss does not show the socket: ${ss.stderr}`);
    const skmem = /skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f(\d+),w(\d+)/.exec(ss.stdout);
    const buffers = (skmem?.slice(1) ?? []).reduce((total, part) => total + Number(part), 0);
    const isHeld = (shown?.inode ?? 0) > 0;
    note('socket', skmem ? 'full' : 'mini');
    note('process', isHeld);
    note('counted', sockets('client').timeWait);
    note('queued', (shown?.recvQ ?? 0) + (shown?.sendQ ?? 0));
    note('buffers', buffers);

    const sizes = objectSizes();
    const object = sizes.get(skmem ? 'TCP' : 'tw_sock_TCP');
    const parts = isHeld ? ofDescriptor.map((name) => sizes.get(name)) : [];
    const descriptor = parts.reduce<number | undefined>(
      (total, size) => (total === undefined || size === undefined ? undefined : total + size),
      0,
    );
    const why = '/proc/slabinfo may not be read here, or its caches are merged';
    if (object === undefined) noteUnknown('object', why);
    else note('object', object);
    if (descriptor === undefined) noteUnknown('descriptor', why);
    else note('descriptor', descriptor);
    if (object === undefined || descriptor === undefined) noteUnknown('thousand', why);
    else note('thousand', 1000 * (object + descriptor + buffers));
  },

  claims: [
    {
      id: 'mini-sockets',
      text: 'TIME-WAIT, and FIN-WAIT-2 of an orphan, are mini-sockets: without buffers, and both counted as tw',
      source: 'tcp_time_wait() in net/ipv4/tcp_minisocks.c; inet_twsk_diag_fill() in net/ipv4/inet_diag.c',
      when: ({ state }) => minis.includes(state),
      holds: (facts) => facts.socket === 'mini' && facts.buffers === 0 && facts.counted === 1,
    },
    {
      id: 'full-sockets',
      text: 'in each other state tried the socket is a full one; so is an orphan in FIN-WAIT-1, and in FIN-WAIT-2 while more than 60 s of TCP_LINGER2 are left',
      source: 'tcp_rcv_state_process() in net/ipv4/tcp_input.c: tmo > TCP_TIMEWAIT_LEN',
      when: ({ state }) => !minis.includes(state),
      holds: (facts) => facts.socket === 'full' && facts.counted === 0,
    },
    {
      id: 'descriptors',
      text: 'a socket has a descriptor while the application has not closed it, in CLOSE-WAIT and FIN-WAIT-2, too; an orphan and TIME-WAIT have none',
      source: 'sock_orphan() in include/net/sock.h, called by __tcp_close(); sock_close() in net/socket.c',
      holds: (facts, { state }) => facts.process === (idleHeld.includes(state) || state === 'ESTABLISHED-unread'),
    },
    {
      id: 'data-takes-more-than-its-bytes',
      text: 'data in the queue of a socket takes more memory than it has bytes, also in an orphan',
      source: 'skb_set_owner_r() and sk_wmem_queued_add() in include/net/sock.h count skb->truesize',
      when: ({ state }) => withData.includes(state),
      holds: (facts) => facts.queued > 0 && facts.buffers > facts.queued,
    },
    {
      id: 'idle-has-no-buffers',
      text: 'the queues of an idle socket take no memory, or a page or two that the kernel reserves for it',
      source: 'sk_mem_reclaim() in include/net/sock.h; SO_RCVBUF and SO_SNDBUF are limits: socket(7)',
      when: ({ state }) => !withData.includes(state),
      holds: (facts) => facts.queued === 0 && facts.buffers <= reservedBytes,
    },
  ],
  across: [
    {
      id: 'a-mini-socket-is-small',
      text: 'a mini-socket takes less than a fifth of the memory of a full socket, buffers and descriptor not counted',
      source: 'struct tcp_timewait_sock and struct tcp_sock in include/linux/tcp.h',
      holds(outcomes) {
        const sizes = (isMini: boolean) =>
          outcomes.filter(({ cell }) => minis.includes(cell.state) === isMini).map(({ facts }) => facts.object);
        const [mini, full] = [sizes(true), sizes(false)];
        return mini.length > 0 && full.length > 0 ? largest(mini) < least(full) / 5 : undefined;
      },
    },
  ],

  guide: [
    {
      about: { 'thousands of TIME-WAIT': 'look at' },
      claim: 'mini-sockets',
      when: ({ state }) => state === 'TIME-WAIT',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.thousand / 1e6, { digits: 3, unit: 'MB' }),
      text: '1,000 sockets in TIME-WAIT take {number} of kernel memory, computed from one: they are mini-sockets.',
    },
    {
      id: 'orphans-in-fin-wait-2',
      about: { 'FIN-WAIT-2 grows': 'look at' },
      claim: 'mini-sockets',
      when: ({ state }) => state === 'FIN-WAIT-2',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.thousand / 1e6, { digits: 3, unit: 'MB' }),
      text: '1,000 closed sockets in FIN-WAIT-2 take {number} of kernel memory, computed from one: they are mini-sockets.',
    },
    {
      about: { tcp_max_orphans: 'costs' },
      claim: 'data-takes-more-than-its-bytes',
      when: ({ state }) => state === 'FIN-WAIT-1',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.thousand / 1e6, { digits: 1, unit: 'MB' }),
      text: '1,000 orphans in FIN-WAIT-1 with unsent data take {number} of kernel memory, computed from one: more than their data has bytes.',
    },
    {
      id: 'leaked-in-close-wait',
      about: { 'CLOSE-WAIT grows': 'look at' },
      claim: 'full-sockets',
      when: ({ state }) => state === 'CLOSE-WAIT',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.thousand / 1e6, { digits: 1, unit: 'MB' }),
      text: '1,000 idle sockets in CLOSE-WAIT take {number} of kernel memory, computed from one, with their descriptors.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const known = outcomes
      .filter(({ facts }) => 'thousand' in facts)
      .toSorted((a, b) => a.facts.thousand - b.facts.thousand);
    const said = ({ cell: { state }, facts }: Outcomes[number]) =>
      `${mb(facts.thousand)} ${phrases[state] ?? `in ${state}`}`;
    const [lightest, ...others] = known;
    const heaviest = others.at(-1);
    const take = (states: readonly string[], text: (taken: string, of: Outcomes) => string) => {
      const of = known.filter(({ cell }) => states.includes(cell.state));
      const taken = [...new Set(of.map(({ facts }) => mb(facts.thousand)))].join(' or ');
      return of.length > 0 && finding(taken, text(taken, of), of);
    };
    const each = (of: Outcomes) =>
      `${[...new Set(of.map(({ facts }) => facts.thousand / 1000))].map((bytes) => bytes.toLocaleString('en')).join(' or ')} B`;
    const withQueue = ({ cell: { state }, facts }: Outcomes[number]) =>
      `${mb(facts.thousand)} with ${Math.round(facts.queued / 1000)} kB ${state === 'FIN-WAIT-1' ? 'unsent in each (orphans in FIN-WAIT-1)' : 'unread in each (ESTABLISHED)'}`;
    const mini = outcomes.filter(({ cell }) => minis.includes(cell.state));
    const counted = mini.filter(({ facts }) => facts.socket === 'mini' && facts.counted === 1);
    const full = outcomes.filter(({ cell }) => withData.includes(cell.state));
    const costly = full.filter(({ facts }) => facts.buffers > facts.queued);
    return {
      headline: lightest
        ? `1,000 sockets take ${said(lightest)}${heaviest ? `, ${said(heaviest)}` : ''}.`
        : mini.length > 0 && `${share(counted, mini)} in TIME-WAIT, or FIN-WAIT-2 of an orphan, are mini-sockets.`,
      findings: [
        take(
          minis,
          (taken, of) =>
            `Sockets in TIME-WAIT, and orphans in FIN-WAIT-2, are mini-sockets without a process: 1,000 take ${taken}, 1,000 times the ${each(of)} measured of one.`,
        ),
        take(
          idleHeld,
          (taken, of) =>
            `Idle sockets with a descriptor (ESTABLISHED, CLOSE-WAIT, FIN-WAIT-2 after shutdown()) are full sockets: 1,000 take ${taken}, one ${each(of)}.`,
        ),
        take(withData, (_, of) => `1,000 sockets take ${of.map(withQueue).join(', ')}.`),
        take(
          ['FIN-WAIT-2-long'],
          (taken) =>
            `1,000 orphans in FIN-WAIT-2 take ${taken} while more than 60 s of TCP_LINGER2 are left: they are full sockets.`,
        ),
        finding(share(counted, mini), 'sockstat counts the FIN-WAIT-2 of an orphan as tw, like TIME-WAIT.'),
        finding(share(costly, full), 'Data in the queue of a socket takes more memory than it has bytes.'),
      ],
    };
  },
});
