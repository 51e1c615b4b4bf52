/** A process of the load: a server, or the client that opens and closes. It imports node:net and native/ only. */
import { messageOf } from '../errors.ts';
import { dieWithParent } from '../native/process.ts';
import { driveByTinybench } from './bench.ts';
import { drive } from './client.ts';
import type { DriveAsk, LoadArguments, LoadReply, LoadRequest, LoadTold } from './protocol.ts';
import { serve } from './server.ts';

const { parent } = JSON.parse(process.argv[2] ?? '{}') as LoadArguments;
dieWithParent(parent);
process.on('disconnect', () => process.exit(0));
const tell = (message: LoadReply | LoadTold | { ready: true }) => void process.send?.(message);

const driverOf = ({ driver }: DriveAsk) => (driver === 'tinybench' ? driveByTinybench : drive);

const obey = (request: LoadRequest): Promise<unknown> =>
  request.verb === 'serve' ? serve(request.ask) : driverOf(request.ask)(request.ask, tell);

process.on('message', (request: LoadRequest) => {
  obey(request).then(
    (value) => tell({ id: request.id, value }),
    (error: unknown) => tell({ id: request.id, error: messageOf(error) }),
  );
});
tell({ ready: true });
