import { experiment, finding, kind, range, share, syn, tcp } from 'lingerlab';
import { countersOfAttempts } from './shared/attempts.ts';

/** tcp_syn_retries: a client that is never let in gives up after about 3 s. */
const retries = 1;
/** Ticks of 64 ns by which initial sequence numbers grow, in a nanosecond: secure_tcp_seq(), net/core/secure_seq.c. */
const ticksPerNs = 1 / 64;
/** Ports of the second client that are tried at two addresses: three of 16 attempts have numbers as a cell asks for. */
const tries = 40;
/** How far the numbers of two clients are apart at least, more than their clocks add while a cell lasts: 17 s, and a minute in ms. */
const [seqsApart, stampsApart] = [2 ** 28, 60_000];
/** Whether one number is ahead of another by so much, and not by half of all numbers. */
const isBetween = (ahead: number, apart: number): boolean => ahead > apart && ahead < 2 ** 31 - apart;

interface Asked {
  readonly left: string;
  readonly stamp: string;
  readonly number: string;
  readonly nat: string;
}
/** Whether the SYN of the second client meets TIME-WAIT of the first one. */
const isMet = ({ left, nat }: Asked): boolean => left === 'TIME-WAIT' && nat === 'forgets';
/** Whether it is newer to the server: timestamps decide where there are some, unless they are older. */
const isNewer = ({ stamp, number }: Asked): boolean => stamp === 'newer' || (stamp === 'none' && number === 'higher');

