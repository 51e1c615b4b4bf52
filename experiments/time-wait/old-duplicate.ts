import {
  ack,
  data,
  type Endpoint,
  experiment,
  is,
  type Kind,
  kind,
  rst,
  sentence,
  share,
  syn,
  synAck,
  type Wire,
} from 'lingerlab';

/** Each end's in the old connection: more numbers than the clock of initial sequence numbers advances meanwhile, or fewer. */
const many = 8_000_000;
const few = 20_000;
/** The clock of initial sequence numbers: one number in so many ns, secure_tcp_seq() in net/core/secure_seq.c. */
const clockNs = 64;
/** By so many numbers it advances, at least, before the new connection: the last of the old bytes lie beyond. */
const advance = 7_200_000;
/** So many the new server sends: what the old segment acknowledges is among the last of it, which its client's window covers. */
const serverBytes = many - advance + 200_000;
/** What the new client sends when the old segment has come. */
const newBytes = 100;
/** What tells the bytes apart: of the old client, of the new one, of either server. */
const fills = { old: 'O', new: 'N', server: 's' } as const;

const attempts = [1, 2, 3, 4, 5] as const;
/** The first port that a client binds; each cell has its own namespaces. */
const firstPort = 40_001;

type Asked = { readonly between: string; readonly timestamps: string; readonly port: string; readonly bytes: number };
/** Nothing remembers the old connection when the new one begins. */
const bypassed = ({ between }: Asked) => between !== 'TIME-WAIT';
const defenceless = (cell: Asked) => bypassed(cell) && cell.timestamps === 'off' && cell.bytes === many;

/** How far the client's initial sequence number advanced, and an old segment that has the number which the new server expects. */
async function overlap(wire: Wire, old: Endpoint, again: Endpoint, bytes: number) {
  const first = await wire.seen(syn.on(old));
  const second = await wire.seen(syn.on(again), { after: first });
  const advanced = (second.segment.absolute.seq - first.segment.absolute.seq) >>> 0;
  if (advanced >= bytes) return { advanced };
  const next = data
    .from('client')
    .on(old)
    .covering(advanced + 1);
  const covering = await wire.seen(next);
  const answered = await wire.seen(synAck.on(again), { after: second });
  // the old acknowledgement is of so many bytes of the new server's
  const due = (covering.segment.absolute.ack - answered.segment.absolute.seq - 1) | 0;
  const begins = (covering.segment.absolute.seq - first.segment.absolute.seq) >>> 0;
  const follows = begins + covering.segment.bytes - advanced - 1;
  const acceptable = due > 0 && due <= serverBytes;
  return acceptable && follows > newBytes ? { advanced, covering, due } : { advanced };
}

/** How old an acknowledgement the new server takes once it has sent all: no older than the largest window, RFC 5961 §5.2. */
async function windowOf(wire: Wire, again: Endpoint) {
  const opened = await wire.seen(syn.on(again).nth(2));
  const scale = opened.segment.options.find((option) => option.kind === 'wscale');
  const all = ack.from('client').on(again);
  const last = await wire.seen(all.withAck(serverBytes + 1), { after: opened });
  return last.segment.window << (scale?.kind === 'wscale' ? scale.shift : 0);
}

/** What each attempt counts once more. */
const countedAgain = [
  'client.Tcp.ActiveOpens',
  'client.Tcp.EstabResets',
  'client.Tcp.OutRsts',
  'client.TcpExt.TCPAbortOnData',
  'client.TcpExt.TCPTimeWaitOverflow',
  'server.Tcp.PassiveOpens',
  'server.Tcp.EstabResets',
  'server.Tcp.OutRsts',
  'server.TcpExt.TCPTimeWaitOverflow',
] as const;
const timesAttempts = Object.fromEntries(
  countedAgain.map((name) => [
    `counters.${name}`,
    kind.count({ compare: 'measurement', text: 'change of this kernel counter, in all attempts together' }),
  ]),
) as Record<`counters.${(typeof countedAgain)[number]}`, Kind<number>>;

