import {
  type Cell,
  type Endpoint,
  experiment,
  finding,
  type Listener,
  type OutcomeOf,
  type Stage,
  share,
} from 'lingerlab';
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
  areBound,
  attempt,
  attempts,
  bindOf,
  has,
  isBound,
  lotsOf,
  measures,
  refused,
  shows,
} from './shared/newcomer.ts';

/** The state of the server's end of the connection that it leaves; in CLOSED it leaves nothing. */
const olds = [
  'CLOSED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'FIN-WAIT-2-orphan',
  'CLOSE-WAIT',
  'LAST-ACK',
  'TIME-WAIT',
] as const;
/** The states that unread data holds up; the scenario ends them with a reset. */
const full: readonly string[] = ['FIN-WAIT-1', 'LAST-ACK'];
/** The states in which the server's end may be a mini-socket. */
const minis: readonly string[] = ['TIME-WAIT', 'FIN-WAIT-2-orphan'];
/** Bytes: more than the client's largest window and the server's largest send buffer together. */
const tooMuch = 12_000_000;

const asked = {
  factors: { old: olds, ...oldSocket },
  connections: ['old'],
  measures,
} as const;
type Asked = Cell<typeof asked.factors>;
type Told = OutcomeOf<typeof asked>;
type Played = Stage<readonly ['old'], typeof measures>;
type Leave = (near: Endpoint, far: Endpoint, stage: Played) => Promise<unknown>;

/** Brings the server's end, `far`, into each state. */
const leave: Record<(typeof olds)[number], Leave> = {
  CLOSED: (near, far, { closeInTurn }) => closeInTurn(near, far),
  'TIME-WAIT': (near, far, { closeInTurn }) => closeInTurn(far, near),
  ESTABLISHED: async () => undefined,
  async 'FIN-WAIT-1'(near, far, { until }) {
    // the FIN waits behind data for which the client has no room
    await near.stopReading();
    await far.close('destroy', { sending: tooMuch });
    await until(far, 'FIN-WAIT-1');
  },
  async 'FIN-WAIT-2'(near, far, { until }) {
    await far.shutdown('WR');
    await until(far, 'FIN-WAIT-2');
    await near.ended();
  },
  async 'FIN-WAIT-2-orphan'(near, far, { until }) {
    await far.close('destroy');
    await until(far, 'FIN-WAIT-2');
    await near.ended();
  },
  async 'CLOSE-WAIT'(near, far, { until }) {
    await near.close('destroy');
    await until(far, 'CLOSE-WAIT');
    await far.ended();
  },
  async 'LAST-ACK'(near, far, { until }) {
    await near.stopReading();
    await near.shutdown('WR');
    await far.ended();
    await far.close('destroy', { sending: tooMuch });
    await until(far, 'LAST-ACK');
  },
};

/** Leaves a connection of the server on its port, without a listener; returns the client's end. */
async function leaveOld(stage: Played, listener: Listener, old: Asked['old']): Promise<Endpoint> {
  const [near, far] = await stage.client.connect(listener, { as: 'old' });
  await listener.close();
  await leave[old](near, far, stage);
  return near;
}

const together = ({ tries }: Asked) => tries === 'together';
/** Whether the new sockets share one old socket, which is connected. */
const isLeft = (cell: Asked) => together(cell) && cell.old !== 'CLOSED';

