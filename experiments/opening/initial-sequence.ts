import { experiment, fin, finding, kind, largest, share, syn, synAck } from 'lingerlab';

/** Tick of the clock of initial sequence numbers: seq_scale() in net/core/secure_seq.c. */
const tickNs = 64;
/** Pause between the two connections, in which the clock moves by more than the tolerance. */
const restSeconds = 0.3;
/** Tolerance: the kernel draws a number when it makes the SYN; the wire read the SYN up to 48 ms later on a busy machine. */
const offMs = 100;
/** What an end in TIME-WAIT adds to SND.NXT, the number after its FIN: tcp_twsk_unique(), tcp_timewait_state_process(). */
const aheadOfTimeWait = 65_535 + 2;

/** Distance from one sequence number to another, modulo 2^32. */
const ahead = (number: number, of: number): number => (number - of) >>> 0;

/** Whether the number of one end at least did not move with the clock. */
const isElsewhere = (facts: Readonly<Record<'clock.client' | 'clock.server' | 'elapsedMs', number>>): boolean =>
  Math.abs(facts['clock.client'] - facts.elapsedMs) > offMs ||
  Math.abs(facts['clock.server'] - facts.elapsedMs) > offMs;

/** Rounded up: at most nothing would say that there is no difference. */
const atMost = (ms: number): string => (Math.ceil(ms * 10) / 10).toFixed(1);

