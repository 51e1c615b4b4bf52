import { experiment, finding, kind, type PortRange, type RawSocket, share } from 'lingerlab';

/** net.ipv4.ip_local_port_range in each cell. */
const system = { low: 40_000, high: 49_999 } as const;

/** The range that a socket asks for; 0 leaves that end to the system. */
const ranges = {
  none: undefined,
  eight: { low: 40_000, high: 40_007 },
  one: { low: 45_000, high: 45_000 },
  'up-to-first': { low: 0, high: 40_000 },
  'from-last': { low: 49_999, high: 0 },
  below: { low: 30_000, high: 39_999 },
  above: { low: 50_000, high: 59_999 },
  'across-the-end': { low: 49_996, high: 50_003 },
  'upside-down': { low: 40_007, high: 40_000 },
} as const satisfies Record<string, PortRange | undefined>;
type Name = keyof typeof ranges;
const names = Object.keys(ranges) as Name[];

const inSystem = (port: number) => port >= system.low && port <= system.high;
/** The ports that the kernel may choose from: an end of the range counts where it lies in the system's range. */
function choice(name: Name): PortRange {
  const { low, high }: PortRange = ranges[name] ?? system;
  return { low: inSystem(low) ? low : system.low, high: inSystem(high) ? high : system.high };
}
const sizeOf = ({ low, high }: PortRange) => high - low + 1;
/** One socket more than the range of eight has ports. */
const sockets = 9;

type ChosenBy = 'listen' | 'bind' | 'connect';
/** How the call fails when no port is left. */
const noneLeft: Record<ChosenBy, string> = { listen: 'EADDRINUSE', bind: 'EADDRINUSE', connect: 'EADDRNOTAVAIL' };

