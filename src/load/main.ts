/** A process of the load: a server, or the client that opens and closes. It imports node:net and native/ only. */
import type { Server } from 'node:net';
import { enterNamespace, returnHome } from '../native/namespaces.ts';
import { byHandlers, serve as serveHarness, startedWith, tellHarness } from '../process/serve.ts';
import { driveByTinybench } from './bench.ts';
import { drive } from './client.ts';
import type { DriveAsk, LoadTold, LoadVerbs } from './protocol.ts';
import { serve } from './server.ts';

startedWith();
let server: Server | undefined;

const driverOf = ({ driver }: DriveAsk) => (driver === 'tinybench' ? driveByTinybench : drive);

const obey = byHandlers<LoadVerbs>({
  enter: ({ path }) => enterNamespace(path),
  async serve(ask) {
    server = await serve(ask);
  },
  drive: (ask) => driverOf(ask)(ask, tellHarness<LoadTold>),
  cpu() {
    const { user, system } = process.cpuUsage();
    return { user: user / 1e6, system: system / 1e6 };
  },
  async leave() {
    if (server) await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    returnHome();
  },
});

serveHarness<LoadVerbs>(obey);
