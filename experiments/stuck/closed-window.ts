import { ack, data, errnos, experiment, fin, is, kind, rst, type Sighting, sentence } from 'lingerlab';

/** More than the server's kernel takes when its application does not read, no more than the client's takes besides. */
const heldBytes = 150_000;
/** tcp_invalid_ratelimit as it is. */
const limitMs = 500;
/** A probe's time is when the wire read it, which on a busy machine was up to 48 ms late; the limit counts in the server's kernel. */
const wireMs = 50;
/** The most that a probe waits, for an orphan that is given up. */
const rtoMaxMs = 1000;
/** Probes that are waited for before anything else happens. */
const probes = { resumes: 3, 'update-lost': 1, closes: 2, resets: 1, 'closes-for-good': 1 } as const;

/** A tick earlier at HZ=100; a slot of the timer wheel, an eighth, and a busy machine later. */
const isAbout = (value: number, expected: number) => value >= expected - 10 && value < expected * 1.125 + 200;
/** Probes that wait for less, where each waits for twice as long as the one before. */
const probesBelow = (mostMs: number, rtoMs: number) => Math.ceil(Math.log2(mostMs / rtoMs));
const tolerance =
  'Tolerance: a tick at HZ=100 below; a slot of the timer wheel, an eighth, and 200 ms of a busy machine above';

