import { experiment, finding, kind, share } from 'lingerlab';
import { bring, edgeOf, isBehindFin, nextOf, type State, states, stateWords, written } from './shared/bring.ts';

const places = ['at', 'below', 'above', 'last', 'end', 'beyond', 'sacked'] as const;
type Place = (typeof places)[number];
/** Of the window's other edge these are tried: a request, a connection, and one behind its FIN. */
const edged: readonly State[] = ['SYN-RECEIVED', 'ESTABLISHED', 'LAST-ACK'];
const isAtTheEdge = (place: Place) => place === 'last' || place === 'end' || place === 'beyond';
/** Over IPv6, which has functions of its own for requests: tcp_v6_rcv(). */
const over6: readonly State[] = ['SYN-RECEIVED', 'ESTABLISHED'];
/** Data that arrives behind a hole: where it begins, counted from RCV.NXT, and its bytes. */
const behindTheHole = { at: 10, bytes: 5 };
const isBelowTheFin = ({ place, state }: { place: Place; state: State }) => place === 'below' && isBehindFin(state);
const isDropped = ({ place, state }: { place: Place; state: State }) =>
  place === 'beyond' || (place === 'below' && !isBehindFin(state));
const isChallenged = (place: Place) => place === 'above' || place === 'last' || place === 'end';

/** Whether data can be missing: the other end has not sent its FIN, and the handshake is over. */
const isBehindAGap = ({ place, state }: { readonly place: string; readonly state: string }): boolean =>
  place === 'sacked' && ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2'].includes(state);

