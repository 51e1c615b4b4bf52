import { type Cell, type Endpoint, experiment, type Listener, type OutcomeOf, type Stage, sentence } from 'lingerlab';
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
  areBound,
  attempt,
  attempts,
  bindOf,
  boundIn,
  has,
  isBound,
  lotsOf,
  measures,
  refused,
  shows,
} from './shared/newcomer.ts';

/** The server's end of the connection that it leaves; in CLOSED it leaves nothing. */
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
/** Those whose data is not read: megabytes of it, until somebody resets. */
const full: readonly string[] = ['FIN-WAIT-1', 'LAST-ACK'];
/** Those in which the server's end may be a mini-socket. */
const minis: readonly string[] = ['TIME-WAIT', 'FIN-WAIT-2-orphan'];
/** More than the other end's window and this end's send buffer take, at their largest. */
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

/** How a connection is left with the server's end, `far`, in each state. */
const leave: Record<(typeof olds)[number], Leave> = {
  CLOSED: (near, far, { closeInTurn }) => closeInTurn(near, far),
  'TIME-WAIT': (near, far, { closeInTurn }) => closeInTurn(far, near),
  ESTABLISHED: async () => undefined,
  async 'FIN-WAIT-1'(near, far, { until }) {
    // its FIN waits behind data for which the client has no room
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

/** Has the server leave a connection on a port of its own, without a listener; returns the client's end of it. */
async function leaveOld(stage: Played, listener: Listener, old: Asked['old']): Promise<Endpoint> {
  const [near, far] = await stage.client.connect(listener, { as: 'old' });
  await listener.close();
  await leave[old](near, far, stage);
  return near;
}

const together = ({ tries }: Asked) => tries === 'together';
/** Whether the new sockets share one old socket, of a connection. */
const isLeft = (cell: Asked) => together(cell) && cell.old !== 'CLOSED';

export default experiment({
  id: 'rebind',
  question: 'When can a port be bound again beside the connection that an earlier server left on it?',
  tags: ['EADDRINUSE', 'SO_REUSEADDR', 'SO_REUSEPORT', 'bind(2)', 'TIME-WAIT', 'listen(2)'],
  symptoms: [
    'port already in use after kill',
    'bind fails because of TIME_WAIT',
    'address already in use but nothing listens',
  ],
  ...asked,
  only: ({ old, reuse, held, user, tries }) => {
    if (tries !== 'together') return false;
    if (user === 'other') return held === 'own' && reuse !== 'none' && old !== 'CLOSED';
    return held === 'own' || old === 'TIME-WAIT';
  },
  needs: ({ user }) => (user === 'other' ? ['another-user'] : []),
  seconds: ({ tries }) => (tries === 'together' ? 0.2 : 2),
  // whether it is a mini-socket, which has no user, is decided between close(2) and the ACK of its FIN
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
      text: 'a server whose client closed first leaves nothing on its port: it can be bound again without any option',
      source:
        'RFC 9293 §3.6.1: TIME-WAIT is with the end that closed first; inet_csk_get_port() in net/ipv4/inet_connection_sock.c',
      when: (cell) => together(cell) && cell.old === 'CLOSED',
      holds: (facts) => attempts.every((attempt) => isBound(facts[attempt])),
    },
    { ...blocksWithoutOption, when: isLeft },
    { ...bothMustShareAnOption, when: isLeft },
    {
      id: 'reuseaddr-beside-connections',
      text: 'with SO_REUSEADDR on both, a port is bound again beside a connection in any of the states tried, ESTABLISHED to TIME-WAIT, also by another user',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse of both, sk2 not in TCP_LISTEN',
      when: (cell) => isLeft(cell) && has(cell.reuse, 'addr'),
      holds: (facts) => areBound(facts, 'addr'),
    },
    {
      ...reuseportBesideAnything,
      when: (cell) => together(cell) && cell.user === 'same' && has(cell.reuse, 'port'),
    },
    {
      ...reuseportIsOneUsers,
      when: (cell) => isLeft(cell) && cell.user === 'other' && has(cell.reuse, 'port') && !minis.includes(cell.old),
    },
    {
      id: 'mini-sockets-have-no-user',
      text: "a mini-socket, TIME-WAIT or an orphan's FIN-WAIT-2, has no user: beside it SO_REUSEPORT on both binds, whoever asks",
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
      text: 'to its own user, TIME-WAIT refuses a port exactly as a live connection does, and as the other states tried',
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

  answer(outcomes) {
    const left = outcomes.filter(({ cell }) => cell.old !== 'CLOSED' && cell.user === 'same');
    const withOption = left.filter(({ cell }) => has(cell.reuse, 'addr'));
    const without = left.filter(({ cell }) => !has(cell.reuse, 'addr'));
    const bound = [
      ...boundIn(left, 'none', 'attempts without an option'),
      ...boundIn(withOption, 'addr', "with SO_REUSEADDR on both servers' sockets"),
      ...boundIn(without, 'addr', 'with SO_REUSEADDR on the new one alone'),
    ];
    return sentence(
      bound.length > 0 &&
        `beside a connection that an earlier server left, ESTABLISHED to TIME-WAIT, its port was bound again ${bound.join(', ')}`,
    );
  },
});
