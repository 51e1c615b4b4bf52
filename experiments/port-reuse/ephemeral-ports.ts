import { experiment, finding, is, kind, share } from 'lingerlab';

/** First port of net.ipv4.ip_local_port_range of each cell. */
const first = 40_000;
/** Ports of the range. */
const eight = 8;
/** The port that is reserved, counted from the first. */
const kept = 4;
/** Servers, each with a port of its own: one more than the cell connects to is tried when no port is left. */
const most = 4;
/** Older than the second after which tcp_tw_reuse 1 gives out the port of a TIME-WAIT. */
const olderSeconds = 1.2;

interface Asked {
  readonly source: string;
  readonly to: string;
  readonly setting: string;
}
const portsOf = ({ setting }: Asked): number => (setting === 'tw-reuse' ? 2 : eight);
/** Ports that the kernel gives out: none that is reserved. */
const givenOf = (cell: Asked): number => portsOf(cell) - (cell.setting === 'reserved' ? 1 : 0);
/** Whether bind(2) chooses the port, so that one serves one connection in all. */
const isBound = ({ source }: Asked): boolean => source === 'bound' || source === 'bound-reuseaddr';
const refusalOf = (cell: Asked): string => (isBound(cell) ? 'bind EADDRINUSE' : 'connect EADDRNOTAVAIL');

/** Whether connect(2) alone has used up all ports, of ESTABLISHED connections. */
const isFilled = ({ source, to, setting, left }: Asked & { readonly left: string }): boolean =>
  source === 'unbound' && to === 'one' && setting === 'none' && left === 'ESTABLISHED';
/** Whether which ports come first is no chance: none is reserved, and no step is. */
const isOrdered = ({ to, setting }: Asked): boolean => to === 'one' && setting === 'none';
/** Ports of the first half of the connections, counted from the first of the range, which is even. */
const firstHalfOf = (source: string): readonly string[] =>
  source === 'bound'
    ? ['1', '3', '5', '7']
    : source === 'bound-reuseaddr'
      ? ['0', '1', '2', '3']
      : ['0', '2', '4', '6'];

