/**
 * Process of one end of the traffic by which the cost of a network is measured. Runs inside a namespace; its first argument is
 * its parent's pid. `serve ADDRESS PORT` answers data that ends in a newline with a newline, and counts all other data. `echo`
 * and `bulk` are its clients; they run for so many ms and print JSON.
 */
import { connect, createServer } from 'node:net';
import { dieWithParent } from '../native/process.ts';

const [parent, what, address = '', port = '', duration = ''] = process.argv.slice(2);
dieWithParent(Number(parent));
const ms = Number(duration);
const to = { host: address, port: Number(port), noDelay: true };
const since = (began: bigint): number => Number(process.hrtime.bigint() - began);

function serve(): void {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (chunk.at(-1) === 10) socket.write('\n');
    });
    socket.on('end', () => socket.end(String(received)));
    socket.on('error', () => undefined);
  });
  server.listen(to.port, address, () => process.stdout.write('listening\n'));
}

/** Round trips of one byte, one after the other; their times in µs. */
function echo(): void {
  const times: number[] = [];
  const began = process.hrtime.bigint();
  let sent = began;
  const socket = connect(to);
  const next = () => {
    sent = process.hrtime.bigint();
    socket.write('\n');
  };
  socket.on('connect', next);
  socket.on('data', () => {
    times.push(since(sent) / 1e3);
    if (since(began) < ms * 1e6) return next();
    process.stdout.write(JSON.stringify(times));
    socket.destroy();
  });
}

/** As many bytes as go in the time; how many, and how long until the server has read the last one, in s. */
function bulk(): void {
  const chunk = Buffer.alloc(256 * 1024);
  const began = process.hrtime.bigint();
  const socket = connect({ ...to, allowHalfOpen: true });
  const write = () => {
    while (since(began) < ms * 1e6) if (!socket.write(chunk)) return;
    socket.end();
  };
  let received = '';
  socket.on('connect', write).on('drain', write);
  socket.on('data', (answer: Buffer) => {
    received += answer.toString();
  });
  socket.on('end', () =>
    process.stdout.write(JSON.stringify({ bytes: Number(received), seconds: since(began) / 1e9 })),
  );
}

({ serve, echo, bulk })[what as 'serve' | 'echo' | 'bulk']();
