import {
  type Answer,
  type Bound,
  type Cell,
  type Endpoint,
  experiment,
  type Kind,
  kind,
  type OutcomeOf,
  type Reuse,
  type Stage,
  sentence,
  share,
  type Where,
} from 'lingerlab';

const optionWords: Record<Reuse, string> = {
  none: 'no option',
  addr: 'SO_REUSEADDR',
  port: 'SO_REUSEPORT',
  both: 'both options',
};
const addressWords: Record<Where, string> = {
  own: 'the same address',
  wildcard: 'the wildcard',
  other: 'another address',
};
const reuses = ['none', 'addr', 'port', 'both'] as const;
const places = ['own', 'wildcard', 'other'] as const;
/** A new socket's address and options: `wildcard.addr`. */
type Attempt = `${Where}.${Reuse}`;
const tried = places.flatMap((at) => reuses.map((reuse) => ({ at, reuse, attempt: `${at}.${reuse}` as Attempt })));
const attempts = tried.map(({ attempt }) => attempt);
const atOther: ReadonlySet<Attempt> = new Set(tried.flatMap(({ at, attempt }) => (at === 'other' ? [attempt] : [])));

/** What a new socket may come to: `ok`, or the call that was refused, and with what. */
const refusedBinds = ['bind EADDRINUSE', 'bind EADDRNOTAVAIL', 'bind EACCES', 'bind EINVAL'] as const;
const refusedListens = ['listen EADDRINUSE', 'listen EACCES', 'listen EINVAL'] as const;
const refusedConnects = ['connect ECONNREFUSED', 'connect ECONNRESET', 'connect ETIMEDOUT'] as const;
const ends = ['ok', ...refusedBinds, ...refusedListens, ...refusedConnects] as const;
type Came = (typeof ends)[number];

/** What each new socket came to. */
const measures = Object.fromEntries(
  tried.map(({ at, reuse, attempt }) => {
    const text = `a new socket on ${addressWords[at]} with ${optionWords[reuse]}: ok where it was bound, listened and a client connected; else the call that was refused`;
    return [attempt, { ...kind.word(...ends), text }];
  }),
) as Record<Attempt, Kind<Came>>;
const refused = 'bind EADDRINUSE';
/** What bind(2) alone said of it. */
const bindOf = (came: Came) => refusedBinds.find((refusal) => refusal === came) ?? 'ok';
const isBound = (came: Came) => bindOf(came) === 'ok';
const couldNotListen = (came: Came) => refusedListens.some((refusal) => refusal === came);
/** What a connection leaves behind when its listener is closed. */
const connected = [
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'FIN-WAIT-2-orphan',
  'CLOSE-WAIT',
  'LAST-ACK',
  'TIME-WAIT',
] as const;
const isConnected = (old: string) => (connected as readonly string[]).includes(old);

/** More than the other end's window and this end's send buffer take, at their largest. */
const tooMuch = 12_000_000;

type Played = Stage<readonly ['old'], typeof measures>;
type Leave = (near: Endpoint, far: Endpoint, stage: Played) => Promise<unknown>;

