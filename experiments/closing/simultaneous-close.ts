import { ack, experiment, fin, finding, is, kind, rst, share, syn, synAck } from 'lingerlab';

/** What an end in TIME-WAIT adds to SND.NXT, the number after its FIN: tcp_twsk_unique(), tcp_timewait_state_process(). */
const aheadOfTimeWait = 65_535 + 2;
const ahead = (number: number, of: number): number => (number - of) >>> 0;

/** The states of an end from ESTABLISHED to TIME-WAIT; the reconnect ends TIME-WAIT. */
const openedStates = (path: readonly string[]) =>
  path
    .filter((state) => state !== 'SYN-SENT' && state !== 'SYN-RECEIVED')
    .filter((_, at, states) => !states.slice(0, at).includes('TIME-WAIT'));
const throughClosing = ['ESTABLISHED', 'FIN-WAIT-1', 'CLOSING', 'TIME-WAIT'];
const throughFinWait2 = ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT'];
const passive = ['ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'];

export default experiment({
  id: 'simultaneous-close',
  question: 'When do both ends keep TIME-WAIT, and can they connect again from the same ports?',
  tags: ['CLOSING', 'TIME-WAIT', 'crossing FINs', 'EADDRNOTAVAIL', 'tcp_rfc1337', 'timestamps'],
  symptoms: ['TIME_WAIT on both ends', 'both sides close at the same time'],
  factors: {
    order: ['fins-cross', 'one-fin-late', 'fin-before-ack', 'in-turn'],
    timestamps: [1, 0],
    family: [4, 6],
  },
  words: {
    order: {
      text: 'in which order the FINs and their ACKs arrive',
      values: {
        'fins-cross': 'both ends have closed; both FINs arrive before any ACK',
        'one-fin-late': "both ends have closed; the client's FIN arrives after the ACK of the server's FIN",
        'fin-before-ack': "the server closes after it has the client's FIN, whose ACK arrives late",
        'in-turn': "the server closes after it has acknowledged the client's FIN",
      },
    },
    timestamps: { text: 'TCP timestamps (tcp_timestamps)', values: { 1: 'on', 0: 'off' } },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  only: ({ order, timestamps, family }) => (family === 4 && timestamps === 1) || order === 'fins-cross',
  network: 'wire',
  seconds: 1.5,
  sysctls: ({ timestamps }) => ({ 'net.ipv4.tcp_timestamps': timestamps }),
  connections: ['old', 'new'],
  measures: {
    held: kind.outcome({
      label: 'client, server while held',
      text: 'states of client and server before the last held segment is released, by ss',
    }),
    afterLateAck: kind.outcome({
      label: 'state after the late ACK',
      text: 'state of the end in TIME-WAIT after an older ACK has arrived, by ss',
    }),
    lateFin: {
      ...kind.word('accepted', 'challenged'),
      label: 'late FIN',
      text: "how the server answered the client's late FIN, whose ACK is older than that of the server's FIN",
    },
    reconnect: kind.outcome({
      label: 'new connect(2)',
      text: 'result of a new connect(2) from the same port to the same port',
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
  },
  shows: [
    'old.client.path',
    'old.server.path',
    'old.timeWait.holder',
    'held',
    'lateFin',
    'reconnect',
    'beyond.client',
    'beyond.server',
  ],

  async scenario({ client, server, wire, until, look, note }, { order, family }) {
    const listener = await server.listen({ family });
    const [near, far] = await client.connect(listener, { as: 'old', localPort: client.place({ family }).at.port });
    const both = async () => {
      const held = await Promise.all([near, far].map(async (side) => (await look(side))?.state ?? '–'));
      note('held', held.join(' '));
    };

    if (order === 'fins-cross') {
      const fins = [
        await wire.hold(fin.from('client'), { times: 1 }),
        await wire.hold(fin.from('server'), { times: 1 }),
      ];
      const acks = await wire.hold(ack);
      // a FIN that is sent again would carry the ACK that is held
      await wire.drop(fin);
      await near.close();
      await far.close();
      await Promise.all([wire.seen(fin.from('client')), wire.seen(fin.from('server'))]);
      for (const each of fins) await each.release();
      await Promise.all([until(near, 'CLOSING'), until(far, 'CLOSING')]);
      await both();
      await acks.lift();
      await acks.release();
    }
    if (order === 'one-fin-late') {
      const late = await wire.hold(fin.from('client'), { times: 1 });
      const again = await wire.drop(fin.from('client'));
      await near.close();
      await wire.seen(fin.from('client'));
      await far.close();
      // the server receives the ACK of its FIN before the client's FIN, which was sent earlier
      await Promise.all([until(near, 'CLOSING'), until(far, 'FIN-WAIT-2')]);
      await both();
      await late.release();
      // it acknowledges less than the server has heard acknowledged: a kernel that challenges such an ACK waits for the next FIN
      const answer = await wire.seen(ack.from('server'));
      note('lateFin', answer.segment.ack === 2 ? 'accepted' : 'challenged');
      await again.lift();
    }
    if (order === 'fin-before-ack') {
      const late = await wire.hold(ack.from('server'), { times: 1 });
      await near.close();
      await far.ended();
      await wire.seen(ack.from('server').withAck(2));
      // the server would acknowledge a FIN that is sent again
      await wire.drop(fin.from('client'));
      await both();
      await far.close();
      await until(far, 'CLOSED');
      await late.release();
      await wire.seen(rst.from('server'));
      note('afterLateAck', (await look(near))?.state ?? '–');
    }
    if (order === 'in-turn') {
      await near.close();
      await until(near, 'FIN-WAIT-2');
      await both();
      await far.ended();
      await far.close();
    }
    await until(near, 'TIME-WAIT');
    await until(far, 'TIME-WAIT', 'CLOSED');
    await Promise.all([near.gone(), far.gone()]);

    // a FIN takes one number
    const last = async (end: 'client' | 'server') => (await wire.seen(fin.from(end))).segment.absolute.seq + 1;
    const [clientLast, serverLast] = [await last('client'), await last('server')];
    const before = await wire.seen(synAck);
    const opening = await client.open(listener, { as: 'new', localPort: near.local.port }).answer();
    if (!opening.ok) return note('reconnect', opening.outcome);
    const again = opening.value;
    note('reconnect', (await again.connected().answer()).outcome);
    const [newSyn, newSynAck] = [await wire.seen(syn, { after: before }), await wire.seen(synAck, { after: before })];
    note('beyond.client', ahead(newSyn.segment.absolute.seq, clientLast));
    note('beyond.server', ahead(newSynAck.segment.absolute.seq, serverLast));
    const other = await listener.accepted(again);
    await again.set('SO_LINGER', 0);
    await again.close('destroy');
    await until(other, 'CLOSED');
  },

  claims: [
    {
      id: 'crossing-fins',
      text: "if, at each end, the other end's FIN arrives before the ACK of its own, both ends pass CLOSING and both keep TIME-WAIT",
      source: 'RFC 9293 §3.6, figure 13',
      when: ({ order }) => order === 'fins-cross',
      holds: (facts) =>
        facts.held === 'CLOSING CLOSING' &&
        is(openedStates(facts['old.client.path']), ...throughClosing) &&
        is(openedStates(facts['old.server.path']), ...throughClosing) &&
        facts['old.timeWait.holder'] === 'both',
    },
    {
      id: 'late-fin',
      text: 'if the ACK of one FIN overtakes the other FIN, only one end passes CLOSING; both ends keep TIME-WAIT all the same',
      source: 'RFC 9293 §3.10.7.4: FIN-WAIT-1, FIN-WAIT-2',
      when: ({ order }) => order === 'one-fin-late',
      holds: (facts) =>
        facts.held === 'CLOSING FIN-WAIT-2' &&
        is(openedStates(facts['old.client.path']), ...throughClosing) &&
        is(openedStates(facts['old.server.path']), ...throughFinWait2) &&
        facts['old.timeWait.holder'] === 'both',
    },
    {
      id: 'fin-brings-the-ack',
      text: 'if the second end closes after the first FIN has arrived, no end passes CLOSING, even if the ACK of that FIN is late: the second FIN carries the ACK too; only the end that closes first keeps TIME-WAIT',
      source: 'RFC 9293 §3.10.7.4: in FIN-WAIT-1 the ACK is processed before the FIN',
      when: ({ order }) => order === 'fin-before-ack' || order === 'in-turn',
      holds: (facts, { order }) =>
        facts.held === (order === 'in-turn' ? 'FIN-WAIT-2 CLOSE-WAIT' : 'FIN-WAIT-1 CLOSE-WAIT') &&
        is(openedStates(facts['old.client.path']).slice(0, 4), ...throughFinWait2) &&
        is(openedStates(facts['old.server.path']), ...passive) &&
        facts['old.timeWait.holder'] === 'client',
    },
    {
      id: 'late-ack-assassinates',
      text: 'with tcp_rfc1337 0, a late ACK ends TIME-WAIT: TIME-WAIT answers the old segment with an ACK, and the other end, which has no socket any more, answers that with a RST',
      source:
        'RFC 1337 §1: TIME-WAIT assassination; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c, with tcp_rfc1337 0',
      when: ({ order }) => order === 'fin-before-ack',
      holds: (facts) =>
        facts.afterLateAck === '–' &&
        facts['old.timeWait.endedBy'] === 'rst' &&
        is(facts['old.server.closedWith'], 'FIN', 'RST'),
    },
    {
      id: 'reconnects-at-once',
      text: 'with TCP timestamps, connect(2) of a socket bound to the same port succeeds with its first SYN, also while both ends are in TIME-WAIT',
      source:
        'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c, for a port that was bound; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c; RFC 6191',
      when: ({ timestamps }) => timestamps === 1,
      holds: (facts) =>
        facts.reconnect === 'ok' &&
        facts['new.client.resentAt'].length === 0 &&
        facts['new.server.path'].includes('ESTABLISHED'),
    },
    {
      id: 'begins-beyond-time-wait',
      text: 'since Linux 6.10, with TCP timestamps, an end that is still in TIME-WAIT begins 65,537 numbers beyond its old SND.NXT; any other end, also one whose TIME-WAIT a RST has ended, begins elsewhere',
      source:
        'RFC 9293 §3.6.1, MAY-2; tcp_twsk_unique() in net/ipv4/tcp_ipv4.c, tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: ({ timestamps }) => timestamps === 1,
      holds: (facts, { order }) => {
        const kept = facts['old.timeWait.holder'];
        // the RST after the late ACK has ended TIME-WAIT before the new connection
        const holder = order === 'fin-before-ack' ? 'none' : kept;
        return (
          (facts['beyond.client'] === aheadOfTimeWait) === (holder === 'both' || holder === 'client') &&
          (facts['beyond.server'] === aheadOfTimeWait) === (holder === 'both' || holder === 'server')
        );
      },
    },
    {
      id: 'not-without-timestamps',
      text: 'without TCP timestamps, connect(2) of a socket bound to the same port fails with EADDRNOTAVAIL while this end is in TIME-WAIT',
      source: 'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: tw_ts_recent_stamp is 0',
      // a RST has ended TIME-WAIT where the FIN came before the ACK
      when: ({ order, timestamps }) => order !== 'fin-before-ack' && timestamps === 0,
      holds: (facts) => facts.reconnect === 'EADDRNOTAVAIL' && facts['old.timeWait.endedBy'] === 'namespace',
    },
  ],

  guide: [
    {
      about: { 'closing order': 'costs' },
      claim: 'crossing-fins',
      text: 'Both ends keep TIME-WAIT if their FINs cross.',
    },
    {
      about: { tcp_timestamps: 'measured' },
      claim: 'reconnects-at-once',
      text: 'With TCP timestamps, connect(2) of a socket bound to the same port succeeds with its first SYN, also during TIME-WAIT of both ends.',
    },
    {
      about: { tcp_timestamps: 'risks', 'EADDRNOTAVAIL on connect': 'look at' },
      claim: 'not-without-timestamps',
      text: 'Without TCP timestamps, connect(2) of a socket bound to the same port fails with EADDRNOTAVAIL while its end is in TIME-WAIT.',
    },
  ],

  answer(outcomes) {
    const of = (...orders: readonly string[]) => outcomes.filter(({ cell }) => orders.includes(cell.order));
    const heldBy = (holder: string, chosen: typeof outcomes) =>
      chosen.filter(({ facts }) => facts['old.timeWait.holder'] === holder);
    const [blind, turns, crossed] = [
      of('fins-cross', 'one-fin-late'),
      of('fin-before-ack', 'in-turn'),
      of('fins-cross'),
    ];
    const [both, alone] = [heldBy('both', blind), heldBy('client', turns)];
    const closing = crossed.filter(({ facts }) => facts.held === 'CLOSING CLOSING');
    const late = of('fin-before-ack');
    const ended = late.filter(({ facts }) => facts['old.timeWait.endedBy'] === 'rst');
    const [stamped, plain] = [
      outcomes.filter(({ cell }) => cell.timestamps === 1),
      outcomes.filter(({ cell }) => cell.timestamps === 0 && cell.order !== 'fin-before-ack'),
    ];
    const reconnected = stamped.filter(({ facts }) => facts.reconnect === 'ok');
    const refused = plain.filter(({ facts }) => facts.reconnect === 'EADDRNOTAVAIL');
    return {
      headline:
        blind.length === 0
          ? turns.length > 0 &&
            (alone.length === turns.length
              ? "An end that closes after the other end's FIN arrives keeps no TIME-WAIT."
              : `The end that closes first alone keeps TIME-WAIT in ${share(alone, turns)} closes.`)
          : both.length < blind.length
            ? `Both ends keep TIME-WAIT in ${share(both, blind)} closes before a FIN arrives.`
            : turns.length > 0 && alone.length === turns.length
              ? 'Both ends keep TIME-WAIT only if both close before a FIN arrives.'
              : 'Both ends keep TIME-WAIT if both close before a FIN arrives.',
      findings: [
        finding(share(both, blind), "Both ends keep TIME-WAIT if each closes before the other end's FIN arrives."),
        finding(
          share(alone, turns),
          'Only the end that closes first keeps TIME-WAIT if its FIN arrives before the second end closes.',
        ),
        finding(
          share(reconnected, stamped),
          'After the close, with TCP timestamps, connect(2) of a socket bound to the same port succeeds at once.',
        ),
        finding(
          share(refused, plain),
          'Without TCP timestamps, connect(2) of a socket bound to the same port fails with EADDRNOTAVAIL during TIME-WAIT.',
        ),
        finding(
          share(closing, crossed),
          "Both ends pass CLOSING if, at each, the other end's FIN arrives before the ACK of its own.",
        ),
        finding(
          share(ended, late),
          'With tcp_rfc1337 0, a late ACK ends TIME-WAIT early: TIME-WAIT answers the ACK, and the other end answers that with a RST (RFC 1337).',
        ),
      ],
    };
  },
});
