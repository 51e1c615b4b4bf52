import { experiment, fin, kind, largest, sentence, share, syn, synAck } from 'lingerlab';

/** One step of the clock behind initial sequence numbers: seq_scale() in net/core/secure_seq.c. */
const tickNs = 64;
/** Between two incarnations, so that the clock has moved by more than the tolerance. */
const restSeconds = 0.3;
/** The numbers are drawn when a SYN is made, the times are when the wire read it, which on a busy machine was up to 48 ms late. */
const offMs = 100;
/** From the last number of TIME-WAIT on: tcp_twsk_unique(), tcp_timewait_state_process(). */
const aheadOfTimeWait = 65_535 + 2;

/** How far one sequence number is ahead of another, modulo 2^32. */
const ahead = (number: number, of: number): number => (number - of) >>> 0;

/** Whether an end's numbers did not move with the clock. */
const isElsewhere = (facts: Readonly<Record<'clock.client' | 'clock.server' | 'elapsedMs', number>>): boolean =>
  Math.abs(facts['clock.client'] - facts.elapsedMs) > offMs ||
  Math.abs(facts['clock.server'] - facts.elapsedMs) > offMs;

export default experiment({
  id: 'initial-sequence',
  question: 'Where does the next connection on the same four numbers begin to count?',
  tags: ['ISN', 'initial sequence number', 'timestamps', 'TIME-WAIT'],
  symptoms: ['sequence number of a new connection', 'is the initial sequence number random'],
  factors: { left: ['nothing', 'client-time-wait', 'server-time-wait'], next: ['same-numbers', 'other-port'] },
  only: ({ left, next }) => next === 'same-numbers' || left === 'nothing',
  network: 'wire',
  seconds: 1.5,
  connections: ['old', 'new'],
  measures: {
    elapsedMs: kind.ms({ text: 'from the old SYN to the new one, on the wire' }),
    'clock.client': kind.ms({ text: "by how much the client's initial sequence number moved, at 64 ns a number" }),
    'clock.server': kind.ms({ text: "by how much the server's moved" }),
    'beyond.client': kind.count({
      text: "how far the client's new one is beyond its last old number, modulo 2^32",
      compare: 'measurement',
    }),
    'beyond.server': kind.count({ text: "how far the server's is beyond its own", compare: 'measurement' }),
    answer: kind.outcome({ text: 'what became of the new connect(2)' }),
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
      text: `where no TIME-WAIT was left, initial sequence numbers on the same four numbers follow a clock of one number every 64 ns at both ends, within ${offMs} ms of it`,
      source: `RFC 9293 §3.4.1, RFC 6528 §3; secure_tcp_seq() in net/core/secure_seq.c. Tolerance: ${offMs} ms of that clock, what the wire may be behind on a busy machine`,
      when: ({ left, next }) => left === 'nothing' && next === 'same-numbers',
      holds: (facts) =>
        Math.abs(facts['clock.client'] - facts.elapsedMs) <= offMs &&
        Math.abs(facts['clock.server'] - facts.elapsedMs) <= offMs,
    },
    {
      id: 'per-four-numbers',
      text: 'from another port they begin elsewhere, at one end at least',
      source: `RFC 6528 §3: F() of the four numbers and a secret. Two ends both within ${offMs} ms of the clock's 274.9 s by chance: less than one in a million`,
      when: ({ next }) => next === 'other-port',
      holds: isElsewhere,
    },
    {
      id: 'beyond-time-wait',
      text: 'with timestamps, an end that is in TIME-WAIT does not ask the clock: it begins 65537 numbers beyond the last of the old connection',
      source:
        'RFC 9293 §3.6.1, MAY-2; tcp_twsk_unique() in net/ipv4/tcp_ipv4.c, tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: ({ left }) => left !== 'nothing',
      holds: (facts, { left }) =>
        facts.answer === 'ok' &&
        facts[left === 'client-time-wait' ? 'beyond.client' : 'beyond.server'] === aheadOfTimeWait,
    },
    {
      id: 'the-other-end-by-the-clock',
      text: 'the end that keeps no TIME-WAIT begins by the clock',
      source: 'secure_tcp_seq() in net/core/secure_seq.c. Tolerance as above',
      when: ({ left }) => left !== 'nothing',
      holds: (facts, { left }) =>
        Math.abs(facts[left === 'client-time-wait' ? 'clock.server' : 'clock.client'] - facts.elapsedMs) <= offMs,
    },
  ],

  answer(outcomes) {
    const clock = outcomes.filter(({ cell }) => cell.left === 'nothing' && cell.next === 'same-numbers');
    const waits = outcomes.filter(({ cell }) => cell.left !== 'nothing');
    const off = clock.flatMap(({ facts }) => [
      facts['clock.client'] - facts.elapsedMs,
      facts['clock.server'] - facts.elapsedMs,
    ]);
    const other = outcomes.filter(({ cell }) => cell.next === 'other-port');
    const elsewhere = other.filter(({ facts }) => isElsewhere(facts));
    const beyond = waits.map(
      ({ cell, facts }) => facts[cell.left === 'client-time-wait' ? 'beyond.client' : 'beyond.server'],
    );
    return sentence(
      off.length > 0 &&
        `initial sequence numbers moved with a clock of one number every 64 ns to within ${largest(off.map(Math.abs)).toFixed(1)} ms`,
      other.length > 0 && `from another port initial sequence numbers began elsewhere in ${share(elsewhere, other)}`,
      beyond.length > 0 &&
        `an end in TIME-WAIT went on ${[...new Set(beyond)].join(' or ')} numbers beyond the old connection's last`,
    );
  },
});