export default experiment({
  id: 'behind-nat',
  question: "Can a client behind a NAT connect from the address and port of another client's connection?",
  tags: ['NAT', 'TIME-WAIT', 'timestamps', 'PAWS', 'tcp_rfc1337', 'tcp_tw_recycle', 'ETIMEDOUT', 'ECONNRESET'],
  symptoms: [
    'clients behind NAT cannot connect',
    'SYN dropped for clients behind NAT',
    'NAT reuses a port too soon',
    'some connections behind a NAT time out',
    'is tcp_tw_recycle gone',
  ],
  factors: {
    left: ['TIME-WAIT', 'ESTABLISHED', 'nothing'],
    stamp: ['newer', 'older', 'none'],
    number: ['higher', 'lower'],
    nat: ['forgets', 'remembers'],
    rfc1337: [0, 1],
  },
  words: {
    left: {
      text: "the server's end of the first client's connection",
      values: {
        'TIME-WAIT': 'TIME-WAIT: the server closed first',
        ESTABLISHED: 'ESTABLISHED: neither end closed',
        nothing: 'nothing: the first client closed first',
      },
    },
    stamp: {
      text: "timestamps of the second client's kernel",
      values: {
        newer: "newer than the first client's",
        older: "older than the first client's",
        none: 'none: tcp_timestamps is 0',
      },
    },
    number: {
      text: "the second client's initial sequence number",
      values: {
        higher: "higher than the first client's last number",
        lower: "lower than the first client's last number",
      },
    },
    nat: {
      text: 'the NAT, which has one port',
      values: { forgets: "has forgotten the first client's mapping", remembers: 'still has that mapping' },
    },
    rfc1337: {
      text: 'net.ipv4.tcp_rfc1337',
      values: { 0: '0, the default: a RST at RCV.NXT ends TIME-WAIT', 1: '1: TIME-WAIT ignores every RST' },
    },
  },
  only({ left, stamp, number, nat, rfc1337 }) {
    const numbers = `${stamp} ${number}`;
    if (nat === 'remembers') return left === 'TIME-WAIT' && numbers === 'newer higher' && rfc1337 === 0;
    if (left === 'nothing') return numbers === 'older lower' && rfc1337 === 0;
    if (left === 'ESTABLISHED') return ['newer higher', 'older lower'].includes(numbers) && rfc1337 === 0;
    return rfc1337 === 0 || ['older higher', 'newer lower', 'none lower'].includes(numbers);
  },
  network: 'wire',
  connections: ['first', 'second'],
  sysctls: ({ stamp, rfc1337 }) => ({
    'net.ipv4.tcp_rfc1337': rfc1337,
    'net.ipv4.tcp_syn_retries': retries,
    'net.ipv4.tcp_timestamps': stamp === 'none' ? 0 : 1,
  }),
  // tcp_syn_retries 1: 1 s and 2 s
  seconds: (cell) => (cell.nat === 'remembers' || (cell.rfc1337 === 1 && !isNewer(cell)) ? 3.8 : 0.8),
  measures: {
    // how many SYNs are lost before the numbers fit is chance
    ...countersOfAttempts,
    isSame: kind.boolean({ text: 'the server saw both clients at the same address and port' }),
    connected: kind.outcome({ text: "result of the second client's connect(2)" }),
    connectMs: kind.ms({ text: 'how long that connect(2) took' }),
    answer: { ...kind.word('SYN,ACK', 'ACK', 'none'), text: "the server's answer to the second client's first SYN" },
    said: {
      ...kind.word('ACK', 'RST'),
      label: "second client's answer",
      text: "the second client's answer to that answer",
    },
    told: kind.outcome({
      label: 'server reads then',
      text: "what the server's application read from the first connection after that",
    }),
  },
  shows: ['answer', 'said', 'connected', 'connectMs', 'told', 'isSame', 'first.timeWait.endedBy'],

  async scenario({ client, server, wire, closeInTurn, note, noteUnknown }, { left, stamp, number, nat: memory }) {
    const nat = await wire.translate({ ports: 1 });
    const listener = await server.listen();
    interface From {
      readonly localAddress: 'own' | 'other';
      readonly localPort: number;
    }
    /** Where the numbers of this client's SYNs lie, less what its clocks add: a SYN that is lost shows it. */
    const numbersOf = async (from: From) => {
      const nth = (await wire.count(syn)) + 1;
      const near = await client.open(listener, from);
      const { t, segment } = await wire.seen(syn.nth(nth));
      await near.close('destroy');
      const option = segment.options.find(({ kind: is }) => is === 'timestamps');
      return {
        seq: segment.absolute.seq - t * ticksPerNs,
        stamp: option?.kind === 'timestamps' ? option.value - t / 1e6 : 0,
      };
    };
    /** Two clients of which the second has numbers as the cell asks for: addresses and ports are hashed into them. */
    const twoClients = async (): Promise<{ first: From; second: From } | undefined> => {
      const [port = 0, ...others] = client.ports(tries + 1);
      const firsts: From[] = (['own', 'other'] as const).map((localAddress) => ({ localAddress, localPort: port }));
      const known = [await numbersOf(firsts[0] as From), await numbersOf(firsts[1] as From)];
      for (const localPort of others) {
        for (const [at, first] of firsts.entries()) {
          const second: From = { localAddress: at === 0 ? 'other' : 'own', localPort };
          const numbers = await numbersOf(second);
          const higher = ((numbers.seq - (known[at]?.seq ?? 0)) | 0) * (number === 'higher' ? 1 : -1);
          const newer = ((numbers.stamp - (known[at]?.stamp ?? 0)) | 0) * (stamp === 'newer' ? 1 : -1);
          if (isBetween(higher, seqsApart) && (stamp === 'none' || isBetween(newer, stampsApart)))
            return { first, second };
        }
      }
    };
    const lost = await wire.drop(syn);
    const clients = await twoClients();
    await lost.lift();
    if (!clients) {
      noteUnknown('connected', 'no port gives the second client such numbers');
      return;
    }

    const [near, far] = await client.connect(listener, { as: 'first', ...clients.first });
    if (left === 'TIME-WAIT') await closeInTurn(far, near);
    if (left === 'nothing') await closeInTurn(near, far);
    if (memory === 'forgets') await nat.forget();

    const syns = await wire.count(syn);
    const again = await client.open(listener, { as: 'second', ...clients.second });
    const connecting = await again.connected().answer();
    note('connected', connecting.outcome);
    note('connectMs', connecting.ns / 1e6);
    const latest = (await nat.mappings()).at(-1);
    note('isSame', latest?.inside.port === clients.second.localPort && latest.outside.port === far.remote.port);
    const asked = await wire.seen(syn.nth(syns + 1));
    const answered = await wire.seen(tcp.from('server').on(again), { after: asked, within: 0.1 });
    note('answer', (answered?.segment.flags.join() ?? 'none') as 'none');
    if (answered)
      note('said', (await wire.seen(tcp.from('client').on(again), { after: answered })).segment.flags.join() as 'ACK');
    if (left === 'ESTABLISHED' && connecting.ok) note('told', (await far.ended().answer()).outcome);
  },

  claims: [
    {
      id: 'newer-is-let-in',
      text: "TIME-WAIT of the first client's connection answers a SYN with a newer timestamp, or without timestamps with a higher sequence number, with a SYN-ACK at once",
      source: 'RFC 6191 §2; RFC 9293 §3.6.1 MAY-2; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: (cell) => isMet(cell) && isNewer(cell),
      holds: (facts) => facts.isSame && facts.answer === 'SYN,ACK' && facts.connected === 'ok',
    },
    {
      id: 'others-are-challenged',
      text: 'TIME-WAIT answers any other SYN with an ACK, and the second client, in SYN-SENT, answers that ACK with a RST; with tcp_rfc1337 0 the RST ends TIME-WAIT, and the second SYN connects: no client is refused',
      source: 'RFC 5961 §4.2; RFC 9293 §3.10.7.3; RFC 1337 §2; tcp_timewait_state_process()',
      when: (cell) => isMet(cell) && !isNewer(cell) && cell.rfc1337 === 0,
      holds: (facts) =>
        facts.isSame &&
        facts.answer === 'ACK' &&
        facts.said === 'RST' &&
        facts.connected === 'ok' &&
        facts['first.timeWait.endedBy'] === 'rst' &&
        facts['counters.client.TcpExt.TCPSynRetrans'] === 1,
    },
    {
      id: 'rfc1337-shuts-others-out',
      text: 'with tcp_rfc1337 1, TIME-WAIT ignores the RST that answers its ACK: connect(2) of the second client fails with ETIMEDOUT, here with tcp_syn_retries 1',
      source: 'RFC 1337 §3 (F1); tcp_timewait_state_process(): sysctl_tcp_rfc1337',
      when: (cell) => isMet(cell) && !isNewer(cell) && cell.rfc1337 === 1,
      holds: (facts) => facts.isSame && facts.answer === 'ACK' && facts.connected === 'ETIMEDOUT',
    },
    {
      id: 'resets-the-living',
      text: "the first client's connection, ESTABLISHED at the server, answers the second client's SYN with an ACK; the RST to that ACK resets this connection, its server reads ECONNRESET, and the second SYN connects",
      source: 'RFC 5961 §4.2; tcp_validate_incoming() in net/ipv4/tcp_input.c: syn_challenge; RFC 5382 REQ-5',
      when: ({ left, nat }) => left === 'ESTABLISHED' && nat === 'forgets',
      holds: (facts) =>
        facts.isSame &&
        facts.answer === 'ACK' &&
        facts.said === 'RST' &&
        facts.connected === 'ok' &&
        facts.told === 'ECONNRESET',
    },
    {
      id: 'nothing-left-nothing-met',
      text: 'if the first client closed first, the server keeps nothing, and a SYN with an older timestamp and a lower number connects at once',
      source: 'RFC 9293 §3.6.1: the end that closes first keeps TIME-WAIT',
      when: ({ left, nat }) => left === 'nothing' && nat === 'forgets',
      holds: (facts) => facts.isSame && facts.answer === 'SYN,ACK' && facts.connected === 'ok',
    },
    {
      id: 'remembering-nat-drops',
      text: 'a NAT that remembers the first client has no port for the second: it drops each SYN, and connect(2) fails with ETIMEDOUT',
      source:
        'RFC 4787 §4.2.1 REQ-3: no port overloading; RFC 5382 REQ-5: an idle connection that closes is remembered for at least 4 minutes',
      when: ({ nat }) => nat === 'remembers',
      holds: (facts) => !facts.isSame && facts.answer === 'none' && facts.connected === 'ETIMEDOUT',
    },
  ],

  guide: [
    {
      about: { tcp_rfc1337: 'measured' },
      claim: 'others-are-challenged',
      text: 'With tcp_rfc1337 0, a second client behind a NAT whose SYN is not newer than the connection in TIME-WAIT still connects, with its second SYN.',
    },
    {
      about: { tcp_rfc1337: 'risks', 'clients hang in connect': 'look at' },
      claim: 'rfc1337-shuts-others-out',
      text: 'With tcp_rfc1337 1, connect(2) of a second client behind a NAT fails with ETIMEDOUT if its SYN is not newer than the connection in TIME-WAIT.',
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const isIn = ({ facts }: Outcome) => facts.connected === 'ok';
    const met = outcomes.filter(({ cell }) => isMet(cell));
    const newer = met.filter(({ cell }) => isNewer(cell));
    const others = met.filter(({ cell }) => !isNewer(cell) && cell.rfc1337 === 0);
    const strict = met.filter(({ cell }) => !isNewer(cell) && cell.rfc1337 === 1);
    const atOnce = newer.filter((each) => isIn(each) && each.facts.answer === 'SYN,ACK');
    const second = others.filter((each) => isIn(each) && each.facts.answer === 'ACK');
    const shutOut = strict.filter(({ facts }) => facts.connected === 'ETIMEDOUT');
    const living = outcomes.filter(({ cell }) => cell.left === 'ESTABLISHED' && cell.nat === 'forgets');
    const reset = living.filter((each) => isIn(each) && each.facts.told === 'ECONNRESET');
    const full = outcomes.filter(({ cell }) => cell.nat === 'remembers');
    const dropped = full.filter(({ facts }) => facts.connected === 'ETIMEDOUT' && facts.answer === 'none');
    const usual = [...newer, ...others];
    const isLetIn = usual.length > 0 && usual.every(isIn);
    const delays = range(second, ({ facts }) => facts.connectMs, { unit: 'ms' });
    return {
      headline: isLetIn
        ? `A server's TIME-WAIT ${shutOut.length > 0 ? 'shuts out a client behind a NAT only if tcp_rfc1337 is 1' : 'lets another client behind a NAT in'}.`
        : `Another client behind the NAT connected in ${share(outcomes.filter(isIn), outcomes)} cases.`,
      findings: [
        finding(
          share(atOnce, newer),
          'During TIME-WAIT, a SYN with a newer timestamp, or without timestamps a higher sequence number, connects at once.',
        ),
        second.length > 0 &&
          finding(
            share(second, others),
            `With tcp_rfc1337 0, any other SYN gets an ACK; the client's RST ends TIME-WAIT, its second SYN connects: ${delays} in all.`,
          ),
        finding(
          share(shutOut, strict),
          "With tcp_rfc1337 1, TIME-WAIT ignores the client's RST: connect(2) of the second client fails with ETIMEDOUT.",
        ),
        finding(
          share(reset, living),
          "If a NAT forgets an ESTABLISHED connection, the next client answers the server's ACK with a RST, which resets that connection: the server reads ECONNRESET.",
        ),
        finding(
          share(dropped, full),
          'A NAT that remembers the first client and has no other port drops each SYN: connect(2) fails with ETIMEDOUT.',
        ),
      ],
    };
  },
});
