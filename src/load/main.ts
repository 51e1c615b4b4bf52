/** A process of the load: a server, or the client that opens and closes. It imports little more than node:net and native/. */
import { enterNamespace, returnHome } from '../native/namespaces.ts';
import { byHandlers, serve as serveHarness, startedWith, tellHarness } from '../process/serve.ts';
import { driveByTinybench } from './bench.ts';
import { drive } from './client.ts';
import { driveByLibc, serveByLibc } from './libc.ts';
import { type Mark, markNow } from './mark.ts';
import type { DriveAsk, LoadVerbs } from './protocol.ts';
import { type Serving, serve } from './server.ts';

startedWith();
let server: Serving | undefined;
/** The namespace that this process is in. */
let own = '/proc/thread-self/ns/net';

const driverOf = ({ driver, sockets }: DriveAsk) => {
  if (driver === 'tinybench') return driveByTinybench;
  return sockets === 'libc' ? driveByLibc : drive;
};

const obey = byHandlers<LoadVerbs>({
  enter({ path }) {
    enterNamespace(path);
    own = path;
  },
  async serve(ask) {
    server = await (ask.sockets === 'libc' ? serveByLibc(ask) : serve(ask));
  },
  drive: (ask) => driverOf(ask)(ask, () => tellHarness<Mark>(markNow(ask.marked, own))),
  async leave() {
    await server?.close();
    server = undefined;
    returnHome();
  },
});

serveHarness<LoadVerbs>(obey);
