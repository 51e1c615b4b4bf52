import { experiment, finding, kind, type SetOptions, type Settable, type StructLinger, share } from 'lingerlab';

type Given = readonly [value: Settable<'SO_LINGER'>, how?: SetOptions];
/** What is set on a socket whose SO_LINGER is 7 s. */
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

const written = ({ l_onoff, l_linger }: StructLinger) => `${l_onoff ? 'on' : 'off'} ${l_linger}`;

/** Settings that are tried on a listener: the others fail, or give nothing new. */
const inheritable = ['off', 'five', 'minus-1'];

/** HZ of kernels on x86-64 and arm64: ticks per second. */
const rates = [100n, 250n, 300n, 1000n];
/** LONG_MAX ticks in seconds, as an int. */
const longest = rates.map((hz) => `on ${BigInt.asIntN(32, (2n ** 63n - 1n) / hz)}`);

export default experiment({
  id: 'linger-values',
  question: 'Which SO_LINGER does a socket have after setsockopt(2), and which does an accepted socket inherit?',
  tags: ['SO_LINGER', 'setsockopt', 'getsockopt', 'struct linger', 'l_onoff', 'l_linger', 'EINVAL', 'inherit'],
  symptoms: ['negative linger time', 'setsockopt SO_LINGER invalid argument', 'what getsockopt returns for SO_LINGER'],
  factors: {
    value: ['off', 'zero', 'five', 'minus-1', 'int-max', 'off-with-5', 'in-4-bytes'],
    on: ['connection', 'listener', 'listener-later'],
  },
  words: {
    value: {
      text: `what is set on a socket whose SO_LINGER is ${beforeSeconds} s`,
      values: {
        off: 'off',
        zero: 'on, 0 s',
        five: 'on, 5 s',
        'minus-1': 'on, −1 s',
        'int-max': 'on, INT_MAX s (2,147,483,647)',
        'off-with-5': 'off, with 5 s in l_linger',
        'in-4-bytes': 'on, in 4 bytes instead of the 8 of struct linger',
      },
    },
    on: {
      text: 'the socket that it is set on',
      values: {
        connection: 'the client, connected',
        listener: 'the listener, before it accepts the connection',
        'listener-later': 'the listener, after it accepted the connection',
      },
    },
  },
  only: ({ value, on }) =>
    on === 'connection' || value === 'zero' || (on === 'listener' && inheritable.includes(value)),
  seconds: 0.2,
  measures: {
    set: kind.outcome({ label: 'setsockopt(2)', text: 'what setsockopt(2) returned' }),
    kept: kind.outcome({ label: 'getsockopt(2)', text: 'l_onoff and l_linger that getsockopt(2) then returns' }),
    inherited: kind.outcome({ label: 'accepted socket', text: 'l_onoff and l_linger of the accepted socket' }),
    linger2: kind.seconds({ label: 'its TCP_LINGER2', compare: 'exact', text: 'TCP_LINGER2 of the accepted socket' }),
    reuse: kind.boolean({ label: 'its SO_REUSEADDR', text: 'SO_REUSEADDR of the accepted socket' }),
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
    note('kept', written(await socket.linger()));
    note('inherited', written(await far.linger()));
    note('linger2', await far.get('TCP_LINGER2'));
    note('reuse', await far.get('SO_REUSEADDR'));

    await near.set('SO_LINGER', 'off');
    await far.set('SO_LINGER', 'off');
    await near.close();
    await far.ended();
    // an acknowledgement that crossed the second FIN would meet TIME-WAIT, and a RST would answer its answer (RFC 1337)
    await until(near, 'FIN-WAIT-2');
    await far.close();
    await Promise.all([until(near, 'TIME-WAIT'), until(far, 'CLOSED'), near.gone(), far.gone()]);
  },

  claims: [
    {
      id: 'kept-as-given',
      text: 'since Linux 6.6, and in 6.1 stable, l_linger 0, 5 and INT_MAX read back as they were set',
      source: 'sk_setsockopt(), sk_getsockopt() in net/core/sock.c; before bc1fb82ae117 INT_MAX does not',
      when: ({ value }) => value === 'zero' || value === 'five' || value === 'int-max',
      holds: (facts, { value }) => facts.set === 'ok' && facts.kept === `on ${Number(given[value][0])}`,
    },
    {
      id: 'off-keeps-seconds',
      text: 'SO_LINGER that is switched off keeps its seconds, whether l_linger is 0 or 5',
      source: 'sk_setsockopt() in net/core/sock.c: l_onoff 0 only clears the flag',
      when: ({ value }) => value === 'off' || value === 'off-with-5',
      holds: (facts) => facts.set === 'ok' && facts.kept === `off ${beforeSeconds}`,
    },
    {
      id: 'negative-is-longest',
      text: 'since Linux 6.6, and in 6.1 stable, l_linger −1 is accepted, and reads back as LONG_MAX ticks in seconds, cut to an int',
      source: 'sk_setsockopt() in net/core/sock.c: MAX_SCHEDULE_TIMEOUT; bc1fb82ae117. For HZ 100, 250, 300 or 1000',
      when: ({ value }) => value === 'minus-1',
      holds: (facts) => facts.set === 'ok' && longest.includes(facts.kept),
    },
    {
      id: 'too-short-is-refused',
      text: 'setsockopt(2) with 4 bytes instead of a whole struct linger fails with EINVAL and changes nothing',
      source: 'sk_setsockopt() in net/core/sock.c: optlen < sizeof(ling)',
      when: ({ value }) => value === 'in-4-bytes',
      holds: (facts) => facts.set === 'EINVAL' && facts.kept === `on ${beforeSeconds}`,
    },
    {
      id: 'accepted-inherits',
      text: "an accepted socket has its listener's SO_LINGER (the seconds, too, where it is off), TCP_LINGER2 and SO_REUSEADDR",
      source: 'sk_clone_lock() in net/core/sock.c copies the listener',
      when: ({ on }) => on === 'listener',
      holds: (facts) => facts.inherited === facts.kept && facts.linger2 === linger2Seconds && facts.reuse,
    },
    {
      id: 'inherited-at-the-handshake',
      text: 'SO_LINGER that is set on the listener after it accepted does not change the accepted socket',
      source: 'tcp_create_openreq_child() in net/ipv4/tcp_minisocks.c: copied once, when the connection is established',
      when: ({ on }) => on === 'listener-later',
      holds: (facts) => facts.inherited === `on ${beforeSeconds}`,
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const listened = outcomes.filter(({ cell }) => cell.on === 'listener');
    const inherited = listened.filter(({ facts }) => facts.inherited === facts.kept);
    const withMore = inherited.filter(({ facts }) => facts.linger2 === linger2Seconds && facts.reuse);
    const later = outcomes.filter(({ cell }) => cell.on === 'listener-later');
    const unchanged = later.filter(({ facts }) => facts.inherited === `on ${beforeSeconds}`);
    const of = (...values: readonly Outcomes[number]['cell']['value'][]) =>
      outcomes.filter(({ cell }) => values.includes(cell.value));
    const [negative, off, short] = [of('minus-1'), of('off', 'off-with-5'), of('in-4-bytes')];
    const endless = negative.filter(({ facts }) => facts.set === 'ok' && longest.includes(facts.kept));
    const plain = of('zero', 'five', 'int-max');
    const asGiven = plain.filter(({ cell, facts }) => facts.kept === `on ${Number(given[cell.value][0])}`);
    return {
      headline:
        negative.length > 0
          ? endless.length === negative.length
            ? 'SO_LINGER −1 does not mean off: the kernel keeps it as its longest time.'
            : 'The kernel does not keep SO_LINGER −1 as its longest time.'
          : listened.length > 0 &&
            (inherited.length === listened.length
              ? "An accepted socket inherits its listener's SO_LINGER."
              : "An accepted socket does not always inherit its listener's SO_LINGER."),
      findings: [
        finding(
          share(withMore, listened),
          "An accepted socket has its listener's SO_LINGER, TCP_LINGER2 and SO_REUSEADDR.",
        ),
        finding(
          share(unchanged, later),
          'SO_LINGER set on the listener after it accepted does not change the accepted socket.',
        ),
        finding(
          share(endless, negative),
          'setsockopt(2) accepts l_linger −1, and keeps it as LONG_MAX ticks, its longest time.',
        ),
        finding(
          share(
            off.filter(({ facts }) => facts.kept === `off ${beforeSeconds}`),
            off,
          ),
          'SO_LINGER that is switched off keeps its seconds: getsockopt(2) still returns them.',
        ),
        finding(
          share(
            short.filter(({ facts }) => facts.set === 'EINVAL'),
            short,
          ),
          'setsockopt(2) with 4 bytes instead of the 8 of struct linger fails with EINVAL.',
        ),
        finding(share(asGiven, plain), 'SO_LINGER 0, 5 and INT_MAX read back as they were set.'),
      ],
    };
  },
});