export default experiment({
  id: 'old-duplicate',
  question: 'An old segment comes late: does it get into a new connection on the same four numbers?',
  tags: ['TIME-WAIT', 'old duplicate', 'PAWS', 'timestamps', 'ISN', 'linger 0'],
  symptoms: ['why does TIME_WAIT exist', 'is it dangerous to skip TIME_WAIT', 'data of an old connection in a new one'],
  factors: {
    // what the client keeps of the old connection: TIME-WAIT; nothing, having closed with linger 0; nothing, for want of buckets
    between: ['TIME-WAIT', 'linger-0', 'no-buckets'],
    timestamps: ['off', 'on'],
    // the client's, in the new connection
    port: ['same', 'chosen'],
    bytes: [many, few],
  },
  only: (cell) =>
    (cell.port === 'same' || (cell.between === 'TIME-WAIT' && cell.timestamps === 'off')) &&
    (cell.bytes === many || (cell.between === 'linger-0' && cell.timestamps === 'off')),
  network: 'wire',
  // few packets for many bytes: the wire carries over 100 MB/s, as a fast network does; the clock advances 15.6 million a second
  mtu: 60_000,
  sysctls: ({ between, timestamps }) => ({
    'net.ipv4.tcp_timestamps': timestamps === 'on' ? 1 : 0,
    'net.ipv4.tcp_max_tw_buckets': between === 'no-buckets' ? 0 : undefined,
    // no longer queue before the wire than it carries in some ms
    'net.ipv4.tcp_rmem': '4096 131072 2097152',
  }),
  seconds: 1,
  quiet: ({ bytes }) => bytes === many,
  // of several attempts, the facts of each would be those of any: they are unknown then, and the claims read what is noted
  connections: ['old', 'new'],
  measures: {
    ...timesAttempts,
    attempts: kind.count({ compare: 'measurement', text: 'pairs of connections until the old one outran the clock' }),
    reconnect: kind.outcome({ text: 'what the new connect(2) answered' }),
    samePort: kind.boolean({ text: 'the new connection has the four numbers of the old one' }),
    advanced: kind.bytes({
      compare: 'measurement',
      text: "how far the client's initial sequence number advanced from the old connection to the new one",
    }),
    covered: kind.boolean({ text: 'an old segment had the very number that the new server expects' }),
    answered: { ...kind.word('ACK', 'RST'), text: 'what the new server sent after the old segment' },
    firstRead: kind.outcome({ text: "the first bytes that the new server's application read; O: the old client's" }),
    heard: { ...kind.words('old', 'new'), text: "whose bytes the new server's application read" },
    oldRead: kind.bytes({
      compare: 'measurement',
      text: "bytes of the old client that the new server's application read",
    }),
    newRead: kind.bytes({ text: `bytes of the new client that it read, of ${newBytes}` }),
  },
  shows: [
    'reconnect',
    'samePort',
    'covered',
    'heard',
    'firstRead',
    'oldRead',
    'newRead',
    'answered',
    'advanced',
    'attempts',
    'counters.server.TcpExt.PAWSEstab',
    'counters.client.TcpExt.TWRecycled',
    'old.timeWait.holder',
  ],

  async scenario({ client, server, wire, closeInTurn, until, rest, note }, cell) {
    const { between, port, bytes } = cell;
    const listener = await server.listen();
    /** Whether an old segment can only fit where the old connection outran the clock. */
    const races = bypassed(cell) && bytes === many;
    const reset = async (near: Endpoint, far: Endpoint) => {
      await near.set('SO_LINGER', 0);
      await near.close('destroy');
      await Promise.all([until(near, 'CLOSED'), far.gone()]);
    };

    for (const attempt of attempts) {
      const again = attempt > 1;
      const began = performance.now();
      const [old, oldFar] = await client.connect(listener, { as: 'old', again, localPort: firstPort + attempt });
      // one after the other: all that the client sends acknowledges all of the server's
      await oldFar.write(bytes, { fill: fills.server });
      await old.received(bytes);
      await old.write(bytes, { fill: fills.old });
      await oldFar.received(bytes);
      // an acknowledgement that crosses a RST is answered by another
      const acks = ack.from('server').on(old);
      await wire.seen(acks.withAck(bytes + 1));
      await (between === 'linger-0' ? reset(old, oldFar) : closeInTurn(old, oldFar));

      const spent = (performance.now() - began) / 1000;
      if (races) await rest(Math.max(0, (advance * clockNs) / 1e9 - spent));
      const localPort = port === 'same' ? { localPort: old.local.port } : {};
      const reconnect = await client.connect(listener, { as: 'new', again, ...localPort }).answer();
      note('attempts', attempt);
      note('reconnect', reconnect.outcome);
      if (!reconnect.ok) return;
      const [near, far] = reconnect.value;
      const samePort = near.local.port === old.local.port;
      note('samePort', samePort);
      const { advanced, covering, due = 0 } = samePort ? await overlap(wire, old, near, bytes) : {};
      if (advanced !== undefined) note('advanced', advanced);
      await far.write(serverBytes, { fill: fills.server });
      await near.received(serverBytes);
      const isTaken = covering !== undefined && due >= serverBytes - (await windowOf(wire, near));
      if (!isTaken && races) {
        // the clock was faster, or the new connection late: such a cell says nothing
        await reset(near, far);
        continue;
      }

      note('covered', covering !== undefined);
      const late = covering ?? (await wire.seen(data.from('client').on(old).covering(bytes)));
      const replayed = await wire.replay(late);
      const answer = await wire.seen(ack.or(rst).from('server'), { after: replayed });
      note('answered', answer.segment.flags.includes('RST') ? 'RST' : 'ACK');
      const oldRead = (await far.heard()).length;
      await near.write(newBytes, { fill: fills.new });
      const sent = await wire.seen(data.from('client').on(near), { after: replayed });
      if (oldRead === 0) await far.received(newBytes);
      await wire.seen(ack.from('server').on(near), { after: sent });
      const read = await far.heard();
      note('oldRead', oldRead);
      note('newRead', read.length - oldRead);
      note(
        'heard',
        [...new Set(read)].map((byte) => (byte === fills.old ? 'old' : 'new')),
      );
      note('firstRead', read.slice(0, 8));
      return;
    }
  },

  claims: [
    {
      id: 'time-wait-refuses',
      text: 'without timestamps, while the client keeps TIME-WAIT, connect(2) of a socket bound to its port fails with EADDRNOTAVAIL',
      source: 'RFC 9293 §3.6.1; __inet_check_established() in net/ipv4/inet_hashtables.c, tcp_twsk_unique()',
      when: (cell) => !bypassed(cell) && cell.timestamps === 'off' && cell.port === 'same',
      holds: (facts) => facts['old.timeWait.holder'] === 'client' && facts.reconnect === 'EADDRNOTAVAIL',
    },
    {
      id: 'another-port',
      text: 'without timestamps, while the client keeps TIME-WAIT and the kernel may choose the port, the new connection has another port, and the old segment finds nobody',
      source: '__inet_hash_connect() in net/ipv4/inet_hashtables.c; RFC 9293 §3.10.7.1: a RST for a closed connection',
      when: (cell) => !bypassed(cell) && cell.port === 'chosen',
      holds: (facts) =>
        facts.reconnect === 'ok' && !facts.samePort && facts.answered === 'RST' && is(facts.heard, 'new'),
    },
    {
      id: 'old-bytes-delivered',
      text: "without TIME-WAIT and without timestamps, where the old connection had outrun the clock of initial sequence numbers, the old client's bytes are delivered to the new connection's application as the new client's",
      source: 'RFC 9293 §3.4.3; RFC 1337 §1, hazard H1',
      when: defenceless,
      holds: (facts) =>
        facts['old.timeWait.holder'] === 'none' &&
        facts.covered &&
        is(facts.heard, 'old') &&
        facts.firstRead === fills.old.repeat(8) &&
        facts.oldRead > 0,
    },
    {
      id: 'new-bytes-discarded',
      text: `the ${newBytes} bytes that the new client itself sends under those numbers are then thrown away as already received`,
      source: 'RFC 9293 §3.10.7.4: what was received is trimmed off; tcp_data_queue() in net/ipv4/tcp_input.c',
      when: defenceless,
      holds: (facts) => facts.oldRead > newBytes && facts.newRead === 0,
    },
    {
      id: 'timestamps-refuse',
      text: 'with timestamps the same segment is refused without TIME-WAIT, too: its timestamp is older than the new connection',
      source: 'RFC 7323 §5, PAWS; tcp_validate_incoming() in net/ipv4/tcp_input.c, counter PAWSEstab',
      when: (cell) => bypassed(cell) && cell.timestamps === 'on' && cell.bytes === many,
      holds: (facts) =>
        facts['old.timeWait.holder'] === 'none' &&
        facts.covered &&
        is(facts.heard, 'new') &&
        facts['counters.server.TcpExt.PAWSEstab'] === 1,
    },
    {
      id: 'recycled-safely',
      text: 'with timestamps TIME-WAIT gives its four numbers to a socket bound to its port, and the new connection begins beyond all of the old one',
      source: 'RFC 6191 §2; tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: tw_snd_nxt + 65535 + 2',
      when: (cell) => !bypassed(cell) && cell.timestamps === 'on',
      holds: (facts, { bytes }) =>
        facts.reconnect === 'ok' &&
        facts['counters.client.TcpExt.TWRecycled'] === 1 &&
        facts.advanced > bytes + 65_535 &&
        is(facts.heard, 'new'),
    },
    {
      id: 'clock-protects-the-slow',
      text: 'a connection that sent less than the clock of initial sequence numbers advanced leaves no segment that fits, even without TIME-WAIT and timestamps',
      source: 'RFC 9293 §3.4.1; secure_tcp_seq() in net/core/secure_seq.c: one number every 64 ns',
      when: (cell) => bypassed(cell) && cell.bytes === few,
      holds: (facts, { bytes }) => facts.advanced > bytes && !facts.covered && is(facts.heard, 'new'),
    },
  ],

  answer(outcomes) {
    const told = outcomes.filter(({ facts }) => 'heard' in facts);
    const corrupted = told.filter(({ facts }) => facts.heard.includes('old'));
    const read = corrupted.map(({ facts }) => facts.oldRead.toLocaleString('en'));
    const harmed = (of: typeof outcomes) => corrupted.filter((one) => of.includes(one));
    const without = (timestamps: 'on' | 'off') =>
      told.filter(({ cell }) => bypassed(cell) && cell.bytes === many && cell.timestamps === timestamps);
    const [plain, stamped] = [without('off'), without('on')];
    const kept = outcomes.filter(({ cell }) => !bypassed(cell));
    const refused = kept.filter(({ facts }) => facts.reconnect !== 'ok');
    const silent = outcomes.length - told.length - refused.length;
    return sentence(
      plain.length > 0 &&
        `without TIME-WAIT and timestamps, an old segment's bytes${read.length > 0 ? ` (${read.join(', ')})` : ''} were read by the new connection's application ` +
          `in ${share(harmed(plain), plain)} connections`,
      stamped.length > 0 &&
        `without TIME-WAIT, with timestamps, old bytes were read in ${share(harmed(stamped), stamped)}`,
      kept.length > 0 &&
        `where TIME-WAIT was kept, old bytes were read in ${share(harmed(kept), kept)}, of which ${refused.length} was refused the old port`,
      silent > 0 && `${silent} did not outrun the clock of initial sequence numbers and say nothing`,
    );
  },
});
