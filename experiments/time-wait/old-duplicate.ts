import { ack, data, type Endpoint, experiment, finding, is, kind, rst, share } from 'lingerlab';
import { countersOfAttempts, oldSegmentThatFits } from './shared/attempts.ts';

/** Bytes that each end sends in the old connection: more than the clock of initial sequence numbers advances meanwhile, or fewer. */
const many = 8_000_000;
const few = 20_000;
/** The clock of initial sequence numbers: one number in so many ns, secure_tcp_seq() in net/core/secure_seq.c. */
const clockNs = 64;
/** How far the clock advances, at least, before the new connection begins: the last of the old bytes lie beyond. */
const advance = 7_200_000;
/** Bytes that the new server sends: the old segment acknowledges some of the last, which the client's window covers. */
const serverBytes = many - advance + 200_000;
/** Bytes that the new client sends once the old segment has arrived. */
const newBytes = 100;
/** Each sender fills its data with a letter of its own. */
const fills = { old: 'O', new: 'N', server: 's' } as const;

const attempts = [1, 2, 3, 4, 5] as const;
/** The first port that a client binds; each cell has its own namespaces. */
const firstPort = 40_001;

type Asked = { readonly between: string; readonly timestamps: string; readonly port: string; readonly bytes: number };
/** Whether the client keeps nothing of the old connection. */
const bypassed = ({ between }: Asked) => between !== 'TIME-WAIT';
const defenceless = (cell: Asked) => bypassed(cell) && cell.timestamps === 'off' && cell.bytes === many;

