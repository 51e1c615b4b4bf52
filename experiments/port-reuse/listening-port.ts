import { type Cell, experiment, type OutcomeOf, type Stage, sentence, share } from 'lingerlab';
import {
  alike,
  blocksWithoutOption,
  bothMustShareAnOption,
  boundIsAsGoodAsListening,
  nobody,
  oldSocket,
  otherAddressIsFree,
  reuseportBesideAnything,
  reuseportIsOneUsers,
  wildcardAsksTheSame,
  wildcardRefusesTheSame,
} from './shared/beside.ts';
import {
  areRefused,
  attempt,
  bindOf,
  boundIn,
  couldNotListen,
  has,
  lotsOf,
  measures,
  reuses,
  shows,
} from './shared/newcomer.ts';

const asked = {
  factors: {
    // the other socket is bound; was given its options when it was; listens as soon as the new one is bound; listens
    old: ['BOUND', 'BOUND-then-set', 'BOUND-then-LISTEN', 'LISTEN'],
    ...oldSocket,
  },
  measures,
} as const;
type Asked = Cell<typeof asked.factors>;
type Told = OutcomeOf<typeof asked>;

/** Has the server bind a socket as the cell says, and listen where it says so. */
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
  question: 'When can a port be bound on which another socket is bound, or listens?',
  tags: ['EADDRINUSE', 'SO_REUSEADDR', 'SO_REUSEPORT', 'bind(2)', 'listen(2)', 'wildcard'],
  symptoms: ['two servers on one port', 'port is already in use by another process', 'share a port between processes'],
  ...asked,
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
      // one that listens stays: each attempt to bind before that needs another
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
      text: 'SO_REUSEADDR alone on the new socket, whatever the old one has, does not bind a port beside a listener',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk2->sk_state != TCP_LISTEN; socket(7)',
      when: (cell) => together(cell) && cell.old === 'LISTEN',
      holds: (facts) => areRefused(facts, 'addr'),
    },
    {
      ...reuseportBesideAnything,
      when: (cell) => together(cell) && cell.user === 'same' && has(cell.reuse, 'port'),
    },
    { ...reuseportIsOneUsers, when: (cell) => together(cell) && cell.user === 'other' && has(cell.reuse, 'port') },
    { ...otherAddressIsFree, when: (cell) => together(cell) && cell.held === 'own' },
    {
      id: 'wildcard-holds-every-address',
      text: 'a socket on the wildcard that is bound or listens holds the port of two addresses alike',
      source: 'inet_bhash2_addr_any_conflict() in net/ipv4/inet_connection_sock.c',
      when: (cell) => together(cell) && cell.held === 'wildcard' && (cell.old === 'BOUND' || cell.old === 'LISTEN'),
      holds: (facts) => reuses.every((again) => bindOf(facts[`other.${again}`]) === bindOf(facts[`own.${again}`])),
    },
    { ...wildcardAsksTheSame, when: together },
    { ...boundIsAsGoodAsListening, when: (cell) => together(cell) && cell.old !== 'BOUND-then-LISTEN' },
    {
      id: 'first-listener-wins',
      text: 'of two sockets that SO_REUSEADDR let bind to one port, the first to listen keeps the other from listening; SO_REUSEPORT lets both, of one user',
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
      text: 'options that the old socket was given after it was bound count like those of before',
      source:
        'inet_bind_conflict() in net/ipv4/inet_connection_sock.c reads sk_reuse and sk_reuseport of both at each bind(2)',
      holds: (outcomes) =>
        alike<Told>(outcomes, (cell) => together(cell) && cell.old === 'BOUND-then-set' && cell.held === 'own', {
          old: 'BOUND',
        }),
    },
    wildcardRefusesTheSame,
  ],

  answer(outcomes) {
    const beside = (user: Asked['user'], option: 'addr' | 'port') =>
      outcomes.filter(({ cell }) => cell.old === 'LISTEN' && cell.user === user && has(cell.reuse, option));
    const bound = [
      ...boundIn(beside('same', 'addr'), 'addr', 'with SO_REUSEADDR on both'),
      ...boundIn(beside('same', 'port'), 'port', 'with SO_REUSEPORT on both'),
      ...boundIn(beside('other', 'port'), 'port', 'with SO_REUSEPORT on both and another user'),
    ];
    const late = outcomes.filter(
      ({ cell }) => cell.old === 'BOUND-then-LISTEN' && cell.user === 'same' && has(cell.reuse, 'addr'),
    );
    const kept = late.filter(({ facts }) => 'own.addr' in facts && couldNotListen(facts['own.addr']));
    return sentence(
      bound.length > 0 && `beside a listener a port was bound again ${bound.join(', ')}`,
      late.length > 0 &&
        `of two sockets that SO_REUSEADDR let bind to one port, the second could not listen in ${share(kept, late)} once the first did`,
    );
  },
});
