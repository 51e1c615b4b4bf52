import { type Cell, experiment, finding, type OutcomeOf, type Stage, share } from 'lingerlab';
import {
  alike,
  blocksWithoutOption,
  bothMustShareAnOption,
  boundIsAsGoodAsListening,
  nobody,
  oldSocket,
  oldSocketWords,
  otherAddressIsFree,
  reuseportBeside,
  reuseportIsOneUsers,
  wildcardAsksTheSame,
  wildcardRefusesTheSame,
} from './shared/beside.ts';
import {
  areRefused,
  attempt,
  bindOf,
  couldNotListen,
  has,
  isBound,
  lotsOf,
  measures,
  refused,
  reuses,
  shows,
} from './shared/newcomer.ts';

const asked = {
  factors: {
    old: ['BOUND', 'BOUND-then-set', 'BOUND-then-LISTEN', 'LISTEN'],
    ...oldSocket,
  },
  measures,
} as const;
type Asked = Cell<typeof asked.factors>;
type Told = OutcomeOf<typeof asked>;

/** Binds the old socket as the cell asks, and lets it listen where the cell asks for it. */
async function hold({ server }: Stage<readonly [], typeof measures>, { old, reuse, held }: Asked) {
  const first = await server.bind({ reuse: old === 'BOUND-then-set' ? 'none' : reuse, at: held });
  if (old === 'BOUND-then-set') {
    if (has(reuse, 'addr')) await first.set('SO_REUSEADDR', true);
    if (has(reuse, 'port')) await first.set('SO_REUSEPORT', true);
  }
  if (old === 'LISTEN') await first.listen();
  return first;
}

const together = ({ tries }: Asked) => tries === 'together';