export default experiment({
  id: 'old-duplicate',
  question: 'Can a late segment of an old connection get into a new one with the same addresses and ports?',
  tags: ['TIME-WAIT', 'old duplicate', 'PAWS', 'timestamps', 'ISN', 'linger 0'],
  symptoms: ['why does TIME_WAIT exist', 'is it dangerous to skip TIME_WAIT', 'data of an old connection in a new one'],
  factors: {
    between: ['TIME-WAIT', 'linger-0', 'no-buckets'],
    timestamps: ['off', 'on'],
    port: ['same', 'chosen'],
    bytes: [many, few],
  },
  words: {
    between: {
      text: 'what the client keeps of the old connection',
      values: {
        'TIME-WAIT': 'TIME-WAIT',
        'linger-0': 'nothing: it closed with SO_LINGER 0',
        'no-buckets': 'nothing: tcp_max_tw_buckets is 0',
      },
    },
    timestamps: { text: 'TCP timestamps', values: { off: 'off', on: 'on, the default' } },
    port: {
      text: "the client's port in the new connection",
      values: { same: 'the port of the old connection, by bind(2)', chosen: 'a port that the kernel chooses' },
    },
    bytes: {
      text: 'bytes that each end sends in the old connection, against the clock of initial sequence numbers',
      values: {
        [many]: `${many.toLocaleString('en')}: more than the clock advances meanwhile`,
        [few]: `${few.toLocaleString('en')}: fewer than the clock advances meanwhile`,
      },
    },
  },
  only: (cell) =>
    (cell.port === 'same' || (cell.between === 'TIME-WAIT' && cell.timestamps === 'off')) &&
    (cell.bytes === many || (cell.between === 'linger-0' && cell.timestamps === 'off')),
  network: 'wire',
  // large packets, so that the wire carries more than 100 MB/s: the clock advances by 15.6 million a second
  mtu: 60_000,
  sysctls: ({ between, timestamps }) => ({
    'net.ipv4.tcp_timestamps': timestamps === 'on' ? 1 : 0,
    'net.ipv4.tcp_max_tw_buckets': between === 'no-buckets' ? 0 : undefined,
    // keeps the queue before the wire short, some ms
    'net.ipv4.tcp_rmem': '4096 131072 2097152',
  }),
  seconds: 1,
  quiet: ({ bytes }) => bytes === many,
  // after several attempts the facts of a connection are unknown: the claims read what the scenario notes
  connections: ['old', 'new'],
  measures: {
    ...countersOfAttempts,
    attempts: kind.count({ compare: 'measurement', text: 'tries until the old connection was faster than the clock' }),
    reconnect: kind.outcome({ text: 'outcome of connect(2) for the new connection' }),
    samePort: kind.boolean({ text: 'the new connection has the addresses and ports of the old one' }),
    advanced: kind.bytes({ compare: 'measurement', text: "advance of the client's initial sequence number" }),
    covered: kind.boolean({ text: 'an old segment had exactly the number that the new server expects next' }),
    answered: { ...kind.word('ACK', 'RST'), text: 'what the new server sent after the old segment' },
    heard: { ...kind.words('old', 'new'), text: "whose bytes the new server's application read" },
    firstRead: kind.outcome({ text: 'first bytes that this application read: O of the old client, N of the new one' }),
    oldRead: kind.bytes({ compare: 'measurement', text: 'bytes of the old client that this application read' }),
    newRead: kind.bytes({ text: `bytes of the new client that this application read, of ${newBytes} sent` }),
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
    /** Whether an old segment fits only if the old connection was faster than the clock. */
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
      // the server's bytes first, so that each segment of the client acknowledges all of them
      await oldFar.write(bytes, { fill: fills.server });
      await old.received(bytes);
      await old.write(bytes, { fill: fills.old });
      await oldFar.received(bytes);
      // an ACK that crosses the RST would be answered by another RST
      await wire.seen(
        ack
          .withAck(bytes + 1)
          .from('server')
          .on(old),
      );
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
      await far.write(serverBytes, { fill: fills.server });
      await near.received(serverBytes);
      const fits = { bytes, serverBytes, newBytes };
      const { advanced, late: fitting } = samePort ? await oldSegmentThatFits(wire, old, near, fits) : {};
      if (advanced !== undefined) note('advanced', advanced);
      if (!fitting && races) {
        // the clock was faster, or the new connection began late: the attempt decides nothing
        await reset(near, far);
        continue;
      }

      note('covered', fitting !== undefined);
      const late = fitting ?? (await wire.seen(data.from('client').on(old).covering(bytes)));
      const replayed = await wire.replay(late);
      const answer = await wire.seen(ack.or(rst).from('server'), { after: replayed });
      note('answered', answer.segment.flags.includes('RST') ? 'RST' : 'ACK');
      const oldRead = (await far.heard()).length;
      await near.write(newBytes, { fill: fills.new });
      const sent = await wire.seen(data.from('client').on(near), { after: replayed });
      if (oldRead === 0) await far.received(newBytes);
      await wire.seen(ack.from('server').on(near), { after: sent });
      const read = await far.heard();
      const whose = [...new Set(read)].map((byte) => (byte === fills.old ? 'old' : 'new'));
      note('oldRead', oldRead);
      note('newRead', read.length - oldRead);
      note('heard', whose);
      note('firstRead', read.slice(0, 8));
      return;
    }
  },

  claims: [
    {
      id: 'time-wait-refuses',
      text: 'without timestamps, connect(2) from a port for which the client keeps TIME-WAIT fails with EADDRNOTAVAIL',
      source: 'RFC 9293 §3.6.1; __inet_check_established() in net/ipv4/inet_hashtables.c, tcp_twsk_unique()',
      when: (cell) => !bypassed(cell) && cell.timestamps === 'off' && cell.port === 'same',
      holds: (facts) => facts['old.timeWait.holder'] === 'client' && facts.reconnect === 'EADDRNOTAVAIL',
    },
    {
      id: 'another-port',
      text: 'while the client keeps TIME-WAIT, the kernel chooses another port for a new connection, and a RST answers the old segment',
      source: '__inet_hash_connect() in net/ipv4/inet_hashtables.c; RFC 9293 §3.10.7.1: a RST for a closed connection',
      when: (cell) => !bypassed(cell) && cell.port === 'chosen',
      holds: (facts) =>
        facts.reconnect === 'ok' && !facts.samePort && facts.answered === 'RST' && is(facts.heard, 'new'),
    },
    {
      id: 'old-bytes-delivered',
      text: "with neither TIME-WAIT nor timestamps, the new connection's application reads the old client's bytes as the new client's, if the old connection was faster than the clock of initial sequence numbers",
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
      text: `after old bytes were read, the kernel discards the ${newBytes} bytes that the new client sends under the same sequence numbers, as already received`,
      source: 'RFC 9293 §3.10.7.4: what was received is trimmed off; tcp_data_queue() in net/ipv4/tcp_input.c',
      when: defenceless,
      holds: (facts) => facts.oldRead > newBytes && facts.newRead === 0,
    },
    {
      id: 'timestamps-refuse',
      text: 'with timestamps, the kernel refuses such a segment even without TIME-WAIT: its timestamp is older than those of the new connection',
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
      text: 'with timestamps, a client bound to the same port reuses its TIME-WAIT, and the new sequence numbers begin beyond all old ones',
      source: 'RFC 6191 §2; tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: tw_snd_nxt + 65535 + 2',
      when: (cell) => !bypassed(cell) && cell.timestamps === 'on' && cell.port === 'same',
      holds: (facts, { bytes }) =>
        facts.reconnect === 'ok' &&
        facts['counters.client.TcpExt.TWRecycled'] === 1 &&
        facts.advanced > bytes + 65_535 &&
        is(facts.heard, 'new'),
    },
    {
      id: 'clock-protects-the-slow',
      text: 'a connection that sends fewer bytes than the clock of initial sequence numbers advances leaves no segment that fits a new one, even with neither TIME-WAIT nor timestamps',
      source: 'RFC 9293 §3.4.1; secure_tcp_seq() in net/core/secure_seq.c: one number every 64 ns',
      when: (cell) => bypassed(cell) && cell.bytes === few,
      holds: (facts, { bytes }) => facts.advanced > bytes && !facts.covered && is(facts.heard, 'new'),
    },
  ],

  guide: [
    {
      about: { tcp_timestamps: 'measured' },
      claim: 'timestamps-refuse',
      text: 'With TCP timestamps, the kernel refuses an old segment in a new connection from the same port even without TIME-WAIT.',
    },
    {
      about: { SO_LINGER: 'risks', tcp_max_tw_buckets: 'risks', tcp_timestamps: 'risks' },
      claim: 'old-bytes-delivered',
      text: 'With neither timestamps nor TIME-WAIT (SO_LINGER 0, tcp_max_tw_buckets 0), a late segment of a fast old connection can enter a new one.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const readOld = ({ facts }: Outcomes[number]) => 'heard' in facts && facts.heard.includes('old');
    const kept = outcomes.filter(({ cell }) => !bypassed(cell));
    const heard = outcomes.filter(({ cell, facts }) => bypassed(cell) && 'heard' in facts);
    const plain = heard.filter(({ cell }) => defenceless(cell));
    const stamped = heard.filter(({ cell }) => cell.timestamps === 'on');
    const slow = heard.filter(({ cell }) => cell.bytes === few);
    const harmed = plain.filter(readOld);
    const discarded = harmed.filter(({ facts }) => facts.newRead === 0);
    const safe = (of: Outcomes) => share(of.length - of.filter(readOld).length, of);
    const others = [...kept, ...stamped, ...slow];
    return {
      headline:
        plain.length === 0
          ? outcomes.some(({ cell }) => defenceless(cell)) &&
            'The old connections were too slow for this test: run it on an idle machine.'
          : others.some(readOld)
            ? 'Old bytes can reach a new connection in spite of TIME-WAIT or timestamps.'
            : harmed.length > 0
              ? 'With neither TIME-WAIT nor timestamps, old bytes of a fast sender can get in.'
              : 'Even with neither TIME-WAIT nor timestamps, no old byte reached a new connection.',
      findings: [
        finding(
          share(harmed, plain),
          'With neither TIME-WAIT nor timestamps, the new server reads old bytes if the old connection sent faster than the clock of sequence numbers.',
        ),
        finding(
          share(discarded, harmed),
          `If old bytes get in, the kernel discards the new client's own ${newBytes} bytes, which have the same numbers, as already received.`,
        ),
        finding(
          safe(stamped),
          'Even without TIME-WAIT, timestamps keep old bytes out: the timestamp of the old segment is too old.',
        ),
        finding(
          safe(kept),
          'TIME-WAIT keeps old bytes out: connect(2) fails, takes another port, or begins beyond the old sequence numbers.',
        ),
        finding(
          safe(slow),
          'An old connection that sends slower than the clock of sequence numbers leaves no segment that fits a new one.',
        ),
      ],
    };
  },
});