export default experiment({
  id: 'initial-sequence',
  question: 'Which initial sequence numbers does the next connection between the same ports have?',
  tags: ['ISN', 'initial sequence number', 'timestamps', 'TIME-WAIT'],
  symptoms: ['sequence number of a new connection', 'is the initial sequence number random'],
  factors: { left: ['nothing', 'client-time-wait', 'server-time-wait'], next: ['same-numbers', 'other-port'] },
  words: {
    left: {
      text: 'what is left of the old connection',
      values: {
        nothing: 'nothing: SO_LINGER 0 has reset the connection',
        'client-time-wait': 'the client is in TIME-WAIT',
        'server-time-wait': 'the server is in TIME-WAIT',
      },
    },
    next: {
      text: 'addresses and ports of the next connection',
      values: { 'same-numbers': 'those of the old connection', 'other-port': 'another port of the client' },
    },
  },
  only: ({ left, next }) => next === 'same-numbers' || left === 'nothing',
  network: 'wire',
  seconds: 1.5,
  connections: ['old', 'new'],
  measures: {
    elapsedMs: kind.ms({ label: 'time between the SYNs', text: 'time from the old SYN to the new SYN, on the wire' }),
    'clock.client': kind.ms({
      label: 'clock of the client',
      text: "difference of the client's two initial sequence numbers, at 64 ns a number",
    }),
    'clock.server': kind.ms({
      label: 'clock of the server',
      text: "difference of the server's two initial sequence numbers, at 64 ns a number",
    }),
    'beyond.client': kind.count({
      label: 'client beyond SND.NXT',
      text: "distance from the client's old SND.NXT to its new initial sequence number, modulo 2^32",
      compare: 'measurement',
    }),
    'beyond.server': kind.count({
      label: 'server beyond SND.NXT',
      text: "distance from the server's old SND.NXT to its new initial sequence number, modulo 2^32",
      compare: 'measurement',
    }),
    answer: kind.outcome({ label: 'new connect(2)', text: 'result of the new connect(2)' }),
  },
  shows: [
    'old.timeWait.holder',
    'elapsedMs',
    'clock.client',
    'clock.server',
    'beyond.client',
    'beyond.server',
    'answer',
  ],

  async scenario({ client, server, wire, closeInTurn, until, note, rest }, { left, next }) {
    const listener = await server.listen();
    const place = client.place();
    const other = client.place();
    const [near, far] = await client.connect(listener, { as: 'old', localPort: place.at.port });
    const [oldSyn, oldSynAck] = [await wire.seen(syn), await wire.seen(synAck)];
    if (left === 'nothing') {
      await near.set('SO_LINGER', 0);
      await near.close('destroy');
      await Promise.all([until(near, 'CLOSED'), until(far, 'CLOSED')]);
    }
    if (left === 'client-time-wait') await closeInTurn(near, far, 'end');
    if (left === 'server-time-wait') await closeInTurn(far, near, 'end');
    await rest(restSeconds);

    const localPort = (next === 'same-numbers' ? place : other).at.port;
    const again = await client.open(listener, { as: 'new', localPort });
    note('answer', (await again.connected().answer()).outcome);
    const after = { after: oldSynAck };
    const [newSyn, newSynAck] = [await wire.seen(syn, after), await wire.seen(synAck, after)];
    await until(await listener.accepted(again), 'ESTABLISHED');

    const isn = ({ segment }: typeof newSyn) => segment.absolute.seq;
    note('elapsedMs', (newSyn.t - oldSyn.t) / 1e6);
    note('clock.client', (ahead(isn(newSyn), isn(oldSyn)) * tickNs) / 1e6);
    note('clock.server', (ahead(isn(newSynAck), isn(oldSynAck)) * tickNs) / 1e6);
    if (left === 'nothing') return;
    // a FIN takes one number
    const last = async (end: 'client' | 'server') => (await wire.seen(fin.from(end))).segment.absolute.seq + 1;
    note('beyond.client', ahead(isn(newSyn), await last('client')));
    note('beyond.server', ahead(isn(newSynAck), await last('server')));
  },

  claims: [
    {
      id: 'by-the-clock',
      text: `without TIME-WAIT, the initial sequence numbers of both ends follow a clock of one number every 64 ns, within ${offMs} ms, if addresses and ports are the same`,
      source: `RFC 9293 §3.4.1, RFC 6528 §3; secure_tcp_seq() in net/core/secure_seq.c. Tolerance: ${offMs} ms, by which the wire can be late on a busy machine`,
      when: ({ left, next }) => left === 'nothing' && next === 'same-numbers',
      holds: (facts) =>
        Math.abs(facts['clock.client'] - facts.elapsedMs) <= offMs &&
        Math.abs(facts['clock.server'] - facts.elapsedMs) <= offMs,
    },
    {
      id: 'per-four-numbers',
      text: 'from another client port, the initial sequence number of at least one end does not follow the clock of the old connection',
      source: `RFC 6528 §3: F() of addresses, ports and a secret. Two ends both within ${offMs} ms of the clock's 274.9 s by chance: less than one in a million`,
      when: ({ next }) => next === 'other-port',
      holds: isElsewhere,
    },
    {
      id: 'beyond-time-wait',
      text: 'since Linux 6.10, with TCP timestamps, an end in TIME-WAIT begins the next connection 65,537 numbers beyond SND.NXT of the old connection, whatever the clock says',
      source:
        'RFC 9293 §3.6.1, MAY-2; tcp_twsk_unique() in net/ipv4/tcp_ipv4.c, tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: ({ left, next }) => left !== 'nothing' && next === 'same-numbers',
      holds: (facts, { left }) =>
        facts.answer === 'ok' &&
        facts[left === 'client-time-wait' ? 'beyond.client' : 'beyond.server'] === aheadOfTimeWait,
    },
    {
      id: 'the-other-end-by-the-clock',
      text: 'if one end is in TIME-WAIT, the initial sequence number of the other end follows the clock',
      source: 'secure_tcp_seq() in net/core/secure_seq.c. Tolerance as above',
      when: ({ left, next }) => left !== 'nothing' && next === 'same-numbers',
      holds: (facts, { left }) =>
        Math.abs(facts[left === 'client-time-wait' ? 'clock.server' : 'clock.client'] - facts.elapsedMs) <= offMs,
    },
  ],

  answer(outcomes) {
    const clock = outcomes.filter(({ cell }) => cell.left === 'nothing' && cell.next === 'same-numbers');
    const waits = outcomes.filter(({ cell }) => cell.left !== 'nothing' && cell.next === 'same-numbers');
    const off = clock.flatMap(({ facts }) => [
      Math.abs(facts['clock.client'] - facts.elapsedMs),
      Math.abs(facts['clock.server'] - facts.elapsedMs),
    ]);
    const other = outcomes.filter(({ cell }) => cell.next === 'other-port');
    const elsewhere = other.filter(({ facts }) => isElsewhere(facts));
    const beyond = waits.filter(
      ({ cell, facts }) =>
        facts[cell.left === 'client-time-wait' ? 'beyond.client' : 'beyond.server'] === aheadOfTimeWait,
    );
    const byClock = waits.filter(
      ({ cell, facts }) =>
        Math.abs(facts[cell.left === 'client-time-wait' ? 'clock.server' : 'clock.client'] - facts.elapsedMs) <= offMs,
    );
    const distance = aheadOfTimeWait.toLocaleString('en');
    return {
      headline:
        off.length > 0
          ? largest(off) > offMs
            ? 'Initial sequence numbers of the same ports do not follow a clock.'
            : `${waits.length > 0 && beyond.length === waits.length ? 'Without TIME-WAIT, initial' : 'Initial'} sequence numbers of the same ports follow a clock.`
          : waits.length > 0
            ? beyond.length === waits.length
              ? `An end in TIME-WAIT begins ${distance} numbers beyond its old SND.NXT.`
              : `An end in TIME-WAIT began ${distance} numbers beyond in ${share(beyond, waits)} cases.`
            : other.length > 0 &&
              (elsewhere.length === other.length
                ? 'From another client port, the clock of sequence numbers has another start.'
                : 'From another client port, sequence numbers can follow the same clock.'),
      findings: [
        finding(
          share(beyond, waits),
          `With TCP timestamps, an end in TIME-WAIT begins the next connection ${distance} numbers beyond SND.NXT of the old connection.`,
        ),
        off.length > 0 &&
          finding(
            `≤ ${atMost(largest(off))} ms`,
            `Without TIME-WAIT, the initial sequence numbers of both ends follow a clock of one number every 64 ns: they differ from it by at most ${atMost(largest(off))} ms.`,
            clock,
          ),
        finding(
          share(byClock, waits),
          'If one end is in TIME-WAIT, the initial sequence number of the other end follows the clock.',
        ),
        finding(
          share(elsewhere, other),
          'From another client port, at least one end has a number far from that clock: the offset depends on addresses and ports.',
        ),
      ],
    };
  },
});