export default experiment({
  id: 'listening-port',
  question: 'When can a socket bind a port on which another socket is bound or listens?',
  tags: ['EADDRINUSE', 'SO_REUSEADDR', 'SO_REUSEPORT', 'bind(2)', 'listen(2)', 'wildcard'],
  symptoms: ['two servers on one port', 'port is already in use by another process', 'share a port between processes'],
  ...asked,
  words: {
    old: {
      text: 'the old socket',
      values: {
        BOUND: 'is bound',
        'BOUND-then-set': 'is bound, and gets its options only then',
        'BOUND-then-LISTEN': 'is bound, and begins to listen when the new socket is bound',
        LISTEN: 'listens',
      },
    },
    ...oldSocketWords,
  },
  only: ({ old, reuse, held, user, tries }) => {
    if (tries !== 'together' || (old === 'BOUND-then-set' && reuse === 'none')) return false;
    if (user === 'other') return held === 'own' && reuse !== 'none';
    return held === 'own' || old === 'BOUND' || old === 'LISTEN';
  },
  needs: ({ user }) => (user === 'other' ? ['another-user'] : []),
  seconds: ({ tries }) => (tries === 'together' ? 0.2 : 2),
  shows,

  async scenario(stage, cell) {
    const { client, server, start, note } = stage;
    const newcomer = cell.user === 'same' ? server : await start('newcomer', { where: 'server', uid: nobody });
    for (const lot of lotsOf(cell.tries)) {
      if (cell.old !== 'BOUND-then-LISTEN') {
        const { port } = (await hold(stage, cell)).at;
        for (const again of lot) note(again.attempt, await attempt({ client, newcomer, port, ...again }));
        continue;
      }
      // a listener stays: each new socket that binds before the old one listens needs an old one of its own
      for (const again of lot) {
        const rival = await hold(stage, cell);
        const listening = Promise.withResolvers<{ close(): Promise<unknown> }>();
        const meanwhile = async () => listening.resolve(await rival.listen());
        note(again.attempt, await attempt({ client, newcomer, port: rival.at.port, ...again, meanwhile }));
        await (await listening.promise).close();
      }
    }
  },

  claims: [
    { ...blocksWithoutOption, when: together },
    { ...bothMustShareAnOption, when: together },
    {
      id: 'reuseaddr-not-beside-listener',
      text: 'a new socket with SO_REUSEADDR alone does not bind the port beside a listener, whatever options the listener has',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk2->sk_state != TCP_LISTEN; socket(7)',
      when: (cell) => together(cell) && cell.old === 'LISTEN',
      holds: (facts) => areRefused(facts, 'addr'),
    },
    {
      ...reuseportBeside('a bound socket and a listener'),
      when: (cell) => together(cell) && cell.user === 'same' && has(cell.reuse, 'port'),
    },
    { ...reuseportIsOneUsers, when: (cell) => together(cell) && cell.user === 'other' && has(cell.reuse, 'port') },
    { ...otherAddressIsFree, when: (cell) => together(cell) && cell.held === 'own' },
    {
      id: 'wildcard-holds-every-address',
      text: 'a socket on the wildcard, bound or listening, blocks the port of two addresses alike',
      source: 'inet_bhash2_addr_any_conflict() in net/ipv4/inet_connection_sock.c',
      when: (cell) => together(cell) && cell.held === 'wildcard' && (cell.old === 'BOUND' || cell.old === 'LISTEN'),
      holds: (facts) => reuses.every((again) => bindOf(facts[`other.${again}`]) === bindOf(facts[`own.${again}`])),
    },
    { ...wildcardAsksTheSame, when: together },
    { ...boundIsAsGoodAsListening, when: (cell) => together(cell) && cell.old !== 'BOUND-then-LISTEN' },
    {
      id: 'first-listener-wins',
      text: 'of two sockets that SO_REUSEADDR let bind to one port, the second fails to listen once the first listens; with SO_REUSEPORT, both of one user listen',
      source:
        'inet_csk_listen_start() in net/ipv4/inet_connection_sock.c calls get_port() again, after TCP_LISTEN is set',
      when: (cell) => together(cell) && cell.old === 'BOUND-then-LISTEN' && has(cell.reuse, 'addr'),
      holds: (facts, { reuse, user }) =>
        facts['own.addr'] === 'listen EADDRINUSE' &&
        facts['own.both'] === (reuse === 'both' && user === 'same' ? 'ok' : 'listen EADDRINUSE'),
    },
  ],

  across: [
    {
      id: 'set-late-counts',
      text: 'options that the old socket gets after bind(2) count like options that it had before',
      source:
        'inet_bind_conflict() in net/ipv4/inet_connection_sock.c reads sk_reuse and sk_reuseport of both at each bind(2)',
      holds: (outcomes) =>
        alike<Told>(outcomes, (cell) => together(cell) && cell.old === 'BOUND-then-set' && cell.held === 'own', {
          old: 'BOUND',
        }),
    },
    wildcardRefusesTheSame,
  ],

  guide: [
    {
      about: { SO_REUSEADDR: 'measured' },
      claim: 'reuseaddr-not-beside-listener',
      text: 'A new socket with SO_REUSEADDR alone does not bind the port beside a listener, whatever options the listener has.',
    },
    {
      about: { SO_REUSEPORT: 'measured' },
      claim: 'reuseport-beside-anything',
      when: ({ old }) => old === 'LISTEN',
      text: 'With SO_REUSEPORT on both sockets, of one user, a new socket binds the address and port of a listener.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const beside = (user: Asked['user'], option: 'addr' | 'port', ...olds: readonly Asked['old'][]) =>
      outcomes.filter(({ cell }) => olds.includes(cell.old) && cell.user === user && has(cell.reuse, option));
    const bound = (of: Outcomes, again: 'addr' | 'port') => of.filter(({ facts }) => isBound(facts[`own.${again}`]));
    const refusals = (of: Outcomes, again: 'addr' | 'port') =>
      of.filter(({ facts }) => facts[`own.${again}`] === refused);
    const [port, addr] = [beside('same', 'port', 'LISTEN'), beside('same', 'addr', 'LISTEN')];
    const foreign = beside('other', 'port', 'LISTEN');
    const idle = beside('same', 'addr', 'BOUND', 'BOUND-then-set');
    const late = beside('same', 'addr', 'BOUND-then-LISTEN');
    const failed = late.filter(({ facts }) => couldNotListen(facts['own.addr']));
    const own = outcomes.filter(({ cell }) => cell.held === 'own');
    const free = own.filter(({ facts }) => reuses.every((again) => isBound(facts[`other.${again}`])));
    const isOnly =
      [port, addr, foreign].every((each) => each.length > 0) &&
      bound(port, 'port').length === port.length &&
      refusals(addr, 'addr').length === addr.length &&
      refusals(foreign, 'port').length === foreign.length &&
      failed.length === late.length;
    return {
      headline: isOnly
        ? 'Two listeners share address and port only if one user set SO_REUSEPORT on both.'
        : port.length > 0
          ? `With SO_REUSEPORT, a second socket binds a listener's port in ${share(bound(port, 'port'), port)} cases.`
          : idle.length > 0 &&
            `Beside a bound socket, SO_REUSEADDR on both binds the port in ${share(bound(idle, 'addr'), idle)} cases.`,
      findings: [
        finding(
          share(bound(port, 'port'), port),
          'With SO_REUSEPORT on both sockets, of one user, the new socket binds the address and port of a listener.',
        ),
        finding(
          share(refusals(addr, 'addr'), addr),
          'With SO_REUSEADDR alone, bind(2) of a new socket fails with EADDRINUSE beside a listener, even if the listener has SO_REUSEADDR, too.',
        ),
        finding(
          share(refusals(foreign, 'port'), foreign),
          'Beside a listener of another user with SO_REUSEPORT, bind(2) with SO_REUSEPORT alone fails with EADDRINUSE.',
        ),
        finding(
          share(bound(idle, 'addr'), idle),
          'With SO_REUSEADDR on both sockets, the new socket binds the port beside a socket that is bound and does not listen.',
        ),
        finding(
          share(failed, late),
          'Of two sockets that share a port by SO_REUSEADDR, one listens; listen(2) of the other then fails.',
        ),
        finding(
          share(free, own),
          'Beside a socket on one address, the port is free on another address of the machine.',
        ),
      ],
    };
  },
});