export default experiment({
  id: 'closed-window',
  question: 'What happens while a reader does not read, and what does closing do then?',
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
  network: 'wire',
  sysctls: ({ next }) =>
    next === 'closes-for-good'
      ? // each probe is answered: one that is not counts as a retry, and the orphan would be given up for that
        {
          'net.ipv4.tcp_rto_max_ms': rtoMaxMs,
          'net.ipv4.tcp_orphan_retries': 0,
          'net.ipv4.tcp_retries2': 15,
          'net.ipv4.tcp_invalid_ratelimit': 0,
        }
      : {},
  seconds: 3,
  measures: {
    probeBytes: kind.bytes({ text: 'that the first probe carried' }),
    probeBehind: kind.count({ text: "how far its sequence number lay below the server's RCV.NXT" }),
    rto: kind.ms({ text: 'retransmission timeout, by TCP_INFO' }),
    probe1: kind.ms({ text: 'from the closed window to the first probe' }),
    probe2: kind.ms({ text: 'from the first probe to the second' }),
    probe3: kind.ms({ text: 'from the second to the third' }),
    answered1: kind.count({ text: 'answers to the first probe' }),
    answered2: kind.count({ text: 'answers to the second probe', compare: 'measurement' }),
    toldAfter: kind.ms({ text: 'from the first window update until the client was told' }),
    opened: kind.ms({ text: 'from what told the client of the open window to the next data' }),
    toldBy: { ...kind.word('window update', "a probe's answer"), text: 'what told the client of the open window' },
    closed: kind.outcome({ text: 'what closing answered' }),
    saidAtLast: {
      ...kind.word('FIN', 'RST', 'nothing'),
      text: 'the closing segment that the client sent while it had its socket; a RST that answers what comes later is not of it',
    },
  },
  shows: [
    'rto',
    'probe1',
    'probe2',
    'answered2',
    'probe3',
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

    // the client has nothing else to say
    const probe = async (after: Sighting) => wire.seen(ack.from('client'), { after });
    const first = await probe(zero);
    note('probe1', ms(zero, first));
    note('answered1', (await wire.answers(first)).length);
    note('probeBytes', first.segment.bytes);
    note('probeBehind', zero.segment.ack! - first.segment.seq!);
    let last = first;
    for (let count = 2; count <= probes[next]; count++) {
      const again = await probe(last);
      note(`probe${count}` as 'probe2', ms(last, again));
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
        // an update that is sent again would come before
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
      note('probe3', ms(last, await probe(last)));
      await far.resume();
    }
    if (next === 'closes-for-good') {
      await until(near, 'CLOSED');
      await said();
      // what it reads it acknowledges, to nobody: it is reset
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
      text: 'the first probe of a closed window is a segment without data, one below RCV.NXT, and is answered; no byte is risked',
      source:
        'tcp_xmit_probe_skb() in net/ipv4/tcp_output.c; RFC 9293 §3.8.6.1 speaks of at least one octet of new data',
      holds: (facts) => facts.probeBytes === 0 && facts.probeBehind === 1 && facts.answered1 === 1,
    },
    {
      id: 'first-after-rto',
      text: 'the first probe comes when the window has been closed for one retransmission timeout',
      source: `RFC 9293 §3.8.6.1 SHLD-29; tcp_probe0_base() in include/net/tcp.h. ${tolerance}`,
      holds: (facts) => isAbout(facts.probe1, facts.rto),
    },
    {
      id: 'then-doubled',
      text: 'the second probe comes after twice that time, the third after four times, whether or not the socket still has a process',
      source: `RFC 9293 §3.8.6.1 SHLD-30; tcp_probe0_when() in include/net/tcp.h. ${tolerance}`,
      when: ({ next }) => next === 'resumes' || next === 'closes',
      holds: (facts) => isAbout(facts.probe2, 2 * facts.rto) && isAbout(facts.probe3, 4 * facts.rto),
    },
    {
      id: 'answers-are-limited',
      text: 'with tcp_invalid_ratelimit 500 ms, the default, the second probe is not answered where it comes within that time of the first, which was',
      source:
        'tcp_validate_incoming() in net/ipv4/tcp_input.c: tcp_oow_rate_limited(), TCPACKSkippedSeq; RFC 9293 §3.8.6.1: "it must still send an acknowledgment". Tolerance: 50 ms, which the wire may be behind on a busy machine',
      when: ({ next }) => next === 'resumes' || next === 'closes',
      holds: (facts) => (facts.answered2 === 0 ? facts.probe2 < limitMs + wireMs : facts.probe2 >= limitMs - wireMs),
    },
    {
      id: 'update-wakes',
      text: 'when the reader reads again its kernel sends a window update, and the data goes on before another probe',
      source: 'RFC 9293 §3.8.6.2.2; tcp_cleanup_rbuf() in net/ipv4/tcp.c; tolerance: less than a timeout',
      when: ({ next }) => next === 'resumes',
      holds: (facts) =>
        facts.toldBy === 'window update' && facts.opened < facts.rto && facts['client.delivered'] === heldBytes,
    },
    {
      id: 'probe-saves',
      text: "where that window update is lost the reader's kernel does not send it again: the answer to a later probe opens the window, and the data goes on",
      source: 'RFC 9293 §3.8.6.1: "so that the re-opening of the window will be reliably reported"',
      when: ({ next }) => next === 'update-lost',
      holds: (facts) => facts.toldBy === "a probe's answer" && facts['client.delivered'] === heldBytes,
    },
    {
      id: 'close-loses-nothing',
      text: 'a plain close answers at once and loses nothing where the reader reads on after one more probe: the kernel probes on in FIN-WAIT-1, then the data goes, then the FIN',
      source: 'tcp_send_fin() in net/ipv4/tcp_output.c: the FIN waits behind the data; tolerance: less than a timeout',
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
      text: 'with SO_LINGER 0 the RST goes out though the window is closed; what was not sent is lost, and the reader reads what its kernel has, then ECONNRESET',
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
      text: `with tcp_rto_max_ms ${rtoMaxMs}, and the default tcp_orphan_retries 0 and tcp_retries2 15, an orphan whose reader does not read is given up when a probe has waited for tcp_rto_max_ms, though the probes before were answered: without a FIN or a RST, and what was not sent is lost; a RST is only the answer to what the reader acknowledges later`,
      source: `tcp_probe_timer() in net/ipv4/tcp_timer.c: SOCK_DEAD, tcp_orphan_retries(); tcp_send_probe0() in net/ipv4/tcp_output.c doubles the wait tcp_retries2 times at most: one that cannot reach tcp_rto_max_ms is not given up for that. ${tolerance}`,
      when: ({ next }) => next === 'closes-for-good',
      holds: (facts) =>
        facts['counters.client.TcpExt.TCPAbortOnTimeout'] === 1 &&
        facts['client.probedAt'].length === probesBelow(rtoMaxMs, facts.rto) &&
        // both count from the same moment
        isAbout((facts['client.gaveUpAfter'] - (facts['client.probedAt'].at(-1) ?? 0)) * 1000, rtoMaxMs) &&
        facts.saidAtLast === 'nothing' &&
        facts['client.delivered'] < heldBytes,
    },
  ],

  answer(outcomes) {
    const ms = (value: number) => `${Math.round(value)} ms`;
    const ended = (facts: (typeof outcomes)[number]['facts']) => {
      const said = facts.saidAtLast === 'nothing' ? 'neither FIN nor RST' : `a ${facts.saidAtLast}`;
      return 'client.gaveUpAfter' in facts
        ? `given up ${facts['client.gaveUpAfter'].toFixed(1)} s after the window closed, ${(facts['client.gaveUpAfter'] - (facts['client.probedAt'].at(-1) ?? 0)).toFixed(1)} s after the last probe, with ${said} (tcp_rto_max_ms ${rtoMaxMs})`
        : `closed with ${said}`;
    };
    const told = outcomes.map(
      ({ cell, facts }) =>
        `${cell.next} (first probe after ${ms(facts.probe1)}, timeout ${ms(facts.rto)}): ` +
        `${facts['client.delivered']} of ${heldBytes} bytes read, ${ended(facts)}`,
    );
    return sentence(told.length > 0 && `a reader stopped, the window closed, and then: ${told.join('; ')}`);
  },
});
