/**
 * One end of a load: a process inside a namespace, which prints JSON when it is done.
 * `serve PORT ADDRESS` echoes what ends in a newline, and reads everything else; `echo` and `bulk` are its clients.
 */
import { connect, createServer } from 'node:net';

const [what, address = '', port = '', amount = ''] = process.argv.slice(2);
const count = Number(amount);

function serve(): void {
  const server = createServer({ noDelay: true }, (socket) => {
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (chunk.at(-1) === 10) socket.write('\n');
    });
    socket.on('end', () => socket.end(String(received)));
  });
  server.listen(Number(port), address, () => process.stdout.write('listening\n'));
}

/** So many round trips of one byte; their times in µs. */
function echo(): void {
  const times: number[] = [];
  let sent = 0n;
  const socket = connect({ host: address, port: Number(port), noDelay: true });
  const next = () => {
    sent = process.hrtime.bigint();
    socket.write('\n');
  };
  socket.on('connect', next);
  socket.on('data', () => {
    times.push(Number(process.hrtime.bigint() - sent) / 1e3);
    if (times.length < count) return next();
    process.stdout.write(JSON.stringify(times));
    socket.destroy();
  });
}

/** So many bytes to the server; how long until it has read them, in s. */
function bulk(): void {
  const chunk = Buffer.alloc(256 * 1024);
  const began = process.hrtime.bigint();
  let left = count;
  const socket = connect({ host: address, port: Number(port), allowHalfOpen: true });
  const write = () => {
    while (left > 0) {
      left -= chunk.length;
      if (!socket.write(chunk)) return;
    }
    socket.end();
  };
  socket.on('connect', write).on('drain', write).resume();
  socket.on('end', () => process.stdout.write(JSON.stringify(Number(process.hrtime.bigint() - began) / 1e9)));
}

({ serve, echo, bulk })[what as 'serve' | 'echo' | 'bulk']();
