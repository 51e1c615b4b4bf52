import { socketConstants as c } from '../native/constants.ts';
import { accept, bind, close, connect, getsockname, listen, socket } from '../native/libc.ts';
import { insideNamespace, interfaceUp, makeNetworkNamespace, releaseNamespace } from '../native/namespaces.ts';
import { lingerSetter } from '../native/sockets.ts';
import { quantile } from '../stats/quantile.ts';

/** What is counted, for each connection, or each socket that is bound. */
export const instructionWays = [
  'open',
  'close-client-first',
  'close-server-first',
  'close-linger-0',
  'bind-and-close',
] as const;
export type InstructionWay = (typeof instructionWays)[number];

/** Connections in a batch: it takes about a millisecond, so that most batches have no tick of the timer in them. */
const inBatch = 10;
const batches = 120;
/** Batches in a namespace: ports in TIME-WAIT there stay so few that the kernel hardly ever meets one when it chooses. */
const inSpace = 20;
/** Until V8 has compiled what it will. */
const warming = 40;

/** 127.0.0.1 and a port as struct sockaddr_in has them. */
const loopback = () => {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(c.AF_INET, 0);
  address.writeUInt32BE(0x7f_00_00_01, 4);
  return address;
};

/** What else the kernel does in a batch only adds: of these batches, the lowest tenth took no more. */
const undisturbed = 0.1;

/** What a batch took, instructions for each of its connections. */
export type Counted = Record<InstructionWay, number>;

/**
 * What connections and binds take on this kernel, by a clock, on loopback and in namespaces of its own. What the kernel does later for many
 * connections at once (RCU, TIME-WAIT's timers) is not in it. Throws SystemCallError.
 */
export function countedBy(now: () => bigint, often: number = batches, warmUp: number = warming): Counted {
  const took = Object.fromEntries(instructionWays.map((way) => [way, [] as number[]])) as Record<
    InstructionWay,
    number[]
  >;
  const setLinger0 = lingerSetter(0);
  const closings = {
    'close-client-first': (client: number, server: number) => {
      close(client);
      close(server);
    },
    'close-server-first': (client: number, server: number) => {
      close(server);
      close(client);
    },
    'close-linger-0': (client: number, server: number) => {
      setLinger0(client);
      close(client);
      close(server);
    },
  } as const;
  const keep = (way: InstructionWay, from: bigint, to: bigint): void =>
    void took[way].push(Number(to - from) / inBatch);

  const batch = (listener: number, at: Buffer, way: keyof typeof closings): void => {
    const pairs: [number, number][] = [];
    const begins = now();
    for (let nth = 0; nth < inBatch; nth++) {
      const client = socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_CLOEXEC, 0);
      connect(client, at, at.length);
      pairs.push([client, accept(listener, null, null, c.SOCK_CLOEXEC)]);
    }
    const open = now();
    for (const [client, server] of pairs) closings[way](client, server);
    const closed = now();
    keep('open', begins, open);
    keep(way, open, closed);
  };
  const binding = (): void => {
    const any = loopback();
    const begins = now();
    for (let nth = 0; nth < inBatch; nth++) {
      const fd = socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_CLOEXEC, 0);
      bind(fd, any, any.length);
      close(fd);
    }
    keep('bind-and-close', begins, now());
  };
  const listening = (work: (listener: number, at: Buffer) => void): void => {
    const space = makeNetworkNamespace();
    try {
      insideNamespace(space, () => {
        interfaceUp('lo');
        const listener = socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_CLOEXEC, 0);
        try {
          const at = loopback();
          bind(listener, at, at.length);
          listen(listener, inBatch);
          getsockname(listener, at, new Uint8Array(new Int32Array([at.length]).buffer));
          work(listener, at);
        } finally {
          close(listener);
        }
      });
    } finally {
      releaseNamespace(space);
    }
  };

  const ways = Object.keys(closings) as (keyof typeof closings)[];
  const rounds = (count: number): void => {
    for (const way of ways)
      for (let done = 0; done < count; done += inSpace)
        listening((listener, at) => {
          for (let nth = done; nth < Math.min(count, done + inSpace); nth++) batch(listener, at, way);
        });
    listening(() => {
      for (let nth = 0; nth < count; nth++) binding();
    });
  };
  rounds(warmUp);
  for (const each of Object.values(took)) each.length = 0;
  rounds(often);
  return Object.fromEntries(
    instructionWays.map((way) => [way, Math.round(quantile(took[way], undisturbed))]),
  ) as Counted;
}
