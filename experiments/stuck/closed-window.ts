import {
  ack,
  data,
  errnos,
  experiment,
  fin,
  finding,
  is,
  kind,
  largest,
  range,
  rst,
  type Sighting,
  share,
} from 'lingerlab';
import { isAbout, tolerance } from './shared/probes.ts';

/** More than the server's kernel takes unread; the client's kernel takes the rest. */
const heldBytes = 150_000;
/** Default of tcp_invalid_ratelimit. */
const limitMs = 500;
/** Tolerance: the wire read a probe up to 48 ms late on a busy machine; the limit counts in the server's kernel. */
const wireMs = 50;
/** Longest wait before a probe, for a closed socket whose kernel gives up. */
const rtoMaxMs = 1000;
/** Probes that the scenario waits for before the next step. */
const probes = { resumes: 3, 'update-lost': 1, closes: 2, resets: 1, 'closes-for-good': 1 } as const;

/** Number of probes whose wait is below a limit, if each waits twice as long as the one before. */
const probesBelow = (mostMs: number, rtoMs: number) => Math.ceil(Math.log2(mostMs / rtoMs));

export default experiment({
  id: 'closed-window',
  question: 'What does a sender do while the window is closed, and what does a close do then?',
  tags: [
    'zero window',
    'window probe',
    'persist timer',
    'RST',
    'SO_LINGER',
    'orphan',
    'window update',
    'ZeroWindow',
    'slow reader',
  ],
  symptoms: ['zero window', 'receiver does not read', 'sender is stuck', 'transfer stalls', 'slow consumer'],
  factors: { next: ['resumes', 'update-lost', 'closes', 'resets', 'closes-for-good'] },
  words: {
    next: {
      text: 'what happens after the window has closed',
      values: {
        resumes: 'the reader reads again',
        'update-lost': 'the reader reads again; the window update is lost',
        closes: 'the sender closes; the reader reads again after one more probe',
        resets: 'the sender closes with SO_LINGER 0',
        'closes-for-good': 'the sender closes; the reader does not read',
      },
    },
  },
  network: 'wire',
  sysctls: ({ next }) =>
    next === 'closes-for-good'
      ? // the reader answers each probe: a probe without an answer counts as a retry, and the kernel would give up for that reason
        {
          'net.ipv4.tcp_rto_max_ms': rtoMaxMs,
          'net.ipv4.tcp_orphan_retries': 0,
          'net.ipv4.tcp_retries2': 15,
          'net.ipv4.tcp_invalid_ratelimit': 0,
        }
      : {},
  seconds: 3,
  measures: {
    probeBytes: kind.bytes({ text: 'data in the first probe' }),
    probeBehind: kind.count({ text: "distance of the first probe's sequence number below the server's RCV.NXT" }),
    rto: kind.ms({ text: 'retransmission timeout of the client, by TCP_INFO' }),
    firstAfter: kind.ms({ text: 'time from the closed window to the first probe' }),
    secondAfterFirst: kind.ms({
      text: 'time from the first probe to the second probe, where the scenario waits for both before the next step',
    }),
    thirdAfterSecond: kind.ms({
      text: 'time from the second probe to the third probe, where the scenario waits for both',
    }),
    answered1: kind.count({ text: 'answers to the first probe' }),
    answered2: kind.count({ text: 'answers to the second probe', compare: 'measurement' }),
    toldAfter: kind.ms({
      text: 'time from the first window update until a segment with an open window reached the client',
    }),
    opened: kind.ms({ text: 'time from the segment that reported the open window to the next data' }),
    toldBy: {
      ...kind.word('window update', "a probe's answer"),
      text: 'which segment reported the open window to the client',
    },
    closed: kind.outcome({ text: 'result of the close' }),
    saidAtLast: {
      ...kind.word('FIN', 'RST', 'nothing'),
      text: 'closing segment that the client sent while it had its socket; without the RST that answers later segments',
    },
  },
  shows: [
    'rto',
    'firstAfter',
    'secondAfterFirst',
    'answered2',
    'thirdAfterSecond',
    'toldBy',
    'opened',
    'saidAtLast',
    'client.gaveUpAfter',
    'client.delivered',
    'client.probedAt',
  ],

  async scenario({ client, server, wire, until, note }, { next }) {
    const [near, far] = await client.connect(await server.listen());
    await near.fill(far, { bytes: heldBytes });
    const zero = await wire.seen(ack.from('server').withWindow(0));
    note('rto', (await near.info()).rtoUs / 1000);
    const ms = (one: Sighting, other: Sighting) => (other.t - one.t) / 1e6;

    // the client sends no other segment in this time
    const probe = async (after: Sighting) => wire.seen(ack.from('client'), { after });
    const first = await probe(zero);
    note('firstAfter', ms(zero, first));
    note('answered1', (await wire.answers(first)).length);
    note('probeBytes', first.segment.bytes);
    note('probeBehind', zero.segment.ack! - first.segment.seq!);
    let last = first;
    for (let count = 2; count <= probes[next]; count++) {
      const again = await probe(last);
      note(count === 2 ? 'secondAfterFirst' : 'thirdAfterSecond', ms(last, again));
      if (count === 2) note('answered2', (await wire.answers(again)).length);
      last = again;
    }

    const said = async () => {
      const [resets, fins] = [await wire.count(rst.from('client')), await wire.count(fin.from('client'))];
      note('saidAtLast', resets > 0 ? 'RST' : fins > 0 ? 'FIN' : 'nothing');
    };

    const open = ack.from('server').withWindow(1, 65_535);
    if (next === 'resumes' || next === 'update-lost') {
      const lost = next === 'update-lost' ? await wire.drop(open) : undefined;
      await far.resume();
      const update = await wire.seen(open, { after: last });
      let told = update;
      if (lost) {
        await lost.lift();
        const asked = await probe(update);
        // a window update that is sent again would come before the probe
        told = await wire.seen(open, { after: update });
        note('toldBy', told.n > asked.n ? "a probe's answer" : 'window update');
      } else note('toldBy', 'window update');
      note('toldAfter', ms(update, told));
      note('opened', ms(told, await wire.seen(data.from('client'), { after: told })));
      await far.received(heldBytes);
    }
    if (next === 'resets') await near.set('SO_LINGER', 0);
    note('closed', (await near.close('destroy').answer()).outcome);
    if (next === 'closes') {
      note('thirdAfterSecond', ms(last, await probe(last)));
      await far.resume();
    }
    if (next === 'closes-for-good') {
      await until(near, 'CLOSED');
      await said();
      // the server acknowledges what it reads, and a RST answers: the client has no socket any more
      await far.resume();
      await far.gone();
      return;
    }
    if (next === 'resets') {
      await until(far, 'CLOSED');
      await said();
      await far.resume();
      await far.gone();
      return;
    }
    await far.ended();
    await far.close();
    await Promise.all([until(near, 'TIME-WAIT', 'CLOSED'), until(far, 'CLOSED'), far.gone()]);
    await said();
  },

  claims: [
    {
      id: 'probes-are-empty',
      text: 'the first probe of a closed window has no data and the sequence number RCV.NXT - 1, and the reader answers',
      source:
        'tcp_xmit_probe_skb() in net/ipv4/tcp_output.c; RFC 9293 §3.8.6.1 asks for at least one octet of new data',
      holds: (facts) => facts.probeBytes === 0 && facts.probeBehind === 1 && facts.answered1 === 1,
    },
    {
      id: 'first-after-rto',
      text: 'the client sends the first probe one retransmission timeout after the window has closed',
      source: `RFC 9293 §3.8.6.1 SHLD-29; tcp_probe0_base() in include/net/tcp.h. ${tolerance}`,
      holds: (facts) => isAbout(facts.firstAfter, facts.rto),
    },
    {
      id: 'then-doubled',
      text: 'the second probe follows the first after two retransmission timeouts, the third follows after four more, also if the client has closed',
      source: `RFC 9293 §3.8.6.1 SHLD-30; tcp_probe0_when() in include/net/tcp.h. ${tolerance}`,
      when: ({ next }) => next === 'resumes' || next === 'closes',
      holds: (facts) =>
        isAbout(facts.secondAfterFirst, 2 * facts.rto) && isAbout(facts.thirdAfterSecond, 4 * facts.rto),
    },
    {
      id: 'answers-are-limited',
      text: `with tcp_invalid_ratelimit ${limitMs}, the default, a second probe within ${limitMs} ms of the first gets no answer`,
      source:
        'tcp_validate_incoming() in net/ipv4/tcp_input.c: tcp_oow_rate_limited(), TCPACKSkippedSeq; RFC 9293 §3.8.6.1: "it must still send an acknowledgment". Tolerance: 50 ms, by which the wire can be late on a busy machine',
      when: ({ next }) => next === 'resumes' || next === 'closes',
      holds: (facts) =>
        facts.answered2 === 0 ? facts.secondAfterFirst < limitMs + wireMs : facts.secondAfterFirst >= limitMs - wireMs,
    },
    {
      id: 'update-wakes',
      text: 'when the reader reads again, its kernel sends a window update, and the client sends data before another probe',
      source:
        'RFC 9293 §3.8.6.2.2; tcp_cleanup_rbuf() in net/ipv4/tcp.c. Tolerance: less than a retransmission timeout',
      when: ({ next }) => next === 'resumes',
      holds: (facts) =>
        facts.toldBy === 'window update' && facts.opened < facts.rto && facts['client.delivered'] === heldBytes,
    },
    {
      id: 'probe-saves',
      text: "if the window update is lost, the reader's kernel does not send another: the answer to a later probe reports the open window, and the data goes on",
      source: 'RFC 9293 §3.8.6.1: "so that the re-opening of the window will be reliably reported"',
      when: ({ next }) => next === 'update-lost',
      holds: (facts) => facts.toldBy === "a probe's answer" && facts['client.delivered'] === heldBytes,
    },
    {
      id: 'close-loses-nothing',
      text: 'a plain close returns at once and loses nothing if the reader reads again after one more probe: in FIN-WAIT-1 the kernel sends probes, then the data, then the FIN',
      source:
        'tcp_send_fin() in net/ipv4/tcp_output.c: the FIN waits behind the data. Tolerance: less than a retransmission timeout',
      when: ({ next }) => next === 'closes',
      holds: (facts) =>
        facts.closed === 'ok' &&
        facts['client.closeMs'] < facts.rto &&
        facts['client.stateMs.FIN-WAIT-1'] > 2 * facts.rto &&
        facts['client.delivered'] === heldBytes &&
        is(facts['client.closedWith'], 'FIN'),
    },
    {
      id: 'linger-0-throws-away',
      text: 'SO_LINGER 0 sends a RST although the window is closed; data that was not sent is lost, and the reader reads what its kernel has, then ECONNRESET',
      source:
        '__tcp_close() in net/ipv4/tcp.c; RFC 9293 §3.10.7.4: with a closed window a RST at RCV.NXT is acceptable',
      when: ({ next }) => next === 'resets',
      holds: (facts) =>
        facts.closed === 'ok' &&
        is(facts['client.closedWith'], 'RST') &&
        is(facts['client.lostIn'], 'sendQueue') &&
        facts['client.delivered'] < heldBytes &&
        errnos(facts['server.errors']).includes('ECONNRESET') &&
        !('client.gaveUpAfter' in facts),
    },
    {
      id: 'orphan-is-given-up',
      text: `with tcp_rto_max_ms ${rtoMaxMs}, tcp_orphan_retries 0 and tcp_retries2 15, a closed socket whose reader never reads is dropped once tcp_rto_max_ms has passed since a probe: no FIN or RST is sent, and unsent data is lost`,
      source: `tcp_probe_timer() in net/ipv4/tcp_timer.c: SOCK_DEAD, tcp_orphan_retries(); tcp_send_probe0() in net/ipv4/tcp_output.c doubles the wait at most tcp_retries2 times: if the wait cannot reach tcp_rto_max_ms, this rule does not apply. ${tolerance}`,
      when: ({ next }) => next === 'closes-for-good',
      holds: (facts) =>
        facts['counters.client.TcpExt.TCPAbortOnTimeout'] === 1 &&
        facts['client.probedAt'].length === probesBelow(rtoMaxMs, facts.rto) &&
        // both times count from the same moment
        isAbout((facts['client.gaveUpAfter'] - (facts['client.probedAt'].at(-1) ?? 0)) * 1000, rtoMaxMs) &&
        facts.saidAtLast === 'nothing' &&
        facts['client.delivered'] < heldBytes,
    },
  ],

  answer(outcomes) {
    const of = (...next: readonly string[]) => outcomes.filter(({ cell }) => next.includes(cell.next));
    const isWhole = ({ facts }: (typeof outcomes)[number]) => facts['client.delivered'] === heldBytes;
    const [closes, resets, lost] = [of('closes'), of('resets'), of('update-lost')];
    const whole = closes.filter(isWhole);
    const reset = resets.filter((one) => one.facts.saidAtLast === 'RST' && !isWhole(one));
    const dropped = of('closes-for-good').filter(
      ({ facts }) => 'client.gaveUpAfter' in facts && facts.saidAtLast === 'nothing',
    );
    const probed = lost.filter(({ facts }) => facts.toldBy === "a probe's answer");
    const patience = range(dropped, ({ facts }) => facts['client.gaveUpAfter'], { digits: 1, unit: 's' });
    const mostLost = (chosen: typeof outcomes) =>
      largest(chosen.map(({ facts }) => heldBytes - facts['client.delivered'])).toLocaleString('en');
    const twice = of('resumes', 'closes');
    const ignored = twice.filter(({ facts }) => facts.answered2 === 0);
    const reading = of('resumes', 'update-lost');
    const delivered = reading.filter(isWhole);
    const timeouts = range(outcomes, ({ facts }) => facts.rto, { unit: 'ms' });
    return {
      headline:
        closes.length > 0
          ? whole.length === closes.length
            ? 'A plain close at a closed window loses nothing if the reader reads in time.'
            : 'A plain close at a closed window can lose data, even if the reader reads later.'
          : resets.length > 0
            ? reset.length === resets.length
              ? 'SO_LINGER 0 sends a RST at a closed window and discards the unsent data.'
              : 'SO_LINGER 0 while the window is closed does not always lose data.'
            : reading.length > 0
              ? delivered.length === reading.length
                ? 'A sender probes a closed window, and loses nothing if the reader reads again.'
                : 'A sender can lose data while the window is closed.'
              : outcomes.length > 0 &&
                (dropped.length > 0
                  ? 'If the reader never reads, the kernel drops a closed socket and sends nothing.'
                  : 'The kernel keeps a closed socket while the reader does not read.'),
      findings: [
        finding(
          share(whole, closes),
          'A plain close loses nothing if the reader reads before the kernel gives up: the kernel sends probes, then the data, then the FIN.',
        ),
        reset.length > 0 &&
          finding(
            `${mostLost(reset)} of ${heldBytes.toLocaleString('en')} bytes`,
            'SO_LINGER 0 sends a RST although the window is closed, and discards what was not sent.',
            reset,
          ),
        dropped.length > 0 &&
          finding(
            patience,
            `If the reader never reads, the kernel drops the closed socket and sends no FIN or RST: ${mostLost(dropped)} bytes are lost (tcp_rto_max_ms ${rtoMaxMs}, default retries).`,
          ),
        outcomes.length > 0 &&
          finding(
            range(outcomes, ({ facts }) => facts.firstAfter, { unit: 'ms' }),
            `The first probe follows about one retransmission timeout, here ${timeouts}, after the window closed.`,
          ),
        finding(
          share(probed, lost),
          'If the window update is lost, the answer to a later probe reports the open window.',
        ),
        finding(
          share(ignored, twice),
          `A second probe within ${limitMs} ms of the first gets no answer (tcp_invalid_ratelimit).`,
        ),
      ],
    };
  },
});
