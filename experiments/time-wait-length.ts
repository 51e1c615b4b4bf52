import { experiment } from 'lingerlab';

/** TCP_TIMEWAIT_LEN in include/net/tcp.h. */
const length = 60;
/**
 * The timer wheel rounds up: a timer of 60 s is late by up to 512 jiffies at HZ=100 and 250, 4096 at HZ=1000
 * (kernel/time/timer.c, granularity 8^level): 5.1, 2.0 and 4.1 s.
 */
const slot = 5.2;
/** ss prints whole seconds. */
const printed = 1;

const spread = (seconds: readonly number[]) => Math.max(...seconds) - Math.min(...seconds);

export default experiment({
  id: 'time-wait-length',
  question: 'How long does TIME-WAIT last, and what can shorten it?',
  group: 'Closing',
  factors: { finTimeout: [60, 3], data: ['none', 'exchanged'], family: [4, 6] },
  sysctls: ({ finTimeout }) => ({ 'net.ipv4.tcp_fin_timeout': finTimeout }),
  seconds: 64,
  shows: ['timeWait.seconds', 'timeWait.timer', 'timeWait.endedBy', 'timeWait.holder'],

  async scenario({ client, server, until }, { data, family }) {
    const listener = await server.listen({ family });
    const [near, far] = await client.connect(listener);
    if (data === 'exchanged') {
      await near.write(1000);
      await far.received(1000);
      await far.write(1000);
      await near.received(1000);
    }
    await near.close();
    await until(near, 'FIN-WAIT-2');
    await far.close();
    await until(near, 'CLOSED');
  },

  claims: [
    {
      id: 'a-minute',
      text: 'TIME-WAIT lasts 60 s, and up to one slot of the timer wheel longer',
      source:
        'TCP_TIMEWAIT_LEN in include/net/tcp.h; RFC 9293 §3.6.1, MUST-13, asks for twice the maximum segment lifetime',
      holds: (facts) => facts['timeWait.seconds'] >= length && facts['timeWait.seconds'] <= length + slot,
    },
    {
      id: 'ends-by-timer',
      text: 'its timer ends it',
      source: 'tw_timer_handler() in net/ipv4/inet_timewait_sock.c',
      holds: (facts) => facts['timeWait.endedBy'] === 'timer',
    },
    {
      id: 'timer-says-so',
      text: 'ss shows the timer from the beginning: 60 s, whatever tcp_fin_timeout is',
      source: 'inet_twsk_schedule() in net/ipv4/inet_timewait_sock.c; ss(8) -o',
      holds: (facts) => Math.abs(facts['timeWait.timer'] - length) <= printed,
    },
  ],
  across: [
    {
      id: 'fin-timeout-is-not-it',
      text: 'tcp_fin_timeout does not shorten TIME-WAIT: it is for orphans in FIN-WAIT-2',
      source: 'tcp(7), tcp_fin_timeout; tcp_time_wait() in net/ipv4/tcp_minisocks.c',
      holds: (outcomes) => spread(outcomes.map(({ facts }) => facts['timeWait.seconds'])) <= slot,
    },
  ],
  answer(outcomes) {
    const lasted = (finTimeout: number) =>
      outcomes
        .filter(({ cell }) => cell.finTimeout === finTimeout)
        .map(({ facts }) => facts['timeWait.seconds'])
        .sort((a, b) => a - b);
    const range = (seconds: readonly number[]) =>
      seconds.length === 0 ? 'unknown' : `${seconds[0]?.toFixed(1)} to ${seconds.at(-1)?.toFixed(1)} s`;
    return `TIME-WAIT lasted ${range(lasted(60))} with tcp_fin_timeout 60 and ${range(lasted(3))} with tcp_fin_timeout 3.`;
  },
});