export default experiment({
  id: 'resets-at-each-state',
  question: 'Which sequence number must a RST have, in each state of a connection?',
  tags: ['RST', 'challenge ACK', 'RFC 5961', 'blind reset', 'RCV.NXT', 'window', 'TCPChallengeACK', 'ECONNRESET'],
  symptoms: [
    'can a forged RST close a connection',
    'RST is ignored',
    'RST out of window',
    'blind reset attack',
    'connection survives a RST',
  ],
  factors: { place: places, state: states, family: [4, 6] },
  words: {
    place: {
      text: 'the sequence number of the forged RST; expected is RCV.NXT, the window ends before RCV.NXT + RCV.WND',
      values: {
        at: 'RCV.NXT',
        below: 'RCV.NXT − 1',
        above: 'RCV.NXT + 1',
        last: 'RCV.NXT + RCV.WND − 1, the last number of the window',
        end: 'RCV.NXT + RCV.WND, the first behind it',
        beyond: 'RCV.NXT + RCV.WND + 1',
        sacked: 'the end of a SACK block: data before the block is missing',
      },
    },
    state: stateWords,
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  only: ({ place, state, family }) =>
    place === 'sacked'
      ? family === 4 && state === 'ESTABLISHED'
      : family === 4
        ? !isAtTheEdge(place) || edged.includes(state)
        : place === 'above' && over6.includes(state),
  network: 'wire',
  seconds: 0.6,
  sysctls: () => ({ 'net.ipv4.tcp_invalid_ratelimit': 0 }),
  measures: {
    answer: { ...kind.word('none', 'ACK', 'RST', 'RST,ACK'), text: 'the answer, without what the end sent again' },
    after: kind.outcome({ text: 'state after the RST, by TCP_INFO; of a mini-socket by ss' }),
    error: kind.outcome({ text: 'SO_ERROR of the socket afterwards' }),
  },
  shows: ['answer', 'after', 'error', 'counters.server.TcpExt.TCPChallengeACK', 'counters.server.TcpExt.EmbryonicRsts'],

  async scenario(stage, { place, state, family }) {
    const { wire, look, note } = stage;
    const { near, far } = await bring(stage, state, family);
    const edge = await edgeOf(stage, near);
    const seq = {
      at: nextOf(state),
      below: nextOf(state) - 1,
      above: nextOf(state) + 1,
      last: edge - 1,
      end: edge,
      beyond: edge + 1,
      sacked: nextOf(state) + behindTheHole.at + behindTheHole.bytes,
    }[place];
    if (place === 'sacked') {
      const data = {
        seq: nextOf(state) + behindTheHole.at,
        payload: 'x'.repeat(behindTheHole.bytes),
        ack: written + 1,
      };
      await wire.answers(await wire.inject({ from: 'client', on: near, flags: ['PSH', 'ACK'], ...data }));
    }
    const answers = await wire.answers(await wire.inject({ from: 'client', on: near, flags: ['RST'], seq }));
    // a FIN and a SYN are those of the end, sent again
    const answer = answers.find(({ segment }) => !segment.flags.includes('FIN') && !segment.flags.includes('SYN'));
    note('answer', (answer?.segment.flags.join() ?? 'none') as 'none');
    if (!far) return note('after', (await look(near.other))?.state ?? 'no socket');
    note('after', (await far.info()).state);
    note('error', await far.error());
  },

  claims: [
    {
      id: 'exact-rst-ends',
      text: 'a RST exactly at RCV.NXT ends the connection in each state, without an answer; SO_ERROR is ECONNRESET, in CLOSE-WAIT EPIPE',
      source: 'RFC 5961 §3.2; tcp_validate_incoming() and tcp_reset() in net/ipv4/tcp_input.c',
      when: ({ place }) => place === 'at',
      holds: (facts, { state }) =>
        facts.answer === 'none' &&
        (state === 'SYN-RECEIVED'
          ? facts.after === 'no socket'
          : facts.after === 'CLOSED' && facts.error === (state === 'CLOSE-WAIT' ? 'EPIPE' : 'ECONNRESET')),
    },
    {
      id: 'one-below-ends-behind-the-fin',
      text: "once the other end's FIN has arrived, in CLOSE-WAIT, CLOSING and LAST-ACK, a RST at RCV.NXT − 1, the number of that FIN, ends the connection, too, which no RFC asks for",
      source: 'tcp_reset_check() in net/ipv4/tcp_input.c: "Mac OSX sends a RST with the sequence number of its FIN"',
      when: isBelowTheFin,
      holds: (facts, { state }) =>
        facts.answer === 'none' &&
        facts.after === 'CLOSED' &&
        facts.error === (state === 'CLOSE-WAIT' ? 'EPIPE' : 'ECONNRESET'),
    },
    {
      id: 'end-of-a-sack-block-ends',
      text: 'where data is missing, a RST at the end of the highest SACK block ends the connection, too',
      source: 'tcp_validate_incoming() in net/ipv4/tcp_input.c: max_sack; RFC 5961 §3.2 names RCV.NXT alone',
      when: isBehindAGap,
      holds: (facts) => facts.answer === 'none' && facts.after === 'CLOSED' && facts.error === 'ECONNRESET',
    },
    {
      id: 'other-rst-is-challenged',
      text: 'a RST elsewhere in the window gets a challenge ACK in each state from ESTABLISHED on, and changes nothing',
      source: 'RFC 5961 §3.2; tcp_validate_incoming() in net/ipv4/tcp_input.c: TCPChallengeACK',
      when: ({ place, state }) => (place === 'above' || place === 'last') && state !== 'SYN-RECEIVED',
      holds: (facts, { state }) =>
        facts.answer === 'ACK' && facts.after === state && facts['counters.server.TcpExt.TCPChallengeACK'] === 1,
    },
    {
      id: 'requests-are-protected-too',
      text: 'in SYN-RECEIVED, too, a RST at another number from RCV.NXT + 1 to RCV.NXT + RCV.WND gets a challenge ACK, and the mini-socket stays',
      source: 'RFC 9293 §3.10.7.4, first; tcp_check_req() in net/ipv4/tcp_minisocks.c',
      when: ({ place, state }) => isChallenged(place) && state === 'SYN-RECEIVED',
      holds: (facts) => facts.answer === 'ACK' && facts.after === 'SYN-RECEIVED',
    },
    {
      id: 'window-is-one-longer',
      text: 'for a RST the window is one number longer than for data: at RCV.NXT + RCV.WND it gets a challenge ACK, one number higher no answer',
      source:
        'tcp_sequence() in net/ipv4/tcp_input.c: after(seq, rcv_nxt + window); RFC 9293 §3.10.7.4: SEG.SEQ < RCV.NXT + RCV.WND',
      when: ({ place, state }) => (place === 'end' || place === 'beyond') && state !== 'SYN-RECEIVED',
      holds: (facts, { place, state }) => facts.answer === (place === 'end' ? 'ACK' : 'none') && facts.after === state,
    },
    {
      id: 'outside-is-dropped',
      text: 'a RST beyond RCV.NXT + RCV.WND, or below RCV.NXT where no FIN has arrived, gets no answer and changes nothing',
      source: 'RFC 9293 §3.10.7.4, first: "unless the RST bit is set"; tcp_validate_incoming() in net/ipv4/tcp_input.c',
      when: isDropped,
      holds: (facts, { state }) => facts.answer === 'none' && facts.after === state,
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (are: (cell: Outcome['cell']) => boolean) => outcomes.filter(({ cell }) => are(cell));
    const isEnded = ({ facts }: Outcome) => facts.after === 'CLOSED' || facts.after === 'no socket';
    const isUnchanged = ({ cell, facts }: Outcome) => facts.after === cell.state;
    const exact = of(({ place }) => place === 'at');
    const ended = exact.filter(isEnded);
    const below = of(isBelowTheFin);
    const endedBelow = below.filter(isEnded);
    const inWindow = of(({ place }) => isChallenged(place));
    const challenged = inWindow.filter((each) => each.facts.answer === 'ACK' && isUnchanged(each));
    const outside = of(isDropped);
    const dropped = outside.filter((each) => each.facts.answer === 'none' && isUnchanged(each));
    const sacked = of(isBehindAGap);
    const endedThere = sacked.filter(isEnded);
    const edge = of(({ place }) => place === 'end');
    const long = edge.filter(({ facts }) => facts.answer === 'ACK');
    const rest = [...inWindow, ...outside];
    const isAll = (part: readonly Outcome[], whole: readonly Outcome[]) =>
      whole.length > 0 && part.length === whole.length;
    const numbers = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format([
      'RCV.NXT',
      ...(isAll(endedBelow, below) ? ["a FIN's number"] : []),
      ...(isAll(endedThere, sacked) ? ["a SACK block's end"] : []),
    ]);
    return {
      headline:
        exact.length > 0
          ? isAll(ended, exact) && !rest.some(isEnded)
            ? `${sacked.length > 0 ? 'A' : 'Without SACK blocks, a'} RST is accepted only at ${numbers}.`
            : `A RST at RCV.NXT ended the connection in ${share(ended, exact)} cases.`
          : below.length > 0
            ? `A RST at the number of the FIN ended a connection in ${share(endedBelow, below)} cases.`
            : inWindow.length > 0
              ? `A RST in the window got a challenge ACK in ${share(challenged, inWindow)} cases.`
              : outside.length > 0
                ? `A RST outside the window was dropped in ${share(dropped, outside)} cases.`
                : sacked.length > 0 &&
                  `A RST at the end of a SACK block ended a connection in ${share(endedThere, sacked)} cases.`,
      findings: [
        finding(
          share(ended, exact),
          'A RST exactly at RCV.NXT ends the connection in each state from SYN-RECEIVED to LAST-ACK.',
        ),
        finding(
          share(endedBelow, below),
          'In CLOSE-WAIT, CLOSING and LAST-ACK a RST at RCV.NXT − 1, the number of the FIN that arrived, ends the connection, too.',
        ),
        finding(
          share(endedThere, sacked),
          'Where data is missing, a RST at the end of the highest SACK block ends the connection, too.',
        ),
        finding(
          share(challenged, inWindow),
          'A RST at another number from RCV.NXT + 1 to RCV.NXT + RCV.WND gets a challenge ACK and changes nothing.',
        ),
        finding(
          share(dropped, outside),
          'A RST beyond RCV.NXT + RCV.WND, or below RCV.NXT where no FIN has arrived, gets no answer and changes nothing.',
        ),
        finding(
          share(long, edge),
          'At RCV.NXT + RCV.WND, the first number beyond the window, a RST still gets a challenge ACK.',
        ),
      ],
    };
  },
});