export default experiment({
  id: 'rebind',
  question: 'When can a server bind a port on which an earlier server left a connection?',
  tags: ['EADDRINUSE', 'SO_REUSEADDR', 'SO_REUSEPORT', 'bind(2)', 'TIME-WAIT', 'listen(2)'],
  symptoms: [
    'port already in use after kill',
    'bind fails because of TIME_WAIT',
    'address already in use but nothing listens',
  ],
  ...asked,
  words: {
    old: {
      text: "the earlier server's end of its connection",
      values: {
        CLOSED: 'CLOSED: the client closed first, nothing is left',
        ESTABLISHED: 'ESTABLISHED',
        'FIN-WAIT-1': 'FIN-WAIT-1: closed, with data that the client does not read',
        'FIN-WAIT-2': 'FIN-WAIT-2: half-closed by shutdown(2)',
        'FIN-WAIT-2-orphan': 'FIN-WAIT-2: closed, while the client does not close',
        'CLOSE-WAIT': 'CLOSE-WAIT: the client has closed',
        'LAST-ACK': 'LAST-ACK: closed after the client, with data that the client does not read',
        'TIME-WAIT': 'TIME-WAIT: the server closed first',
      },
    },
    ...oldSocketWords,
  },
  only: ({ old, reuse, held, user, tries }) => {
    if (tries !== 'together') return false;
    if (user === 'other') return held === 'own' && reuse !== 'none' && old !== 'CLOSED';
    return held === 'own' || old === 'TIME-WAIT';
  },
  needs: ({ user }) => (user === 'other' ? ['another-user'] : []),
  seconds: ({ tries }) => (tries === 'together' ? 0.2 : 2),
  // close(2) and the ACK of its FIN race: the winner decides whether the socket becomes a mini-socket, which has no user
  race: ({ old, user }) => user === 'other' && old === 'FIN-WAIT-2-orphan' && 4,
  shows,

  async scenario(stage, { old, reuse, held, user, tries }) {
    const { client, server, start, note } = stage;
    const newcomer = user === 'same' ? server : await start('newcomer', { where: 'server', uid: nobody });
    for (const lot of lotsOf(tries)) {
      const bound = await server.bind({ reuse, at: held });
      const near = await leaveOld(stage, await bound.listen(), old);
      for (const again of lot) note(again.attempt, await attempt({ client, newcomer, port: bound.at.port, ...again }));
      if (full.includes(old)) await near.close('resetAndDestroy');
    }
  },

  claims: [
    {
      id: 'nothing-left-nothing-refused',
      text: 'a server whose client closed first leaves nothing on its port: a new server needs neither SO_REUSEADDR nor SO_REUSEPORT',
      source:
        'RFC 9293 §3.6.1: the end that closed first keeps TIME-WAIT; inet_csk_get_port() in net/ipv4/inet_connection_sock.c',
      when: (cell) => together(cell) && cell.old === 'CLOSED',
      holds: (facts) => attempts.every((attempt) => isBound(facts[attempt])),
    },
    { ...blocksWithoutOption, when: isLeft },
    { ...bothMustShareAnOption, when: isLeft },
    {
      id: 'reuseaddr-beside-connections',
      text: 'with SO_REUSEADDR on both sockets, a new server binds the port beside a connection in each state tried, ESTABLISHED to TIME-WAIT, also as another user',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse of both, sk2 not in TCP_LISTEN',
      when: (cell) => isLeft(cell) && has(cell.reuse, 'addr'),
      holds: (facts) => areBound(facts, 'addr'),
    },
    {
      ...reuseportBeside('the connection of an earlier server, in each state tried'),
      when: (cell) => together(cell) && cell.user === 'same' && has(cell.reuse, 'port'),
    },
    {
      ...reuseportIsOneUsers,
      when: (cell) => isLeft(cell) && cell.user === 'other' && has(cell.reuse, 'port') && !minis.includes(cell.old),
    },
    {
      id: 'mini-sockets-have-no-user',
      text: "a mini-socket, in TIME-WAIT or an orphan's FIN-WAIT-2, has no user: beside it, with SO_REUSEPORT on both sockets, another user binds the port, too",
      source:
        'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_state of every mini-socket is TCP_TIME_WAIT, whatever its tw_substate',
      when: (cell) => isLeft(cell) && cell.user === 'other' && has(cell.reuse, 'port') && minis.includes(cell.old),
      holds: (facts) => bindOf(facts['own.port']) === (facts['old.server.miniSocket'].length > 0 ? 'ok' : refused),
    },
    { ...otherAddressIsFree, when: (cell) => together(cell) && (cell.held === 'own' || cell.old !== 'CLOSED') },
    { ...wildcardAsksTheSame, when: together },
    { ...boundIsAsGoodAsListening, when: together },
  ],

  across: [
    {
      id: 'time-wait-is-nothing-special',
      text: 'for its own user, TIME-WAIT blocks a port exactly as an ESTABLISHED connection does, and as the other states tried',
      source:
        'inet_bind_conflict() in net/ipv4/inet_connection_sock.c knows TCP_LISTEN, and TCP_TIME_WAIT only for the user',
      holds: (outcomes) =>
        alike<Told>(
          outcomes,
          (cell) => isLeft(cell) && cell.old !== 'ESTABLISHED' && cell.held === 'own' && cell.user === 'same',
          { old: 'ESTABLISHED' },
        ),
    },
    wildcardRefusesTheSame,
  ],

  guide: [
    {
      about: { SO_REUSEADDR: 'risks', 'EADDRINUSE on restart': 'cannot help' },
      claim: 'both-must-share-an-option',
      text: 'An option on one of the two servers only does not help, nor does SO_REUSEADDR on one and SO_REUSEPORT on the other.',
    },
    {
      about: { SO_REUSEADDR: 'measured' },
      claim: 'reuseaddr-beside-connections',
      text: 'With SO_REUSEADDR on both servers, the new server binds beside a connection in any state tried, ESTABLISHED to TIME-WAIT, also as another user.',
    },
    {
      about: { SO_REUSEPORT: 'risks' },
      claim: 'reuseport-is-one-users',
      text: 'Beside a socket of another user that is not a mini-socket, bind(2) with SO_REUSEPORT alone on both sockets fails with EADDRINUSE.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const left = outcomes.filter(({ cell }) => cell.old !== 'CLOSED' && cell.user === 'same');
    const beside = (option: 'addr' | 'port') => left.filter(({ cell }) => has(cell.reuse, option));
    const alone = left.filter(({ cell }) => !has(cell.reuse, 'addr'));
    const others = outcomes.filter(
      ({ cell }) => cell.old !== 'CLOSED' && cell.user === 'other' && has(cell.reuse, 'port'),
    );
    const minis = others.filter(({ facts }) => facts['old.server.miniSocket'].length > 0);
    const full = others.filter((one) => !minis.includes(one));
    const nothing = outcomes.filter(({ cell }) => cell.old === 'CLOSED');
    const bound = (of: Outcomes, again: 'none' | 'addr' | 'port') =>
      of.filter(({ facts }) => isBound(facts[`own.${again}`]));
    const refusals = (of: Outcomes, again: 'none' | 'addr' | 'port') =>
      of.filter(({ facts }) => facts[`own.${again}`] === refused);
    const both = bound(beside('addr'), 'addr');
    const one = refusals(alone, 'addr');
    const plain = refusals(beside('addr'), 'none');
    return {
      headline:
        both.length < beside('addr').length
          ? `With SO_REUSEADDR on both servers, the new server binds the port in ${share(both, beside('addr'))} cases.`
          : beside('addr').length === 0
            ? left.length > 0 &&
              `Without SO_REUSEADDR on the old server, the new server binds the port in ${share(bound(left, 'addr'), left)} cases.`
            : alone.length > 0 && one.length === alone.length && plain.length === beside('addr').length
              ? 'A server binds beside old connections only if it and the old server set SO_REUSEADDR.'
              : 'If both servers set SO_REUSEADDR, the new server binds the port of old connections.',
      findings: [
        finding(
          share(one, alone),
          'SO_REUSEADDR on the new server alone does not help: bind(2) fails with EADDRINUSE.',
        ),
        finding(
          share(both, beside('addr')),
          'With SO_REUSEADDR on both servers, the new server binds the port beside a connection in each state tried, ESTABLISHED to TIME-WAIT.',
        ),
        finding(
          share(refusals(left, 'none'), left),
          'Without SO_REUSEADDR or SO_REUSEPORT on the new server, bind(2) fails with EADDRINUSE beside a connection in each state tried.',
        ),
        finding(
          share(bound(beside('port'), 'port'), beside('port')),
          'With SO_REUSEPORT on both servers, of one user, the new server binds the port, too.',
        ),
        finding(
          share(refusals(full, 'port').length + bound(minis, 'port').length, others),
          'SO_REUSEPORT on both lets another user bind only beside a mini-socket, in TIME-WAIT or FIN-WAIT-2 of an orphan: a mini-socket has no user.',
        ),
        finding(
          share(bound(nothing, 'none'), nothing),
          'If the client closed first, nothing is left on the port: the new server needs neither SO_REUSEADDR nor SO_REUSEPORT.',
        ),
      ],
    };
  },
});
