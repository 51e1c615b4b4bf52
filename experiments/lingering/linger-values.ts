import { experiment, kind, type SetOptions, type Settable, type StructLinger, sentence, share } from 'lingerlab';

type Given = readonly [value: Settable<'SO_LINGER'>, how?: SetOptions];
/** What a socket is told whose SO_LINGER is 7 s. */
const given: Readonly<Record<'off' | 'zero' | 'five' | 'minus-1' | 'int-max' | 'off-with-5' | 'in-4-bytes', Given>> = {
  off: ['off'],
  zero: [0],
  five: [5],
  'minus-1': [-1],
  'int-max': [2 ** 31 - 1],
  'off-with-5': [{ l_onoff: 0, l_linger: 5 }],
  'in-4-bytes': [5, { length: 4 }],
};
const beforeSeconds = 7;
const linger2Seconds = 9;

const words = ({ l_onoff, l_linger }: StructLinger) => `${l_onoff ? 'on' : 'off'} ${l_linger}`;

/** Settings of a listener that are worth asking for: the rest is refused, or no different. */
const inheritable = ['off', 'five', 'minus-1'];

/** Ticks a second that kernels are built with on x86-64 and arm64. */
const rates = [100n, 250n, 300n, 1000n];
/** LONG_MAX ticks in seconds, as an int. */
const longest = rates.map((hz) => `on ${BigInt.asIntN(32, (2n ** 63n - 1n) / hz)}`);

