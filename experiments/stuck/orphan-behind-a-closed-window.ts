import { ack, experiment, fin, finding, kind, range, rst, share, tcp } from 'lingerlab';
import { isAbout, tolerance } from './shared/probes.ts';

/** More than the server's kernel takes unread; the client's kernel takes the rest. */
const heldBytes = 150_000;
/** Longest wait before a probe; 120 s where it is not set, which no cell can wait for. */
const capMs = 1000;
/** How long an orphan is watched that is not given up: more than twice as long as those last that are. */
const watchedSeconds = 8;
const lookedAtEvery = 0.5;
/** With tcp_orphan_retries 0, so many probes without an answer: tcp_orphan_retries() in net/ipv4/tcp_timer.c. */
const unanswered = 8;

type Asked = { readonly retries2: string; readonly probes: string; readonly cap: string };
/** Whether the wait before a probe, which doubles tcp_retries2 times from an RTO of 200 to 250 ms, comes to its longest. */
const reachesCap = ({ retries2, cap }: Asked) => cap === '1s' && retries2 !== '2';

const timeouts = 'counters.client.TcpExt.TCPAbortOnTimeout';

export default experiment({
  id: 'orphan-behind-a-closed-window',
  question: 'An application has closed, but the other end does not read: how long does the kernel keep the data?',
  tags: ['FIN-WAIT-1', 'orphan', 'zero window', 'tcp_retries2', 'tcp_orphan_retries', 'tcp_rto_max_ms', 'window probe'],
  symptoms: [
    'FIN_WAIT1 grows',
    'sockets stuck in FIN_WAIT1',
    'closed socket stays for minutes',
    'orphaned sockets do not go away',
    'slow reader keeps closed connections',
  ],
  factors: { retries2: ['2', '3', '15'], probes: ['answered', 'lost'], cap: ['none', '1s'] },
  words: {
    retries2: {
      text: 'tcp_retries2; tcp_orphan_retries is 0, as by default',
      values: { 2: '2', 3: '3', 15: '15, as by default' },
    },
    probes: {
      text: 'what becomes of the window probes',
      values: { answered: "the reader's kernel answers each of them", lost: 'the path loses all of them' },
    },
    cap: {
      text: 'tcp_rto_max_ms, the longest wait before a probe',
      values: { none: '120,000, as by default', '1s': `${capMs.toLocaleString('en')}` },
    },
  },
  only: ({ retries2, probes, cap }) => (cap === '1s' ? true : probes === 'answered' && retries2 === '15'),
  network: 'wire',
  sysctls: ({ retries2, cap }) => ({
    'net.ipv4.tcp_retries2': Number(retries2),
    'net.ipv4.tcp_orphan_retries': 0,
    'net.ipv4.tcp_rto_max_ms': cap === '1s' ? capMs : undefined,
    // each probe is answered, however close they come
    'net.ipv4.tcp_invalid_ratelimit': 0,
  }),
  seconds: watchedSeconds + 1,
  measures: {
    rto: kind.ms({ text: 'retransmission timeout of the client, by TCP_INFO' }),
    after: kind.outcome({
      text: `state of the closed socket at the end, by ss: once it was gone, or after ${watchedSeconds} s`,
    }),
    timer: kind.outcome({
      text: 'timer of the closed socket at the end, by ss; persist is the timer of window probes',
    }),
    lost: kind.count({ compare: 'measurement', text: 'window probes of the closed socket that the wire dropped' }),
    said: {
      ...kind.word('FIN', 'RST', 'nothing'),
      label: 'closing segment',
      text: 'closing segment that the closed socket sent',
    },
  },
  shows: ['after', 'timer', 'client.gaveUpAfter', 'client.probedAt', 'lost', 'said', timeouts],

  async scenario({ client, server, wire, look, rest, note }, { probes }) {
    const [near, far] = await client.connect(await server.listen());
    await near.fill(far, { bytes: heldBytes });
    await wire.seen(ack.from('server').withWindow(0));
    note('rto', (await near.info()).rtoUs / 1000);
    if (probes === 'lost') await wire.blackhole(tcp.from('client'));
    // on a busy machine the first probe was carried before that, and answered
    const carried = await wire.count(tcp.from('client'));
    await near.close('destroy');
    let last = await look(near);
    for (let seconds = 0; last && seconds < watchedSeconds; seconds += lookedAtEvery) {
      await rest(lookedAtEvery);
      last = await look(near);
    }
    if (probes === 'lost') note('lost', (await wire.count(tcp.from('client'))) - carried);
    note('after', last?.state ?? 'no socket');
    note('timer', last?.timer?.name ?? 'none');
    const [resets, fins] = [await wire.count(rst.from('client')), await wire.count(fin.from('client'))];
    note('said', resets > 0 ? 'RST' : fins > 0 ? 'FIN' : 'nothing');
  },

  claims: [
    {
      id: 'dropped-at-the-longest-wait',
      text: 'with tcp_orphan_retries 0, the kernel drops an orphan behind a closed window once tcp_rto_max_ms has passed since a probe, even if each probe was answered: no FIN or RST is sent, and unsent data is lost',
      source: `tcp_probe_timer() in net/ipv4/tcp_timer.c: SOCK_DEAD, alive, tcp_orphan_retries(). ${tolerance}`,
      when: reachesCap,
      holds: (facts) =>
        facts.after === 'no socket' &&
        facts.said === 'nothing' &&
        facts[timeouts] === 1 &&
        // both times count from the same moment
        isAbout((facts['client.gaveUpAfter'] - (facts['client.probedAt'].at(-1) ?? 0)) * 1000, capMs),
    },
    {
      id: 'answers-keep-it',
      text: `while the probe interval is below tcp_rto_max_ms, because tcp_retries2 is 2 or because tcp_rto_max_ms is 120 s, an orphan whose probes are answered stays in FIN-WAIT-1, here for ${watchedSeconds} s`,
      source: 'tcp_probe_timer() in net/ipv4/tcp_timer.c; tcp_ack() in net/ipv4/tcp_input.c: icsk_probes_out = 0',
      when: (cell) => !reachesCap(cell) && cell.probes === 'answered',
      holds: (facts) => facts.after === 'FIN-WAIT-1' && facts.timer === 'persist' && facts.said === 'nothing',
    },
    {
      id: 'unanswered-are-counted',
      text: `with tcp_orphan_retries 0 and tcp_retries2 2, ${unanswered} probes without an answer end the orphan, if the probe interval stays below tcp_rto_max_ms`,
      source: 'tcp_orphan_retries() in net/ipv4/tcp_timer.c: 0 stands for 8',
      when: (cell) => !reachesCap(cell) && cell.probes === 'lost' && cell.retries2 === '2',
      holds: (facts) => facts.after === 'no socket' && facts.lost === unanswered && facts[timeouts] === 1,
    },
    {
      id: 'says-nothing',
      text: 'whether the orphan stays or is dropped, it sends neither a FIN nor a RST: the FIN waits behind the data',
      source:
        'tcp_write_err() in net/ipv4/tcp_timer.c sends nothing; tcp_send_fin() in net/ipv4/tcp_output.c queues the FIN',
      holds: (facts) => facts.said === 'nothing',
    },
  ],

  guide: [
    {
      about: { tcp_orphan_retries: 'measured' },
      claim: 'unanswered-are-counted',
      text: 'With tcp_orphan_retries 0, 8 unanswered probes of a closed window end a closed socket, if their interval stays below tcp_rto_max_ms (here tcp_retries2 2).',
    },
    {
      about: { tcp_orphan_retries: 'risks', tcp_max_orphans: 'risks' },
      claim: 'answers-keep-it',
      text: 'A closed socket whose reader does not read, but answers probes, stays in FIN-WAIT-1 while the probe interval is below tcp_rto_max_ms (watched for 8 s).',
    },
  ],

  answer(outcomes) {
    const gone = outcomes.filter(({ facts }) => facts.after === 'no socket');
    const capped = outcomes.filter(({ cell }) => reachesCap(cell));
    const dropped = capped.filter((each) => gone.includes(each));
    const answered = outcomes.filter(({ cell }) => !reachesCap(cell) && cell.probes === 'answered');
    const stay = answered.filter(({ facts }) => facts.after === 'FIN-WAIT-1');
    const lost = outcomes.filter(({ cell }) => !reachesCap(cell) && cell.probes === 'lost' && cell.retries2 === '2');
    const counted = lost.filter((each) => gone.includes(each));
    const silent = outcomes.filter(({ facts }) => facts.said === 'nothing');
    return {
      headline:
        capped.length > 0 && dropped.length === capped.length && stay.length === answered.length
          ? 'An orphan ends once window probes are tcp_rto_max_ms apart.'
          : answered.length > 0 && stay.length === answered.length
            ? 'FIN-WAIT-1 stays while the reader answers probes.'
            : outcomes.length > 0 && `A closed socket was dropped in ${share(gone, outcomes)} cases.`,
      findings: [
        finding(
          share(stay, answered),
          `While the probe interval is below tcp_rto_max_ms and the reader's kernel answers, the closed socket stays in FIN-WAIT-1 (watched for ${watchedSeconds} s).`,
        ),
        dropped.length > 0 &&
          finding(
            range(dropped, ({ facts }) => facts['client.gaveUpAfter'], { digits: 1, unit: 's' }),
            `With tcp_rto_max_ms ${capMs} and tcp_retries2 3 or 15, the kernel drops the socket once ${capMs} ms have passed since a probe, answered or not (tcp_orphan_retries 0).`,
          ),
        counted.length > 0 &&
          finding(
            share(counted, lost),
            `If the probe interval stays below tcp_rto_max_ms, the kernel drops the socket after ${range(counted, ({ facts }) => facts.lost)} probes without an answer (tcp_orphan_retries 0).`,
          ),
        finding(share(silent, outcomes), 'Neither a FIN nor a RST goes to the other end.'),
      ],
    };
  },
});
