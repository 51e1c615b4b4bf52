import { finding, loadExperiment, margin, range } from 'lingerlab';

const seconds = 0.1;
const warmUpSeconds = 0.05;

/** What the text of a finding calls it. */
const named = {
  destroy: 'destroy() or close(2), which sends a FIN',
  'linger-0': 'SO_LINGER 0, which sends a RST',
} as const;

export default loadExperiment({
  id: 'load-sockets',
  question: "What does Node's net cost a connection, against system calls alone?",
  tags: ['net', 'libuv', 'epoll', 'benchmark', 'CPU', 'connections per second'],
  symptoms: ['is Node slow at opening connections', 'overhead of node:net'],
  whenNamed: true,
  factors: { sockets: ['net', 'libc'], by: ['destroy', 'linger-0'] },
  words: {
    sockets: {
      text: 'what makes and closes the connections of both ends',
      values: { net: "Node's net", libc: 'system calls from JavaScript, with epoll' },
    },
    by: { text: 'how the client, which closes first, closes', values: named },
  },
  load: { repeats: 60, until: { within: 0.03, seconds: 20 }, baseline: { sockets: 'net' } },
  seconds: seconds + warmUpSeconds + 0.03,
  sysctls: () => ({ 'net.ipv4.tcp_max_tw_buckets': 262_144 }),
  shows: ['rate.perSecond', 'latency.p50Us', 'cpu.clientUs', 'cpu.serverUs', 'cpu.saturated'],

  async scenario({ load }, { sockets, by }) {
    await load({ sockets, by, seconds, warmUpSeconds });
  },

  claims: [
    {
      id: 'the-same-connections',
      text: 'no connection failed, and each connection that was closed with a FIN left one TIME-WAIT',
      source:
        'what the client counted; tcp_time_wait() in net/ipv4/tcp_minisocks.c. Tolerance: 1 in 100; of 2,000 closes about one loses it to an acknowledgement that comes late (the experiment time-wait-assassination)',
      holds: (facts, { by }) =>
        facts['load.failed'] === 0 && Math.abs(facts['timeWait.each'] - (by === 'linger-0' ? 0 : 1)) <= 0.01,
    },
  ],

  answer(outcomes, compared) {
    const times = range(
      compared.map(({ ratio }) => ratio),
      { digits: 2, unit: '×' },
    );
    const faster = compared.every(({ differs }) => differs === 'more');
    return {
      headline:
        compared.length > 0 &&
        (faster
          ? `System calls alone make ${times} the connections of net (loopback, ${seconds} s windows).`
          : `System calls alone are not significantly faster than net in each way (${times}).`),
      findings: compared.map(({ cell, ratio, differs }) =>
        finding(
          `${ratio.toFixed(2)} ×`,
          `Rate without net against the rate with net, where the client closes by ${named[cell.by]}: ${said[differs]}.`,
          outcomes.filter(({ cell: own }) => own.by === cell.by),
        ),
      ),
    };
  },
});

const said = {
  more: 'faster',
  fewer: 'slower',
  alike: `unchanged, within ${margin * 100} %`,
  'not shown': `no significant difference beyond ${margin * 100} %`,
} as const;