export default experiment({
  id: 'linger-values',
  question: 'What does the kernel keep of an SO_LINGER setting, and what does an accepted socket inherit?',
  tags: ['SO_LINGER', 'setsockopt', 'getsockopt', 'struct linger', 'l_onoff', 'l_linger', 'EINVAL', 'inherit'],
  symptoms: ['negative linger time', 'setsockopt SO_LINGER invalid argument', 'what getsockopt returns for SO_LINGER'],
  factors: {
    value: ['off', 'zero', 'five', 'minus-1', 'int-max', 'off-with-5', 'in-4-bytes'],
    // a connected socket; a listener, before a connection is there or after
    on: ['connection', 'listener', 'listener-later'],
  },
  only: ({ value, on }) =>
    on === 'connection' || value === 'zero' || (on === 'listener' && inheritable.includes(value)),
  seconds: 0.2,
  measures: {
    set: kind.outcome({ text: 'what setsockopt(2) answered' }),
    kept: kind.outcome({ text: 'l_onoff and l_linger that the socket then has' }),
    inherited: kind.outcome({ text: 'l_onoff and l_linger of the accepted socket' }),
    linger2: kind.seconds({ compare: 'exact', text: 'TCP_LINGER2 of the accepted socket' }),
    reuse: kind.boolean({ text: 'SO_REUSEADDR of the accepted socket' }),
  },
  shows: ['set', 'kept', 'inherited', 'linger2', 'reuse'],

  async scenario({ client, server, until, note }, { value, on }) {
    const listener = await server.listen();
    if (on !== 'connection') {
      await listener.set('SO_LINGER', beforeSeconds);
      await listener.set('TCP_LINGER2', linger2Seconds);
    }
    if (on === 'listener') note('set', (await listener.set('SO_LINGER', ...given[value]).answer()).outcome);
    const [near, far] = await client.connect(listener);
    const socket = on === 'connection' ? near : listener;
    if (on === 'connection') await near.set('SO_LINGER', beforeSeconds);
    if (on !== 'listener') note('set', (await socket.set('SO_LINGER', ...given[value]).answer()).outcome);
    note('kept', words(await socket.linger()));
    note('inherited', words(await far.linger()));
    note('linger2', await far.get('TCP_LINGER2'));
    note('reuse', await far.get('SO_REUSEADDR'));

    await near.set('SO_LINGER', 'off');
    await far.set('SO_LINGER', 'off');
    await near.close();
    await far.ended();
    // an acknowledgement that crossed the second FIN would meet TIME-WAIT, and what that answers is reset (RFC 1337)
    await until(near, 'FIN-WAIT-2');
    await far.close();
    await Promise.all([until(near, 'TIME-WAIT'), until(far, 'CLOSED'), near.gone(), far.gone()]);
  },

  claims: [
    {
      id: 'kept-as-given',
      text: 'l_linger 0, 5 and INT_MAX read back as they were set',
      source: 'sk_setsockopt(), sk_getsockopt() in net/core/sock.c; from Linux 6.1, before it INT_MAX does not',
      when: ({ value }) => value === 'zero' || value === 'five' || value === 'int-max',
      holds: (facts, { value }) => facts.set === 'ok' && facts.kept === `on ${Number(given[value][0])}`,
    },
    {
      id: 'off-keeps-seconds',
      text: 'switched off, the option keeps the seconds that it had, whether l_linger is 0 or 5',
      source: 'sk_setsockopt() in net/core/sock.c: l_onoff 0 only clears the flag',
      when: ({ value }) => value === 'off' || value === 'off-with-5',
      holds: (facts) => facts.set === 'ok' && facts.kept === `off ${beforeSeconds}`,
    },
    {
      id: 'negative-is-longest',
      text: 'l_linger -1 is accepted, and reads back as LONG_MAX ticks in seconds, cut to an int',
      source: 'sk_setsockopt() in net/core/sock.c: MAX_SCHEDULE_TIMEOUT; from Linux 6.1. For HZ 100, 250, 300 or 1000',
      when: ({ value }) => value === 'minus-1',
      holds: (facts) => facts.set === 'ok' && longest.includes(facts.kept),
    },
    {
      id: 'too-short-is-refused',
      text: '4 bytes instead of a whole struct linger are refused with EINVAL, and change nothing',
      source: 'sk_setsockopt() in net/core/sock.c: optlen < sizeof(ling)',
      when: ({ value }) => value === 'in-4-bytes',
      holds: (facts) => facts.set === 'EINVAL' && facts.kept === `on ${beforeSeconds}`,
    },
    {
      id: 'accepted-inherits',
      text: "an accepted socket has its listener's SO_LINGER, off with its seconds too, its TCP_LINGER2 and its SO_REUSEADDR",
      source: 'sk_clone_lock() in net/core/sock.c copies the listener',
      when: ({ on }) => on === 'listener',
      holds: (facts) => facts.inherited === facts.kept && facts.linger2 === linger2Seconds && facts.reuse,
    },
    {
      id: 'inherited-at-the-handshake',
      text: 'SO_LINGER that is set on the listener after it accepted does not reach the accepted socket',
      source: 'tcp_create_openreq_child() in net/ipv4/tcp_minisocks.c: copied once, when the connection is established',
      when: ({ on }) => on === 'listener-later',
      holds: (facts) => facts.inherited === `on ${beforeSeconds}`,
    },
  ],

  answer(outcomes) {
    const listened = outcomes.filter(({ cell }) => cell.on === 'listener');
    const inherited = listened.filter(({ facts }) => facts.inherited === facts.kept);
    const asked = { 'minus-1': '-1', 'off-with-5': '{0, 5}', 'in-4-bytes': '5 in 4 bytes' } as const;
    const readings = Object.entries(asked).flatMap(([value, text]) => {
      const found = outcomes.find(({ cell }) => cell.value === value)?.facts;
      if (!found) return [];
      return `${text} ${found.set === 'ok' ? `read back as "${found.kept}"` : `was refused with ${found.set}`}`;
    });
    return sentence(
      listened.length > 0 &&
        `an accepted socket had its listener's SO_LINGER in ${share(inherited, listened)} settings`,
      readings.length > 0 && `on a socket with linger ${beforeSeconds}, ${readings.join(', ')}`,
    );
  },
});
