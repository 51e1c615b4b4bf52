/** A process of the load: a server, or the client that opens and closes. It imports node:net and native/ only. */
import type { Server } from 'node:net';
import { messageOf } from '../errors.ts';
import { enterNamespace, returnHome } from '../native/namespaces.ts';
import { dieWithParent } from '../native/process.ts';
import { driveByTinybench } from './bench.ts';
import { drive } from './client.ts';
import type { DriveAsk, LoadArguments, LoadReply, LoadRequest, LoadTold, LoadVerb, LoadVerbs } from './protocol.ts';
import { serve } from './server.ts';

const { parent } = JSON.parse(process.argv[2] ?? '{}') as LoadArguments;
dieWithParent(parent);
process.on('disconnect', () => process.exit(0));
const tell = (message: LoadReply | LoadTold | { ready: true }) => void process.send?.(message);
let server: Server | undefined;

const driverOf = ({ driver }: DriveAsk) => (driver === 'tinybench' ? driveByTinybench : drive);

type Handlers = {
  readonly [V in LoadVerb]: (ask: LoadVerbs[V]['ask']) => LoadVerbs[V]['value'] | Promise<LoadVerbs[V]['value']>;
};
const handlers: Handlers = {
  enter: ({ path }) => enterNamespace(path) as undefined,
  async serve(ask) {
    server = await serve(ask);
    return undefined;
  },
  drive: (ask) => driverOf(ask)(ask, tell),
  cpu() {
    const { user, system } = process.cpuUsage();
    return { user: user / 1e6, system: system / 1e6 };
  },
  async leave() {
    if (server) await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    returnHome();
    return undefined;
  },
};

async function obey({ id, verb, ask }: LoadRequest): Promise<void> {
  try {
    tell({ id, value: await handlers[verb](ask as never) });
  } catch (error) {
    tell({ id, error: messageOf(error) });
  }
}

process.on('message', (request: LoadRequest) => void obey(request));
tell({ ready: true });
