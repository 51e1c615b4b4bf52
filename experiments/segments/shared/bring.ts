import { ack, type Side, type Stage, tcp } from 'lingerlab';

/** Bytes that each end writes first, so that there are old ones. */
export const written = 300;

export const states = [
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSING',
  'CLOSE-WAIT',
  'LAST-ACK',
] as const;
export type State = (typeof states)[number];

/** Texts of these states. */
export const stateWords = {
  text: 'the state of the end',
  values: {
    'SYN-RECEIVED': 'SYN-RECEIVED: a mini-socket',
    ESTABLISHED: 'ESTABLISHED',
    'FIN-WAIT-1': 'FIN-WAIT-1: its FIN is not acknowledged',
    'FIN-WAIT-2': 'FIN-WAIT-2: its FIN is acknowledged; its descriptor is open',
    CLOSING: 'CLOSING: both have sent a FIN, its own is not acknowledged',
    'CLOSE-WAIT': 'CLOSE-WAIT: the other end has sent its FIN',
    'LAST-ACK': 'LAST-ACK: the other end has sent its FIN, its own is not acknowledged',
  },
} as const;

/** The client's FIN has arrived. */
export const isBehindFin = (state: State): boolean =>
  state === 'CLOSING' || state === 'CLOSE-WAIT' || state === 'LAST-ACK';

/** RCV.NXT of the server's end, relative. */
export const nextOf = (state: State): number =>
  state === 'SYN-RECEIVED' ? 1 : written + 1 + (isBehindFin(state) ? 1 : 0);

type Played = Pick<Stage<readonly [], Record<never, never>>, 'client' | 'server' | 'wire' | 'until'>;

/** Connects; each end writes, reads and has acknowledged. */
export async function connect({ client, server, wire }: Omit<Played, 'until'>, family: 4 | 6) {
  const listener = await server.socket({ family });
  await listener.bind();
  await listener.listen();
  return { listener, ...(await connectTo({ client, wire }, listener)) };
}

type RawListener = Awaited<ReturnType<Played['server']['socket']>>;

/** Connects once more to a listener. */
export async function connectTo({ client, wire }: Pick<Played, 'client' | 'wire'>, listener: RawListener) {
  const near = await client.open(listener);
  const far = await listener.accept();
  // what the client writes then acknowledges it
  await far.write(written);
  await near.received(written);
  await near.write(written);
  for (let read = 0; read < written; ) read += (await far.read(written - read)).length;
  await wire.seen(
    ack
      .from('server')
      .on(near)
      .withAck(written + 1),
  );
  return { near, far };
}

/** Brings the server's end into the state; from then on only forged segments arrive. */
export async function bring(stage: Played, state: State, family: 4 | 6) {
  const { client, server, wire, until } = stage;
  if (state === 'SYN-RECEIVED') {
    const listener = await server.socket({ family });
    await listener.bind();
    await listener.listen();
    await wire.drop(ack.from('client'));
    const near = await client.open(listener);
    await near.connected();
    await until(near.other, 'SYN-RECEIVED');
    await wire.drop(tcp);
    return { near, listener };
  }
  const { listener, near, far } = await connect(stage, family);
  if (state === 'CLOSE-WAIT' || state === 'LAST-ACK') {
    await near.shutdown('WR');
    await Promise.all([until(near, 'FIN-WAIT-2'), until(far, 'CLOSE-WAIT')]);
  }
  if (state === 'FIN-WAIT-2') {
    await far.shutdown('WR');
    await until(far, state);
  }
  await wire.drop(tcp);
  if (state === 'FIN-WAIT-1' || state === 'CLOSING' || state === 'LAST-ACK') {
    await far.shutdown('WR');
    await until(far, state === 'LAST-ACK' ? state : 'FIN-WAIT-1');
  }
  if (state === 'CLOSING') {
    await wire.inject({ from: 'client', on: near, flags: ['FIN', 'ACK'], seq: written + 1, ack: written + 1 });
    await until(far, state);
  }
  return { near, listener, far };
}

/** RCV.NXT + RCV.WND of the server's end, relative: what its last segment acknowledged, and the window that it announced. */
export async function edgeOf({ wire }: Pick<Played, 'wire'>, near: Side): Promise<number> {
  const own = tcp.from('server').on(near);
  const { segment } = await wire.seen(own.nth(await wire.count(own)));
  const synAck = await wire.seen(own);
  const scale = synAck.segment.options.find((option) => option.kind === 'wscale');
  const isScaled = !segment.flags.includes('SYN') && scale?.kind === 'wscale';
  return Number(segment.ack) + segment.window * (isScaled ? 2 ** scale.shift : 1);
}