export default experiment({
  id: 'ephemeral-ports',
  question: 'Which ports does the kernel choose for clients, and when is none left?',
  tags: [
    'ephemeral port',
    'ip_local_port_range',
    'ip_local_reserved_ports',
    'ip_autobind_reuse',
    'ip_local_port_step_width',
    'IP_BIND_ADDRESS_NO_PORT',
    'EADDRNOTAVAIL',
    'EADDRINUSE',
    'port exhaustion',
    'tcp_tw_reuse',
  ],
  symptoms: [
    'port exhaustion',
    'out of ephemeral ports',
    'EADDRNOTAVAIL: cannot assign requested address',
    'only even ports are used',
  ],
  factors: {
    source: ['unbound', 'bound', 'bound-reuseaddr', 'bound-late'],
    to: ['one', 'four'],
    left: ['ESTABLISHED', 'TIME-WAIT'],
    setting: ['none', 'tw-reuse', 'reserved', 'autobind-reuse', 'step-width'],
  },
  words: {
    source: {
      text: "which call chooses the client's port",
      values: {
        unbound: 'connect(2)',
        bound: 'bind(2) to port 0',
        'bound-reuseaddr': 'bind(2) to port 0, with SO_REUSEADDR',
        'bound-late': 'connect(2), after bind(2) to port 0 with IP_BIND_ADDRESS_NO_PORT',
      },
    },
    to: {
      text: 'where the client connects',
      values: {
        one: 'to one server',
        four: 'to four servers, one after the other',
      },
    },
    left: {
      text: "the client's end of each connection when the next begins",
      values: { ESTABLISHED: 'ESTABLISHED', 'TIME-WAIT': 'TIME-WAIT: the client closed first' },
    },
    setting: {
      text: `what is set; the range is ${first}–${first + eight - 1}`,
      values: {
        none: 'tcp_tw_reuse 0, as in all cells but those of tw-reuse',
        'tw-reuse': `tcp_tw_reuse 1; the range is ${first}–${first + 1}`,
        reserved: `ip_local_reserved_ports ${first + kept}`,
        'autobind-reuse': 'ip_autobind_reuse 1',
        'step-width': 'ip_local_port_step_width 8',
      },
    },
  },
  only({ source, to, left, setting }) {
    const chosen: Readonly<Record<string, readonly string[]>> = {
      'unbound one': [
        'ESTABLISHED none',
        'TIME-WAIT none',
        'TIME-WAIT tw-reuse',
        'ESTABLISHED reserved',
        'ESTABLISHED step-width',
      ],
      'unbound four': ['TIME-WAIT none'],
      'bound one': ['ESTABLISHED none', 'TIME-WAIT tw-reuse', 'ESTABLISHED reserved'],
      'bound four': ['TIME-WAIT none'],
      'bound-reuseaddr one': ['ESTABLISHED none', 'TIME-WAIT none', 'ESTABLISHED autobind-reuse'],
      'bound-late one': ['TIME-WAIT tw-reuse'],
      'bound-late four': ['TIME-WAIT none'],
    };
    return chosen[`${source} ${to}`]?.includes(`${left} ${setting}`) ?? false;
  },
  sysctls: (cell) => ({
    'net.ipv4.ip_local_port_range': `${first} ${first + portsOf(cell) - 1}`,
    'net.ipv4.tcp_tw_reuse': cell.setting === 'tw-reuse' ? 1 : 0,
    'net.ipv4.ip_local_reserved_ports': cell.setting === 'reserved' ? first + kept : undefined,
    'net.ipv4.ip_autobind_reuse': cell.setting === 'autobind-reuse' ? 1 : undefined,
    'net.ipv4.ip_local_port_step_width': cell.setting === 'step-width' ? eight : undefined,
  }),
  seconds: ({ setting }) => (setting === 'tw-reuse' ? olderSeconds + 0.5 : 0.5),
  measures: {
    got: kind.count({
      label: 'connections',
      text: 'connections until the first attempt that failed, to all servers together',
    }),
    firstHalf: {
      ...kind.words(),
      text: 'ports of the first half of the connections to the first server, in order, counted from the first of the range',
    },
    refused: kind.outcome({ text: 'the call that failed at that attempt, and its errno' }),
    elsewhere: kind.outcome({ text: 'the next attempt, to another server: ok, or the call that failed' }),
    later: kind.outcome({ text: `an attempt ${olderSeconds} s later: ok, or the call that failed` }),
    binds: kind.outcome({ text: 'bind(2) to port 0 of a new socket then, on the address of the connections' }),
    bindsElsewhere: kind.outcome({ text: 'the same on another address of that end' }),
    boundTo: kind.count({ text: 'the port that getsockname(2) gives between bind(2) and connect(2)' }),
  },
  shows: ['got', 'refused', 'elsewhere', 'later', 'firstHalf', 'binds', 'bindsElsewhere', 'boundTo'],

  async scenario({ client, server, until, rest, note }, cell) {
    const { source, to, left, setting } = cell;
    const listeners = await Promise.all(Array.from({ length: most + 1 }, () => server.listen()));
    const spare = listeners.pop();
    const ports: number[] = [];
    /** Connects once more: `ok`, or the call that failed. */
    const attempt = async (number: number): Promise<string> => {
      const listener = listeners[number] ?? spare;
      if (!listener) throw new Error(`no server ${number}`);
      const socket = await client.socket();
      if (source === 'bound-reuseaddr') await socket.set('SO_REUSEADDR', true);
      if (source === 'bound-late') await socket.set('IP_BIND_ADDRESS_NO_PORT', true);
      const binding = source === 'unbound' ? undefined : await socket.bind({ port: 0 }).answer();
      if (binding?.ok === false) return `bind ${binding.errno}`;
      if (binding && source === 'bound-late') note('boundTo', binding.value.port);
      const connecting = await socket.connect(listener).answer();
      if (!connecting.ok) {
        await socket.close();
        return `connect ${connecting.errno}`;
      }
      ports.push(connecting.value.local.port);
      if (left === 'ESTABLISHED') return 'ok';
      const far = await listener.accepted(connecting.value);
      await socket.close();
      // an ACK that the server sends later would have the client's RST end its TIME-WAIT: time-wait-assassination
      await until(connecting.value, 'FIN-WAIT-2');
      await far.ended();
      await far.close('destroy');
      // its FIN is acknowledged: the client is in TIME-WAIT
      await until(far, 'CLOSED');
      return 'ok';
    };

    let refused = 'ok';
    for (let number = 0; number < (to === 'four' ? most : 1); number++) {
      refused = 'ok';
      while (refused === 'ok' && ports.length < most * (eight + 1)) refused = await attempt(number);
    }
    const half = ports.slice(0, portsOf(cell) / 2).sort((a, b) => a - b);
    // with tcp_tw_reuse a machine so busy that a second has passed has found more
    if (setting !== 'tw-reuse') {
      note('got', ports.length);
      note('refused', refused);
    }
    if (isOrdered(cell))
      note(
        'firstHalf',
        half.map((port) => String(port - first)),
      );
    if (to === 'one') note('elsewhere', await attempt(most));
    if (isFilled(cell)) {
      const binds = async (at: 'own' | 'other') => (await client.bind({ port: 0, at }).answer()).outcome;
      note('binds', await binds('own'));
      note('bindsElsewhere', await binds('other'));
    }
    if (setting !== 'tw-reuse') return;
    await rest(olderSeconds);
    note('later', await attempt(0));
  },

  claims: [
    {
      id: 'once-per-server',
      text: 'with tcp_tw_reuse 0, where connect(2) chooses the port, also after bind(2) with IP_BIND_ADDRESS_NO_PORT, each port serves one connection to each server, ESTABLISHED or in TIME-WAIT; then connect(2) fails with EADDRNOTAVAIL, and another server is still reached',
      source:
        '__inet_hash_connect(), __inet_check_established() in net/ipv4/inet_hashtables.c; ip(7): IP_BIND_ADDRESS_NO_PORT',
      when: (cell) => !isBound(cell) && cell.setting !== 'tw-reuse',
      holds: (facts, cell) =>
        facts.got === givenOf(cell) * (cell.to === 'four' ? most : 1) &&
        facts.refused === refusalOf(cell) &&
        (cell.to === 'four' || facts.elsewhere === 'ok'),
    },
    {
      id: 'once-in-all',
      text: 'where bind(2) to port 0 chooses the port, each port of an address serves one connection in all; then bind(2) fails with EADDRINUSE, whatever the server',
      source: 'inet_csk_find_open_port() in net/ipv4/inet_connection_sock.c does not know the other end',
      when: (cell) => isBound(cell) && !cell.setting.endsWith('-reuse'),
      holds: (facts, cell) =>
        facts.got === givenOf(cell) &&
        facts.refused === refusalOf(cell) &&
        (cell.to === 'four' || facts.elsewhere === refusalOf(cell)),
    },
    {
      id: 'used-up-for-bind-too',
      text: 'where connect(2) has taken all ports of the range, bind(2) to port 0 fails with EADDRINUSE on that address, and succeeds on another one',
      source: 'inet_csk_find_open_port() in net/ipv4/inet_connection_sock.c; inet_rcv_saddr_equal()',
      when: isFilled,
      holds: (facts) => facts.binds === 'EADDRINUSE' && facts.bindsElsewhere === 'ok',
    },
    {
      id: 'late-has-no-port',
      text: 'with IP_BIND_ADDRESS_NO_PORT bind(2) to port 0 takes no port: getsockname(2) gives 0 until connect(2)',
      source: 'ip(7): IP_BIND_ADDRESS_NO_PORT; inet_bind() in net/ipv4/af_inet.c',
      when: ({ source }) => source === 'bound-late',
      holds: (facts) => facts.boundTo === 0,
    },
    {
      id: 'autobind-reuse-shares',
      text: 'with ip_autobind_reuse 1 and SO_REUSEADDR on all sockets, bind(2) to port 0 shares ports when none is free: then connect(2) to the same server fails with EADDRNOTAVAIL, and another server is reached',
      source: 'ip_autobind_reuse in Documentation/networking/ip-sysctl.rst; inet_csk_find_open_port(): relax',
      when: ({ source, to, left, setting }) =>
        source === 'bound-reuseaddr' && to === 'one' && left === 'ESTABLISHED' && setting === 'autobind-reuse',
      holds: (facts) => facts.got === eight && facts.refused === 'connect EADDRNOTAVAIL' && facts.elsewhere === 'ok',
    },
    {
      id: 'even-before-odd',
      text: 'in a range whose first port is even, connect(2) takes the even ports first, bind(2) to port 0 the odd ones; with SO_REUSEADDR bind(2) begins with the lower half of the range',
      source:
        '__inet_hash_connect() in net/ipv4/inet_hashtables.c: offset &= ~1U; inet_csk_find_open_port(): offset |= 1U, attempt_half',
      when: isOrdered,
      holds: (facts, { source }) => is(facts.firstHalf, ...firstHalfOf(source)),
    },
    {
      id: 'reserved-is-passed-over',
      text: 'connect(2) and bind(2) to port 0 pass over a port of ip_local_reserved_ports, also when all others are taken',
      source:
        'inet_is_local_reserved_port() in include/net/ip.h; ip_local_reserved_ports in Documentation/networking/ip-sysctl.rst',
      when: ({ setting }) => setting === 'reserved',
      holds: (facts, cell) =>
        facts.got === givenOf(cell) * (cell.to === 'four' && !isBound(cell) ? most : 1) &&
        facts.refused === refusalOf(cell),
    },
    {
      id: 'tw-reuse-is-of-connect',
      text: `with tcp_tw_reuse 1, connect(2) chooses the port of a TIME-WAIT that is ${olderSeconds} s old; bind(2) to port 0 does not`,
      source:
        'tcp_twsk_unique() in net/ipv4/tcp_ipv4.c is asked by __inet_check_established(), not by inet_csk_get_port()',
      when: ({ left, setting }) => left === 'TIME-WAIT' && setting === 'tw-reuse',
      holds: (facts, cell) => facts.later === (isBound(cell) ? refusalOf(cell) : 'ok'),
    },
  ],

  guide: [
    {
      about: { ip_local_port_range: 'measured', 'EADDRNOTAVAIL on connect': 'look at' },
      claim: 'once-per-server',
      when: ({ source }) => source === 'unbound',
      text: 'With tcp_tw_reuse 0, each port of the range serves one connection to each server, ESTABLISHED or in TIME-WAIT; then connect(2) fails with EADDRNOTAVAIL.',
    },
    {
      id: 'as-many-as-the-range-has',
      about: { ip_local_port_range: 'measured', 'EADDRNOTAVAIL on connect': 'helps' },
      claim: 'once-per-server',
      when: ({ source, to }) => source === 'unbound' && to === 'one',
      text: 'A wider ip_local_port_range helps: one client address has as many connections to one server as the range has unreserved ports.',
    },
    {
      id: 'another-server-is-reached',
      about: { 'EADDRNOTAVAIL on connect': 'helps' },
      claim: 'once-per-server',
      when: ({ to }) => to === 'four',
      text: 'More server addresses help: with four, each port serves one connection to each of them.',
    },
    {
      id: 'no-port-at-bind',
      about: { IP_BIND_ADDRESS_NO_PORT: 'measured', 'EADDRNOTAVAIL on connect': 'helps' },
      claim: 'once-per-server',
      when: ({ source }) => source === 'bound-late',
      text: 'After bind(2) with IP_BIND_ADDRESS_NO_PORT, each port serves one connection to each server, as without bind(2).',
    },
    {
      about: { IP_BIND_ADDRESS_NO_PORT: 'measured', 'EADDRNOTAVAIL on connect': 'look at' },
      claim: 'once-in-all',
      text: 'If bind(2) to port 0 chooses the port, each port of an address serves one connection in all; then bind(2) fails with EADDRINUSE.',
    },
    {
      about: { 'EADDRNOTAVAIL on connect': 'helps' },
      claim: 'used-up-for-bind-too',
      text: 'More client addresses help: with all ports of one address in use, bind(2) to port 0 succeeds on another address.',
    },
    {
      about: { tcp_tw_reuse: 'measured', 'EADDRNOTAVAIL on connect': 'helps' },
      claim: 'tw-reuse-is-of-connect',
      text: 'With tcp_tw_reuse 1 connect(2) reuses a port whose TIME-WAIT is older than 1 s; bind(2) to port 0 does not.',
    },
    {
      about: { 'slow connect(2)': 'look at' },
      claim: 'even-before-odd',
      text: 'In a range that begins with an even port, connect(2) takes the even ports first, bind(2) to port 0 the odd ones.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const isOnce = ({ cell, facts }: Outcomes[number]) =>
      facts.got === givenOf(cell) * (cell.to === 'four' && !isBound(cell) ? most : 1) &&
      facts.refused === refusalOf(cell);
    const chosen = outcomes.filter(({ cell }) => !isBound(cell) && cell.setting !== 'tw-reuse');
    const bound = outcomes.filter(({ cell }) => isBound(cell) && !cell.setting.endsWith('-reuse'));
    const [perServer, inAll] = [chosen.filter(isOnce), bound.filter(isOnce)];
    const reserved = outcomes.filter(({ cell }) => cell.setting === 'reserved');
    const passed = reserved.filter(isOnce);
    const ordered = outcomes.filter(({ cell }) => isOrdered(cell));
    const expected = ordered.filter(({ cell, facts }) => is(facts.firstHalf, ...firstHalfOf(cell.source)));
    const reuse = outcomes.filter(({ cell }) => cell.left === 'TIME-WAIT' && cell.setting === 'tw-reuse');
    const again = reuse.filter(({ cell, facts }) => facts.later === (isBound(cell) ? refusalOf(cell) : 'ok'));
    const isWhole = (part: Outcomes, whole: Outcomes) => whole.length > 0 && part.length === whole.length;
    const [isPerServer, isInAll] = [isWhole(perServer, chosen), isWhole(inAll, bound)];
    const says = [
      isPerServer && 'connect(2) uses a port once for each server',
      isInAll && (isPerServer ? 'bind(2) to port 0 only once' : 'bind(2) to port 0 uses a port only once'),
    ].filter((part) => part !== false);
    const tried = [...chosen, ...bound];
    const isLate = isPerServer && chosen.some(({ cell }) => cell.source === 'bound-late');
    return {
      headline:
        says.length > 0
          ? `${says.join(', ')}.`
          : tried.length > 0 &&
            `Clients used each port as often as the kernel allows in ${share([...perServer, ...inAll], tried)} cases.`,
      findings: [
        finding(
          share(perServer, chosen),
          'If connect(2) chooses the port, each port serves one connection to each server; then connect(2) fails with EADDRNOTAVAIL (tcp_tw_reuse 0).',
        ),
        finding(
          share(inAll, bound),
          `If bind(2) to port 0 chooses, each port of an address serves one connection in all; then bind(2) fails with EADDRINUSE.${isLate ? ' IP_BIND_ADDRESS_NO_PORT avoids that.' : ''}`,
        ),
        finding(
          share(passed, reserved),
          'ip_local_reserved_ports keeps clients off a port of the range, whichever call chooses.',
        ),
        finding(
          share(again, reuse),
          `With tcp_tw_reuse 1, connect(2) chooses the port of a TIME-WAIT that is ${olderSeconds} s old; bind(2) to port 0 does not.`,
        ),
        finding(
          share(expected, ordered),
          'If the range begins with an even port: connect(2) takes even ports first; bind(2) to port 0 odd ports, or the lower half with SO_REUSEADDR.',
        ),
      ],
    };
  },
});
