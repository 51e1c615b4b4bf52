import { ack, experiment, fin, is, kind, rst, sentence, share, syn, synAck } from 'lingerlab';

/** What an end in TIME-WAIT adds to its last number: tcp_twsk_unique(), tcp_timewait_state_process(). */
const aheadOfTimeWait = 65_535 + 2;
const ahead = (number: number, of: number): number => (number - of) >>> 0;

/** Up to TIME-WAIT: what ends that is the reconnect. */
const openedStates = (path: readonly string[]) =>
  path
    .filter((state) => state !== 'SYN-SENT' && state !== 'SYN-RECEIVED')
    .filter((_, at, states) => !states.slice(0, at).includes('TIME-WAIT'));
const throughClosing = ['ESTABLISHED', 'FIN-WAIT-1', 'CLOSING', 'TIME-WAIT'];
const throughFinWait2 = ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT'];
const passive = ['ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'];

export default experiment({
  id: 'simultaneous-close',
  question: 'Both ends close: what does it take that both are left in TIME-WAIT, and can they connect again?',
  tags: ['CLOSING', 'TIME-WAIT', 'crossing FINs', 'EADDRNOTAVAIL', 'tcp_rfc1337', 'timestamps'],
  symptoms: ['TIME_WAIT on both ends', 'both sides close at the same time'],
  factors: {
    order: ['fins-cross', 'one-fin-late', 'fin-before-ack', 'in-turn'],
    timestamps: [1, 0],
    family: [4, 6],
  },
  only: ({ order, timestamps, family }) => (family === 4 && timestamps === 1) || order === 'fins-cross',
  network: 'wire',
  seconds: 1.5,
  sysctls: ({ timestamps }) => ({ 'net.ipv4.tcp_timestamps': timestamps }),
  connections: ['old', 'new'],
  measures: {
    held: kind.outcome({ text: 'states of both ends by ss while both FINs have come and neither is acknowledged' }),
    afterLateAck: kind.outcome({ text: 'the end in TIME-WAIT, by ss, once an older ACK has come to it' }),
    reconnect: kind.outcome({ text: 'connect(2) from the same port to the same' }),
    'beyond.client': kind.count({
      text: "how far the client's new initial sequence number is beyond its last one",
      compare: 'measurement',
    }),
    'beyond.server': kind.count({ text: "how far the server's is beyond its own", compare: 'measurement' }),
  },
  shows: [
    'old.client.path',
    'old.server.path',
    'old.timeWait.holder',
    'held',
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
      // sent again, they would bring the ACK that is held
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
      await wire.drop(fin.from('client'));
      await near.close();
      await wire.seen(fin.from('client'));
      await far.close();
      // the ACK of its FIN comes before the other's FIN, which was sent first
      await Promise.all([until(near, 'CLOSING'), until(far, 'FIN-WAIT-2')]);
      await both();
      await late.release();
    }
    if (order === 'fin-before-ack') {
      const late = await wire.hold(ack.from('server'), { times: 1 });
      await near.close();
      await far.ended();
      await wire.seen(ack.from('server').withAck(2));
      // sent again, it would be acknowledged again
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
      text: 'where FINs cross, both ends pass CLOSING and both are left in TIME-WAIT',
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
      text: 'where one FIN is overtaken by the ACK of the other, only one end passes CLOSING; both are left in TIME-WAIT all the same',
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
      text: 'where the second end closes after it has the first FIN, neither end passes CLOSING, though the bare ACK of that FIN may be late: the second FIN acknowledges it; the end that closed first keeps TIME-WAIT alone',
      source: 'RFC 9293 §3.10.7.4: in FIN-WAIT-1 the ACK is looked at before the FIN',
      when: ({ order }) => order === 'fin-before-ack' || order === 'in-turn',
      holds: (facts, { order }) =>
        facts.held === (order === 'in-turn' ? 'FIN-WAIT-2 CLOSE-WAIT' : 'FIN-WAIT-1 CLOSE-WAIT') &&
        is(openedStates(facts['old.client.path']).slice(0, 4), ...throughFinWait2) &&
        is(openedStates(facts['old.server.path']), ...passive) &&
        facts['old.timeWait.holder'] === 'client',
    },
    {
      id: 'late-ack-assassinates',
      text: 'with tcp_rfc1337 0, a late ACK ends TIME-WAIT: it is old, so TIME-WAIT answers it with an ACK, and the other end, which is gone, answers that with a RST',
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
      text: 'with timestamps, connect(2) of a socket bound to the same port succeeds with its first SYN, also where both ends are in TIME-WAIT',
      source:
        'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c, from a port that was bound; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c; RFC 6191',
      when: ({ timestamps }) => timestamps === 1,
      holds: (facts) =>
        facts.reconnect === 'ok' &&
        facts['new.client.resentAt'].length === 0 &&
        facts['new.server.path'].includes('ESTABLISHED'),
    },
    {
      id: 'begins-beyond-time-wait',
      text: 'with timestamps, an end that is in TIME-WAIT begins 65537 numbers beyond its last, an end that is not begins elsewhere',
      source:
        'RFC 9293 §3.6.1, MAY-2; tcp_twsk_unique() in net/ipv4/tcp_ipv4.c, tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: ({ timestamps }) => timestamps === 1,
      holds: (facts, { order }) => {
        const holder = order === 'fin-before-ack' ? 'none' : facts['old.timeWait.holder'];
        return (
          (facts['beyond.client'] === aheadOfTimeWait) === (holder === 'both' || holder === 'client') &&
          (facts['beyond.server'] === aheadOfTimeWait) === (holder === 'both' || holder === 'server')
        );
      },
    },
    {
      id: 'not-without-timestamps',
      text: 'without timestamps, connect(2) of a socket bound to the same port fails with EADDRNOTAVAIL while its end is in TIME-WAIT',
      source: 'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c: tw_ts_recent_stamp is 0',
      when: ({ timestamps }) => timestamps === 0,
      holds: (facts) => facts.reconnect === 'EADDRNOTAVAIL' && facts['old.timeWait.endedBy'] === 'namespace',
    },
  ],

  answer(outcomes) {
    const of = (...orders: readonly string[]) => outcomes.filter(({ cell }) => orders.includes(cell.order));
    const both = (chosen: typeof outcomes) =>
      share(
        chosen.filter(({ facts }) => facts['old.timeWait.holder'] === 'both'),
        chosen,
      );
    const [crossed, late, turns] = [of('fins-cross'), of('one-fin-late'), of('fin-before-ack', 'in-turn')];
    const reconnects = ([1, 0] as const).flatMap((stamped) => {
      const chosen = outcomes.filter(({ cell }) => cell.timestamps === stamped);
      const words = stamped ? 'with timestamps' : 'without';
      return chosen.length > 0 ? `${[...new Set(chosen.map(({ facts }) => facts.reconnect))].join(', ')} ${words}` : [];
    });
    const left = [
      crossed.length > 0 && `in ${both(crossed)} closes whose FINs crossed`,
      late.length > 0 && `in ${both(late)} where one came late`,
      turns.length > 0 && `in ${both(turns)} where one end had the other's FIN before it closed`,
    ].filter((part) => part !== false);
    return sentence(
      `both ends were left in TIME-WAIT ${left.join(', ')}`,
      reconnects.length > 0 && `connecting again from the same port: ${reconnects.join(', ')}`,
    );
  },
});