export default experiment({
  id: 'local-port-range',
  question: 'Which ports does the kernel choose for sockets with IP_LOCAL_PORT_RANGE?',
  tags: ['IP_LOCAL_PORT_RANGE', 'ip_local_port_range', 'ephemeral port', 'EADDRINUSE', 'EINVAL', 'source port'],
  symptoms: ['limit the source ports of one application', 'choose the ephemeral port range'],
  factors: { range: names, family: [4, 6], chosenBy: ['listen', 'bind', 'connect'] },
  words: {
    range: {
      text: `IP_LOCAL_PORT_RANGE of the socket; the system has ${system.low}–${system.high}`,
      values: {
        none: 'not set',
        eight: '40000–40007',
        one: '45000',
        'up-to-first': 'up to 40000',
        'from-last': 'from 49999',
        below: '30000–39999',
        above: '50000–59999',
        'across-the-end': '49996–50003',
        'upside-down': 'from 40007 to 40000',
      },
    },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
    chosenBy: {
      text: 'the call at which the kernel chooses the port',
      values: { listen: 'listen(2)', bind: 'bind(2) to port 0', connect: 'connect(2)' },
    },
  },
  // one range that is used up and one that is ignored show whether bind(2) and connect(2) choose as listen(2) does
  only: ({ range, family, chosenBy }) =>
    chosenBy === 'listen' || (family === 4 && (range === 'eight' || range === 'below')),
  sysctls: () => ({ 'net.ipv4.ip_local_port_range': `${system.low} ${system.high}` }),
  seconds: 0.3,
  measures: {
    set: kind.outcome({ text: 'outcome of setting IP_LOCAL_PORT_RANGE' }),
    got: kind.count({ label: 'got a port', text: `sockets that got a port, of ${sockets}` }),
    lowest: kind.count({ compare: 'measurement', text: 'lowest of these ports' }),
    highest: kind.count({ compare: 'measurement', text: 'highest of these ports' }),
    refused: kind.outcome({ text: 'how the call of the first socket without a port failed' }),
    spared: kind.outcome({ text: 'outcome of the same call of a socket without the option, after that' }),
  },
  shows: ['set', 'got', 'lowest', 'highest', 'refused', 'spared'],

  async scenario({ client, server, note }, { range: name, family, chosenBy }) {
    const to = chosenBy === 'connect' ? await (await server.bind({ family })).queue() : undefined;
    /** Has the kernel choose a port for the socket. */
    const choose = async (socket: RawSocket) => {
      if (to) return await socket.connect(to).answer();
      return await (chosenBy === 'listen' ? socket.listen() : socket.bind({ port: 0 })).answer();
    };

    const range = ranges[name];
    const ports: number[] = [];
    let refused: string | undefined;
    for (let nth = 0; nth < sockets && refused === undefined; nth++) {
      const socket = await client.socket({ family });
      if (range) {
        const set = await socket.set('IP_LOCAL_PORT_RANGE', range).answer();
        // before Linux 6.3
        if (set.outcome === 'ENOPROTOOPT') return;
        note('set', set.outcome);
        if (!set.ok) return;
      }
      const chosen = await choose(socket);
      if (chosen.ok) ports.push((await socket.getsockname()).port);
      else refused = chosen.errno;
    }
    note('got', ports.length);
    note('lowest', Math.min(...ports));
    note('highest', Math.max(...ports));
    if (refused === undefined) return;
    note('refused', refused);
    note('spared', (await choose(await client.socket({ family }))).outcome);
  },

  claims: [
    {
      id: 'within-both',
      text: "each port lies in the system's range, and in the socket's own range if the two overlap",
      source: 'inet_sk_get_local_port_range() in net/ipv4/inet_connection_sock.c; ip(7): IP_LOCAL_PORT_RANGE',
      when: ({ range }) => range !== 'upside-down',
      holds: (facts, { range }) => facts.lowest >= choice(range).low && facts.highest <= choice(range).high,
    },
    {
      id: 'outside-is-ignored',
      text: "a range that lies wholly outside the system's range changes nothing: all sockets get ports, as without a range",
      source: 'ip_local_port_range.c in tools/testing/selftests/net: port_range_out_of_netns_range',
      when: ({ range }) => range === 'below' || range === 'above' || range === 'none',
      holds: (facts) => facts.got === sockets,
    },
    {
      id: 'used-up',
      text: 'when all ports of the range are taken, bind(2) and listen(2) fail with EADDRINUSE and connect(2) with EADDRNOTAVAIL; a socket without the option still gets a port',
      source:
        'ip_local_port_range.c in tools/testing/selftests/net: exhaust_8_port_range; inet_csk_get_port(); __inet_hash_connect() in net/ipv4/inet_hashtables.c',
      when: ({ range }) => range !== 'upside-down' && sizeOf(choice(range)) < sockets,
      holds: (facts, { range, chosenBy }) =>
        facts.got === sizeOf(choice(range)) && facts.refused === noneLeft[chosenBy] && facts.spared === 'ok',
    },
    {
      id: 'upside-down',
      text: 'setting a range whose first port is higher than its last fails with EINVAL',
      source: 'do_ip_setsockopt() in net/ipv4/ip_sockglue.c: IP_LOCAL_PORT_RANGE',
      when: ({ range }) => range === 'upside-down',
      holds: (facts) => facts.set === 'EINVAL',
    },
  ],

  across: [
    {
      id: 'whichever-call-chooses',
      text: 'bind(2) to port 0 and connect(2) of a socket without a port choose from the same ports as listen(2), and use up as many',
      source:
        'ip(7): IP_LOCAL_PORT_RANGE; inet_csk_find_open_port() in net/ipv4/inet_connection_sock.c, __inet_hash_connect() in net/ipv4/inet_hashtables.c',
      holds: (outcomes) => {
        const tried = outcomes.filter(({ cell }) => cell.range !== 'upside-down');
        const same = [...Map.groupBy(tried, ({ cell }) => `${cell.range} ${cell.family}`).values()].filter(
          (group) => new Set(group.map(({ cell }) => cell.chosenBy)).size > 1,
        );
        if (same.length === 0) return undefined;
        return same.every((group) => {
          const { low, high } = choice(group[0]!.cell.range);
          return (
            new Set(group.map(({ facts }) => facts.got)).size === 1 &&
            group.every(({ facts }) => facts.lowest >= low && facts.highest <= high)
          );
        });
      },
    },
  ],

  guide: [
    {
      about: { ip_local_port_range: 'measured' },
      claim: 'within-both',
      text: "IP_LOCAL_PORT_RANGE narrows one socket's range; a range wholly outside the system's is ignored.",
    },
  ],

  answer(outcomes) {
    const tried = outcomes.filter(({ cell, facts }) => 'got' in facts && cell.range !== 'none');
    const within = tried.filter(
      ({ cell, facts }) => facts.lowest >= choice(cell.range).low && facts.highest <= choice(cell.range).high,
    );
    const small = tried.filter(({ cell }) => sizeOf(choice(cell.range)) < sockets);
    const usedUp = small.filter(
      ({ cell, facts }) => facts.got === sizeOf(choice(cell.range)) && facts.refused === noneLeft[cell.chosenBy],
    );
    const spared = usedUp.filter(({ facts }) => facts.spared === 'ok');
    const outside = tried.filter(({ cell }) => cell.range === 'below' || cell.range === 'above');
    const overlapping = tried.filter((one) => !outside.includes(one));
    const ignored = outside.filter(
      ({ facts }) => facts.got === sockets && inSystem(facts.lowest) && inSystem(facts.highest),
    );
    const reversed = outcomes.filter(({ cell, facts }) => cell.range === 'upside-down' && 'set' in facts);
    const invalid = reversed.filter(({ facts }) => facts.set === 'EINVAL');
    return {
      headline:
        tried.length > 0 &&
        (within.length < tried.length
          ? `The kernel kept to IP_LOCAL_PORT_RANGE in ${share(within, tried)} cases only.`
          : outside.length > 0 && ignored.length === outside.length
            ? 'IP_LOCAL_PORT_RANGE narrows the range of one socket; it cannot widen it.'
            : 'IP_LOCAL_PORT_RANGE narrows the choice of ports.'),
      findings: [
        finding(
          share(
            within.filter((one) => overlapping.includes(one)),
            overlapping,
          ),
          "Each port lies in the part of the socket's range that lies in net.ipv4.ip_local_port_range.",
        ),
        finding(
          share(usedUp, small),
          'When all ports of the range are taken, bind(2) and listen(2) fail with EADDRINUSE, connect(2) with EADDRNOTAVAIL.',
        ),
        finding(share(spared, usedUp), 'When the range is used up, a socket without the option still gets a port.'),
        finding(
          share(ignored, outside),
          'The kernel ignores a range that lies wholly outside net.ipv4.ip_local_port_range.',
        ),
        finding(
          share(invalid, reversed),
          'Setting a range whose first port is higher than its last fails with EINVAL.',
        ),
      ],
    };
  },
});