/** How a connection is left with the server's end, `far`, in each state. */
const leave: Record<'CLOSED' | (typeof connected)[number], Leave> = {
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

const olds = ['CLOSED', 'BOUND', 'BOUND-then-set', 'BOUND-then-LISTEN', 'LISTEN', ...connected] as const;
/** States whose data is not read: megabytes of it, until somebody resets. */
const full: readonly string[] = ['FIN-WAIT-1', 'LAST-ACK'];
/** What the server's end may be a mini-socket in. */
const minis: readonly string[] = ['TIME-WAIT', 'FIN-WAIT-2-orphan'];
/** The user nobody. */
const nobody = 65_534;

const has = (reuse: Reuse, option: 'addr' | 'port') => reuse === option || reuse === 'both';

const asked = {
  factors: {
    old: olds,
    // the old socket's; net's own way first
    reuse: ['addr', 'none', 'port', 'both'],
    held: ['own', 'wildcard'],
    // the new socket's; only SO_REUSEPORT asks, so that an old socket without options is tried with --all alone
    user: ['same', 'other'],
    // each at an old socket of its own, with --all: that they share one changes nothing
    tries: ['together', 'each-alone'],
  },
  connections: ['old'],
  measures,
} as const;
type Asked = Cell<typeof asked.factors>;
type Told = OutcomeOf<typeof asked>;

/** Have the server leave something on a port of its own; where it is, and what makes it forget megabytes that nobody reads. */
async function leaveOld(
  stage: Played,
  { old, reuse, held }: Asked,
): Promise<{ readonly at: Bound['at']; readonly forget?: () => Promise<void> }> {
  const first = await stage.server.bind({ reuse: old === 'BOUND-then-set' ? 'none' : reuse, at: held });
  if (old === 'BOUND-then-set') {
    if (has(reuse, 'addr')) await first.set('SO_REUSEADDR', true);
    if (has(reuse, 'port')) await first.set('SO_REUSEPORT', true);
  }
  if (old === 'BOUND-then-LISTEN') await first.close();
  if (old === 'BOUND' || old === 'BOUND-then-set' || old === 'BOUND-then-LISTEN') return first;
  const listener = await first.listen();
  if (old === 'LISTEN') return listener;
  const [near, far] = await stage.client.connect(listener, { as: 'old' });
  await listener.close();
  await leave[old](near, far, stage);
  return { at: first.at, ...(full.includes(old) && { forget: async () => near.close('resetAndDestroy') }) };
}

/** The cells whose new sockets share one old socket, and that are such. */
const together =
  (are: (cell: Asked) => boolean = () => true) =>
  (cell: Asked): boolean =>
    cell.tries === 'together' && are(cell);
/** Whether a new socket on the address itself, and one on the wildcard, were refused; and whether both were bound. */
const areRefused = (facts: Told['facts'], again: Reuse) =>
  facts[`own.${again}`] === refused && facts[`wildcard.${again}`] === refused;
const areBound = (facts: Told['facts'], again: Reuse) =>
  isBound(facts[`own.${again}`]) && isBound(facts[`wildcard.${again}`]);
/** Whether bind(2) said the same in cells that differ in these values alone, where both ran: facts are read of such pairs only. */
const alike = (
  outcomes: readonly Told[],
  are: (cell: Asked) => boolean,
  but: Partial<Asked>,
  of: readonly Attempt[] = attempts,
): boolean =>
  outcomes
    .filter(({ cell }) => are(cell))
    .every((one) => {
      const other = Object.entries({ ...one.cell, ...but });
      const found = outcomes.find(({ cell }) => other.every(([name, value]) => cell[name as keyof Asked] === value));
      return !found || of.every((attempt) => bindOf(found.facts[attempt]) === bindOf(one.facts[attempt]));
    });

export default experiment({
  id: 'rebind',
  question: 'When can a port be bound again beside what an earlier server left on it?',
  ...asked,
  only: ({ old, reuse, held, user, tries }) => {
    if (tries !== 'together' || (old === 'BOUND-then-set' && reuse === 'none')) return false;
    if (user === 'other') return held === 'own' && reuse !== 'none' && old !== 'CLOSED';
    return held === 'own' || old === 'BOUND' || old === 'LISTEN' || old === 'TIME-WAIT';
  },
  needs: ({ user }) => (user === 'other' ? ['another-user'] : []),
  seconds: ({ tries }) => (tries === 'together' ? 0.2 : 2),
  // whether it is a mini-socket, which has no user, is decided between close(2) and the ACK of its FIN
  race: ({ old, user }) => user === 'other' && old === 'FIN-WAIT-2-orphan' && 4,
  shows: (['own', 'other', 'wildcard'] as const).flatMap((at) => reuses.map((reuse) => `${at}.${reuse}` as const)),

  async scenario(stage, cell) {
    const { client, server, start, note } = stage;
    const { old, reuse, held } = cell;
    const newcomer = cell.user === 'same' ? server : await start('newcomer', { where: 'server', uid: nobody });
    for (const lot of cell.tries === 'together' ? [tried] : tried.map((one) => [one])) {
      const left = await leaveOld(stage, cell);
      for (const { at, reuse: again, attempt } of lot) {
        const told = <T>(call: 'bind' | 'listen' | 'connect', answer: Answer<T>) =>
          note(attempt, answer.ok ? 'ok' : (`${call} ${answer.outcome}` as Came));
        // one that listens stays: each attempt to bind before that needs another
        const rival = old === 'BOUND-then-LISTEN' ? await server.bind({ reuse, at: held }) : undefined;
        const binding = await newcomer.bind({ port: (rival ?? left).at.port, reuse: again, at }).answer();
        const rivalListens = await rival?.listen();
        told('bind', binding);
        if (binding.ok) {
          const listening = await binding.value.listen().answer();
          told('listen', listening);
          if (listening.ok) told('connect', await client.knock(listening.value).answer());
          await (listening.ok ? listening.value : binding.value).close();
        }
        await rivalListens?.close();
      }
      await left.forget?.();
    }
  },

  claims: [
    {
      id: 'nothing-left-nothing-refused',
      text: 'a server whose client closed first leaves nothing on its port: it can be bound again without any option',
      source:
        'RFC 9293 §3.6.1: TIME-WAIT is with the end that closed first; inet_csk_get_port() in net/ipv4/inet_connection_sock.c',
      when: together(({ old }) => old === 'CLOSED'),
      holds: (facts) => attempts.every((attempt) => isBound(facts[attempt])),
    },
    {
      id: 'blocks-without-option',
      text: 'a new socket without SO_REUSEADDR and SO_REUSEPORT is refused beside an old one on its address, bound, listening or connected',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c; socket(7)',
      when: together(({ old }) => old !== 'CLOSED'),
      holds: (facts) => areRefused(facts, 'none'),
    },
    {
      id: 'both-must-share-an-option',
      text: 'what only one of the two sockets has set does not help, nor SO_REUSEADDR on one and SO_REUSEPORT on the other',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c asks sk and sk2',
      when: together(({ old }) => old !== 'CLOSED'),
      holds: (facts, { reuse }) =>
        reuses
          .filter((again) => !(['addr', 'port'] as const).some((option) => has(reuse, option) && has(again, option)))
          .every((again) => facts[`own.${again}`] === refused),
    },
    {
      id: 'reuseaddr-beside-connections',
      text: 'with SO_REUSEADDR on both, a port is bound again beside a connection in any of the states tried, ESTABLISHED to TIME-WAIT, also by another user',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse of both, sk2 not in TCP_LISTEN',
      when: together(({ old, reuse }) => isConnected(old) && has(reuse, 'addr')),
      holds: (facts) => areBound(facts, 'addr'),
    },
    {
      id: 'reuseaddr-not-beside-listener',
      text: 'SO_REUSEADDR alone on the new socket, whatever the old one has, does not bind a port beside a listener',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk2->sk_state != TCP_LISTEN; socket(7)',
      when: together(({ old }) => old === 'LISTEN'),
      holds: (facts) => areRefused(facts, 'addr'),
    },
    {
      id: 'reuseport-beside-anything',
      text: 'with SO_REUSEPORT on both, and one user, a port is bound again beside a bound socket, a listener and a connection',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuseport of both, uid_eq(); socket(7)',
      when: together(({ reuse, user }) => user === 'same' && has(reuse, 'port')),
      holds: (facts) => areBound(facts, 'port'),
    },
    {
      id: 'reuseport-is-one-users',
      text: "SO_REUSEPORT on both shares a port among one user's sockets only: another user's is refused, even where the first is root's",
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: uid_eq(); socket(7): SO_REUSEPORT',
      when: together(
        ({ old, reuse, user }) => user === 'other' && has(reuse, 'port') && old !== 'CLOSED' && !minis.includes(old),
      ),
      holds: (facts) => areRefused(facts, 'port'),
    },
    {
      id: 'mini-sockets-have-no-user',
      text: "a mini-socket, TIME-WAIT or an orphan's FIN-WAIT-2, has no user: beside it SO_REUSEPORT on both binds, whoever asks",
      source:
        'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_state of every mini-socket is TCP_TIME_WAIT, whatever its tw_substate',
      when: together(({ old, reuse, user }) => user === 'other' && has(reuse, 'port') && minis.includes(old)),
      holds: (facts) => bindOf(facts['own.port']) === (facts['old.server.miniSocket'].length > 0 ? 'ok' : refused),
    },
    {
      id: 'other-address-is-free',
      text: 'on another address of the machine the port is free, whatever a socket of one address left',
      source: 'inet_bhash2_conflict() in net/ipv4/inet_connection_sock.c; inet_rcv_saddr_equal()',
      when: together(({ old, held }) => held === 'own' || isConnected(old)),
      holds: (facts) => reuses.every((again) => isBound(facts[`other.${again}`])),
    },
    {
      id: 'wildcard-holds-every-address',
      text: 'a socket on the wildcard that is bound or listens holds the port of two addresses alike',
      source: 'inet_bhash2_addr_any_conflict() in net/ipv4/inet_connection_sock.c',
      when: together(({ old, held }) => held === 'wildcard' && (old === 'BOUND' || old === 'LISTEN')),
      holds: (facts) => reuses.every((again) => bindOf(facts[`other.${again}`]) === bindOf(facts[`own.${again}`])),
    },
    {
      id: 'wildcard-asks-the-same',
      text: 'the wildcard is bound and refused exactly as the address itself',
      source: 'inet_rcv_saddr_equal() with match_wildcard, net/ipv4/inet_connection_sock.c',
      when: together(),
      holds: (facts) => reuses.every((again) => bindOf(facts[`wildcard.${again}`]) === bindOf(facts[`own.${again}`])),
    },
    {
      id: 'bound-is-as-good-as-listening',
      text: 'where bind(2) succeeded and nobody else listens since, listen(2) succeeds and a client connects',
      when: together(({ old }) => old !== 'BOUND-then-LISTEN'),
      source:
        'inet_csk_listen_start() in net/ipv4/inet_connection_sock.c asks for the port again: only a listener could refuse it now',
      holds: (facts) =>
        attempts.filter((attempt) => isBound(facts[attempt])).every((attempt) => facts[attempt] === 'ok'),
    },
    {
      id: 'first-listener-wins',
      text: 'of two sockets that SO_REUSEADDR let bind to one port, the first to listen keeps the other from listening; SO_REUSEPORT lets both, of one user',
      source:
        'inet_csk_listen_start() in net/ipv4/inet_connection_sock.c calls get_port() again, after TCP_LISTEN is set',
      when: together(({ old, reuse }) => old === 'BOUND-then-LISTEN' && has(reuse, 'addr')),
      holds: (facts, { reuse, user }) =>
        facts['own.addr'] === 'listen EADDRINUSE' &&
        facts['own.both'] === (reuse === 'both' && user === 'same' ? 'ok' : 'listen EADDRINUSE'),
    },
  ],

  across: [
    {
      id: 'time-wait-is-nothing-special',
      text: 'to its own user, TIME-WAIT refuses a port exactly as a live connection does, and as the other states tried',
      source:
        'inet_bind_conflict() in net/ipv4/inet_connection_sock.c knows TCP_LISTEN, and TCP_TIME_WAIT only for the user',
      holds: (outcomes) =>
        alike(
          outcomes,
          together(
            ({ old, held, user }) => isConnected(old) && old !== 'ESTABLISHED' && held === 'own' && user === 'same',
          ),
          { old: 'ESTABLISHED' },
        ),
    },
    {
      id: 'set-late-counts',
      text: 'options that the old socket was given after it was bound count like those of before',
      source:
        'inet_bind_conflict() in net/ipv4/inet_connection_sock.c reads sk_reuse and sk_reuseport of both at each bind(2)',
      holds: (outcomes) =>
        alike(
          outcomes,
          together(({ old, held }) => old === 'BOUND-then-set' && held === 'own'),
          { old: 'BOUND' },
        ),
    },
    {
      id: 'wildcard-refuses-the-same',
      text: 'a server that was on the wildcard leaves the port of its address as one that was on the address alone',
      source: 'inet_rcv_saddr_equal() with match_wildcard, net/ipv4/inet_connection_sock.c',
      holds: (outcomes) =>
        alike(
          outcomes,
          together(({ held }) => held === 'wildcard'),
          { held: 'own' },
          attempts.filter((attempt) => !atOther.has(attempt)),
        ),
    },
  ],

  answer(outcomes) {
    type Chosen = (cell: Asked) => boolean;
    /** `in 3 of 4 words`, of attempts to bind the address itself; nothing where none was made. */
    const bound = (chosen: Chosen, again: Reuse, words: string): string[] => {
      const made = outcomes.filter(({ cell, facts }) => chosen(cell) && `own.${again}` in facts);
      const succeeded = made.filter(({ facts }) => isBound(facts[`own.${again}`]));
      return made.length === 0 ? [] : [`in ${share(succeeded, made)} ${words}`];
    };
    const phrase = (begins: string, ...parts: readonly string[][]) =>
      parts.flat().length > 0 && `${begins} ${parts.flat().join(', ')}`;
    const beside =
      (old: (old: string) => boolean, user: 'same' | 'other', option?: 'addr' | 'port'): Chosen =>
      (cell) =>
        old(cell.old) && cell.user === user && (!option || has(cell.reuse, option));
    const without: Chosen = (cell) => beside(isConnected, 'same')(cell) && !has(cell.reuse, 'addr');
    const listens = (old: string) => old === 'LISTEN';
    const isLate = beside((old) => old === 'BOUND-then-LISTEN', 'same', 'addr');
    const late = outcomes.filter(({ cell }) => isLate(cell));
    const kept = late.filter(({ facts }) => 'own.addr' in facts && couldNotListen(facts['own.addr']));
    return sentence(
      phrase(
        'beside a connection that an earlier server left, ESTABLISHED to TIME-WAIT, its port was bound again',
        bound(beside(isConnected, 'same'), 'none', 'attempts without an option'),
        bound(beside(isConnected, 'same', 'addr'), 'addr', "with SO_REUSEADDR on both servers' sockets"),
        bound(without, 'addr', 'with SO_REUSEADDR on the new one alone'),
      ),
      phrase(
        'beside a listener a port was bound again',
        bound(beside(listens, 'same', 'addr'), 'addr', 'with SO_REUSEADDR on both'),
        bound(beside(listens, 'same', 'port'), 'port', 'with SO_REUSEPORT on both'),
        bound(beside(listens, 'other', 'port'), 'port', 'with SO_REUSEPORT on both and another user'),
      ),
      late.length > 0 &&
        `of two sockets that SO_REUSEADDR let bind to one port, the second could not listen in ${share(kept, late)} once the first did`,
    );
  },
});
