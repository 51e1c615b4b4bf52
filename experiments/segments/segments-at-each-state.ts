import { ack, experiment, fin, finding, kind, type RawEndpoint, rst, type Stage, share } from 'lingerlab';
import { bring, edgeOf, isBehindFin, nextOf, type State, states, stateWords, written } from './shared/bring.ts';

/** Bytes of a forged segment. */
const forged = 6;
/** How far from RCV.NXT a forged segment begins; and an acknowledgement beyond all that the server has sent. */
const off = { at: 0, outside: 2 ** 30, old: -100, edge: -forged / 2 } as const;
const unsent = 1000;
/** An acknowledgement of data is delayed by 40 ms at least, TCP_DELACK_MIN, and 200 ms at most. */
const delayedSeconds = 0.3;

const flags = { SYN: ['SYN'], data: ['PSH', 'ACK'], ACK: ['ACK'], FIN: ['FIN', 'ACK'] } as const;
type Arrives = keyof typeof flags;
/** The states in which each segment is tried over IPv4. */
const chosen: Readonly<Partial<Record<`${Arrives} ${keyof typeof off}`, readonly State[]>>> = {
  'SYN at': states,
  'data at': ['SYN-RECEIVED', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSE-WAIT', 'LAST-ACK'],
  'data old': ['ESTABLISHED', 'CLOSE-WAIT'],
  'data outside': ['ESTABLISHED'],
  'data edge': ['ESTABLISHED'],
  'ACK outside': ['SYN-RECEIVED', 'ESTABLISHED', 'FIN-WAIT-2', 'CLOSE-WAIT'],
  'FIN old': ['FIN-WAIT-1'],
};
/** Data is new: it is queued, unless the other end's FIN has arrived. */
const isNewData = ({ arrives, place }: { arrives: Arrives; place: string }) => arrives === 'data' && place === 'at';

const asked = {
  factors: {
    arrives: ['SYN', 'data', 'ACK', 'FIN'],
    place: ['at', 'outside', 'old', 'edge'],
    state: states,
    family: [4, 6],
  },
  measures: {
    answer: {
      ...kind.word('none', 'ACK', 'RST', 'RST,ACK'),
      label: 'answer',
      text: 'the answer, without what the end sent again',
    },
    ended: kind.boolean({
      label: 'connection ends',
      text: 'whether the connection, or the mini-socket, is gone afterwards',
    }),
    after: kind.outcome({ label: 'state after', text: 'state after the segment, by TCP_INFO; of a mini-socket by ss' }),
    taken: kind.bytes({ label: 'queued', text: 'bytes of the segment in the receive queue' }),
    sack: kind.boolean({
      label: 'SACK block',
      text: 'whether the answer has a SACK block: the data was queued out of order',
    }),
    error: kind.outcome({ label: 'SO_ERROR', text: 'SO_ERROR of the socket afterwards' }),
    closes: {
      ...kind.word('FIN', 'RST'),
      label: 'close(2) sends',
      text: 'what close(2) sent after the copy of data and FIN',
    },
  },
} as const;
type Played = Stage<readonly [], typeof asked.measures>;

/** Closes the server's end; what that sends. */
async function closing({ wire }: Played, far: RawEndpoint): Promise<'FIN' | 'RST'> {
  await far.close();
  const { segment } = await wire.seen(fin.or(rst).from('server'));
  return segment.flags.includes('RST') ? 'RST' : 'FIN';
}

export default experiment({
  ...asked,
  id: 'segments-at-each-state',
  question: 'In each state of a connection: which segment is answered, with what, and which one ends the connection?',
  tags: [
    'SYN',
    'FIN',
    'challenge ACK',
    'RFC 5961',
    'TCPChallengeACK',
    'TCPSYNChallenge',
    'SYN-RECEIVED',
    'CLOSING',
    'out of window',
  ],
  symptoms: ['challenge ACK', 'SYN in ESTABLISHED', 'dup ACK for old data', 'data after FIN'],
  words: {
    arrives: {
      text: 'the forged segment that arrives',
      values: { SYN: 'a SYN', data: 'data', ACK: 'an ACK without data', FIN: 'a FIN' },
    },
    place: {
      text: 'its sequence number, against the one that is expected (RCV.NXT)',
      values: {
        at: 'equal',
        outside: `2^30 higher, outside the window; of an ACK, its acknowledgement number is ${unsent} beyond all that was sent`,
        edge: `in the window, whose end lies ${-off.edge} higher; ${forged} other bytes are unread`,
        old: `${-off.old} lower, a copy; of a FIN, equal, and its acknowledgement number is 1 lower than the last`,
      },
    },
    state: stateWords,
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  only: ({ arrives, place, state, family }) =>
    family === 4
      ? (chosen[`${arrives} ${place}`]?.includes(state) ?? false)
      : arrives === 'SYN' && place === 'at' && state === 'ESTABLISHED',
  network: 'wire',
  seconds: 0.6,
  sysctls: () => ({ 'net.ipv4.tcp_invalid_ratelimit': 0 }),
  shows: [
    'answer',
    'ended',
    'taken',
    'sack',
    'counters.server.TcpExt.BeyondWindow',
    'error',
    'after',
    'counters.server.TcpExt.TCPChallengeACK',
    'counters.server.TcpExt.TCPSYNChallenge',
    'counters.server.TcpExt.EmbryonicRsts',
    'closes',
  ],

  async scenario(stage, { arrives, place, state, family }) {
    const { wire, look, note } = stage;
    const { near, listener, far } = await bring(stage, state, family);
    const expected = nextOf(state);
    const acked = state === 'SYN-RECEIVED' ? 1 : written + 1 + (state === 'FIN-WAIT-2' ? 1 : 0);
    const length = place === 'old' ? -off.old : forged;
    const forge = (seq: number) =>
      wire.inject({ from: 'client', on: near, flags: flags.data, seq, ack: acked, payload: 'x'.repeat(forged) });
    if (place === 'edge') {
      await forge(expected);
      await wire.seen(ack.from('server').withAck(expected + forged), { within: delayedSeconds });
      const [answer] = await wire.answers(await forge((await edgeOf(stage, near)) + off.edge));
      note('answer', (answer?.segment.flags.join() ?? 'none') as 'none');
      note('sack', answer?.segment.options.some((option) => option.kind === 'sack') ?? false);
      if (!far) return;
      const { state: after } = await far.info();
      note('after', after);
      note('ended', after === 'CLOSED');
      return;
    }
    const injected = await wire.inject({
      from: 'client',
      on: near,
      flags: flags[arrives],
      // the acknowledgement of the FIN is old, and that of the ACK beyond: their sequence numbers are the expected ones
      seq: expected + (arrives === 'ACK' || arrives === 'FIN' ? 0 : off[place]),
      ...(arrives !== 'SYN' && { ack: acked + (arrives === 'ACK' ? unsent : arrives === 'FIN' ? -1 : 0) }),
      ...(arrives === 'data' && { payload: 'x'.repeat(length) }),
    });
    const answers = await wire.answers(injected);
    // a FIN and a SYN are those of the end, sent again
    const own = answers.filter(({ segment }) => !segment.flags.includes('FIN') && !segment.flags.includes('SYN'));
    const isTaken =
      isNewData({ arrives, place }) &&
      (await wire.seen(ack.from('server').withAck(expected + length), { within: delayedSeconds })) !== undefined;
    note('answer', isTaken ? 'ACK' : ((own[0]?.segment.flags.join() ?? 'none') as 'none'));
    if (!far) {
      const state = (await look(near.other))?.state;
      note('after', state ?? 'no socket');
      note('ended', state === undefined);
      const socket = await listener.accept({ wait: false }).answer();
      if (socket.ok) note('taken', await socket.value.receiveQueue());
      return;
    }
    const { state: after } = await far.info();
    note('after', after);
    note('ended', after === 'CLOSED');
    if (arrives === 'data') note('taken', await far.receiveQueue());
    note('error', await far.error());
    if (arrives === 'data' && place === 'old' && state === 'CLOSE-WAIT') note('closes', await closing(stage, far));
  },

  claims: [
    {
      id: 'syn-is-challenged',
      text: 'a SYN gets a challenge ACK in each state from ESTABLISHED to LAST-ACK, and changes nothing',
      source:
        'RFC 5961 §4.2; RFC 9293 §3.10.7.4, fourth; tcp_validate_incoming() in net/ipv4/tcp_input.c: TCPSYNChallenge',
      // beyond the window it is dropped before anybody looks at its flags
      when: ({ arrives, place, state }) => arrives === 'SYN' && place !== 'edge' && state !== 'SYN-RECEIVED',
      holds: (facts, { state }) =>
        facts.answer === 'ACK' && facts.after === state && facts['counters.server.TcpExt.TCPSYNChallenge'] === 1,
    },
    {
      id: 'request-is-reset-by-syn',
      text: "in SYN-RECEIVED a SYN at RCV.NXT, another number than the first SYN's, gets a RST, and the mini-socket is gone",
      source: 'RFC 9293 §3.10.7.4, fourth: SYN-RECEIVED; tcp_check_req() in net/ipv4/tcp_minisocks.c: embryonic_reset',
      when: ({ arrives, place, state }) => arrives === 'SYN' && place === 'at' && state === 'SYN-RECEIVED',
      holds: (facts) =>
        facts.answer.startsWith('RST') &&
        facts.after === 'no socket' &&
        facts['counters.server.TcpExt.EmbryonicRsts'] === 1,
    },
    {
      id: 'new-data-is-queued',
      text: 'before the FIN of the other end, a socket that a process holds acknowledges and queues data at RCV.NXT, in FIN-WAIT-1 and FIN-WAIT-2, too; in SYN-RECEIVED the data completes the handshake',
      source:
        'RFC 9293 §3.10.7.4, seventh; tcp_data_queue() in net/ipv4/tcp_input.c, tcp_check_req() in net/ipv4/tcp_minisocks.c',
      when: (cell) => isNewData(cell) && !isBehindFin(cell.state),
      holds: (facts, { state }) =>
        facts.answer === 'ACK' &&
        facts.taken === forged &&
        facts.after === (state === 'SYN-RECEIVED' ? 'ESTABLISHED' : state),
    },
    {
      id: 'data-behind-the-fin-is-dropped',
      text: 'in CLOSE-WAIT and LAST-ACK, data beyond the FIN of the other end is dropped without an answer',
      source: 'RFC 9293 §3.10.7.4, seventh: "Ignore the segment text"; tcp_rcv_state_process() in net/ipv4/tcp_input.c',
      when: (cell) => isNewData(cell) && isBehindFin(cell.state),
      holds: (facts, { state }) => facts.answer === 'none' && facts.taken === 0 && facts.after === state,
    },
    {
      id: 'old-data-is-answered',
      text: 'data that is old or outside the window gets an ACK and is not queued',
      source: 'RFC 9293 §3.10.7.4, first; tcp_validate_incoming() and tcp_data_queue() in net/ipv4/tcp_input.c',
      when: ({ arrives, place }) => arrives === 'data' && (place === 'old' || place === 'outside'),
      holds: (facts, { state }) => facts.answer === 'ACK' && facts.taken === 0 && facts.after === state,
    },
    {
      id: 'beyond-the-window-is-dropped',
      text: 'since Linux 6.17, data that begins in the window and ends beyond it is dropped while other data is unread: it gets an ACK without a SACK block',
      source: 'RFC 9293 §3.10.7.4, first; tcp_sequence() in net/ipv4/tcp_input.c; 9ca48d616ed7: before, it was queued',
      when: ({ arrives, place, state }) => arrives === 'data' && place === 'edge' && !isBehindFin(state),
      holds: (facts, { state }) =>
        facts.answer === 'ACK' && !facts.sack && facts.after === (state === 'SYN-RECEIVED' ? 'ESTABLISHED' : state),
    },
    {
      id: 'copy-is-not-unread',
      text: 'a copy of data that was read does not count as unread: close(2) sends a FIN, not a RST',
      source: '__tcp_close() in net/ipv4/tcp.c: after(end_seq, copied_seq)',
      when: ({ arrives, place, state }) => arrives === 'data' && place === 'old' && state === 'CLOSE-WAIT',
      holds: (facts) => facts.closes === 'FIN',
    },
    {
      id: 'ack-of-the-unsent',
      text: 'an ACK of bytes that were never sent gets an ACK in FIN-WAIT-2 and CLOSE-WAIT, and a RST in SYN-RECEIVED; nothing else changes',
      source:
        'RFC 9293 §3.10.7.4, fifth: "send an ACK", in SYN-RECEIVED a RST; tcp_rcv_state_process() in net/ipv4/tcp_input.c',
      when: ({ arrives, place, state }) => arrives === 'ACK' && place === 'outside' && state !== 'ESTABLISHED',
      holds: (facts, { state }) => facts.answer === (state === 'SYN-RECEIVED' ? 'RST' : 'ACK') && facts.after === state,
    },
    {
      id: 'unsent-in-established',
      text: 'in ESTABLISHED, too, an ACK of bytes that were never sent gets an ACK, and nothing else changes',
      source: 'RFC 9293 §3.10.7.4, fifth: "send an ACK"; tcp_ack() in net/ipv4/tcp_input.c',
      when: ({ arrives, place, state }) => arrives === 'ACK' && place === 'outside' && state === 'ESTABLISHED',
      holds: (facts) => facts.answer === 'ACK' && facts.after === 'ESTABLISHED',
    },
    {
      id: 'fin-with-an-old-ack',
      text: 'a FIN whose acknowledgement number is an old one is accepted in FIN-WAIT-1: the state becomes CLOSING',
      source:
        'RFC 9293 §3.10.7.4, fifth: a duplicate ACK "can be ignored"; 795a7dfbc3d9, Linux 6.9, 6.6 and 6.1 stable: before, a challenge ACK, and the FIN was dropped',
      when: ({ arrives, place, state }) => arrives === 'FIN' && place === 'old' && state === 'FIN-WAIT-1',
      holds: (facts) => facts.after === 'CLOSING',
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (are: (cell: Outcome['cell']) => boolean) => outcomes.filter(({ cell }) => are(cell));
    const isUnchanged = ({ cell, facts }: Outcome) => facts.after === cell.state;
    const isChallenged = (each: Outcome) => each.facts.answer === 'ACK' && isUnchanged(each);
    const isEnded = ({ facts }: Outcome) => facts.after === 'CLOSED' || facts.after === 'no socket';
    const syns = of(({ arrives, state }) => arrives === 'SYN' && state !== 'SYN-RECEIVED');
    const challenged = syns.filter(isChallenged);
    const requests = of(({ arrives, place, state }) => arrives === 'SYN' && place === 'at' && state === 'SYN-RECEIVED');
    const fresh = of((cell) => isNewData(cell));
    const early = fresh.filter(({ cell }) => !isBehindFin(cell.state));
    const taken = early.filter(({ facts }) => facts.answer === 'ACK' && facts.taken > 0);
    const late = fresh.filter(({ cell }) => isBehindFin(cell.state));
    const dropped = late.filter(({ facts }) => facts.answer === 'none' && facts.taken === 0);
    const stale = of(({ arrives, place }) => arrives === 'data' && (place === 'old' || place === 'outside'));
    const beyond = of(({ arrives, place, state }) => arrives === 'data' && place === 'edge' && !isBehindFin(state));
    const cut = beyond.filter(({ facts }) => facts.answer === 'ACK' && !facts.sack);
    const others = of(({ arrives }) => arrives === 'ACK' || arrives === 'FIN');
    const unsentAcks = of(
      ({ arrives, place, state }) => arrives === 'ACK' && place === 'outside' && state !== 'SYN-RECEIVED',
    );
    return {
      headline:
        syns.length > 0
          ? challenged.length === syns.length
            ? 'From ESTABLISHED to LAST-ACK, a SYN gets an ACK and ends nothing.'
            : `A SYN got a challenge ACK in ${share(challenged, syns)} cases.`
          : early.length > 0
            ? `New data was queued in ${share(taken, early)} cases.`
            : requests.length > 0
              ? `A second SYN ended a handshake in ${share(requests.filter(isEnded), requests)} cases.`
              : stale.length > 0
                ? `Data out of the window got an ACK in ${share(stale.filter(isChallenged), stale)} cases.`
                : beyond.length > 0
                  ? `Data that ended beyond the window was dropped in ${share(cut, beyond)} cases.`
                  : others.length > 0 &&
                    `The state was unchanged in ${share(others.filter(isUnchanged), others)} cases.`,
      findings: [
        finding(
          share(challenged, syns),
          'A SYN gets a challenge ACK and changes nothing in each state from ESTABLISHED to LAST-ACK.',
        ),
        finding(
          share(
            requests.filter((each) => each.facts.answer.startsWith('RST') && isEnded(each)),
            requests,
          ),
          'In SYN-RECEIVED, a RST answers a SYN at RCV.NXT, and the server drops its mini-socket.',
        ),
        finding(
          share(taken, early),
          `Until the other end's FIN arrives, data at RCV.NXT is queued, in SYN-RECEIVED, too${late.length > 0 ? `; after that FIN, ${share(dropped, late)} data segments are dropped without an answer` : ''}.`,
        ),
        finding(
          share(
            stale.filter((each) => isChallenged(each) && each.facts.taken === 0),
            stale,
          ),
          'Data that is old or outside the window gets an ACK and is not queued.',
        ),
        finding(
          share(cut, beyond),
          'Data that begins in the window and ends beyond it is dropped while other data is unread.',
        ),
        finding(
          share(unsentAcks.filter(isChallenged), unsentAcks),
          'An ACK of bytes that were never sent gets an ACK in ESTABLISHED, FIN-WAIT-2 and CLOSE-WAIT, and changes nothing.',
        ),
      ],
    };
  },
});
