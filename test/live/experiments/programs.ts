import { experiment, kind } from 'lingerlab';

/** Waits for one connection, answers what it reads, and closes first. */
const serving = `
import socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])), family=socket.AF_INET)
print("listening on", sys.argv[2])
connection, _ = listener.accept()
connection.sendall(connection.recv(100).upper())
print("closing", file=sys.stderr)
connection.close()
print(input())
sys.exit(3)
`;

/** Connects, says a word, and goes with a RST. */
const connecting = `
import os, socket, struct, sys
near = socket.create_connection((os.environ["TO"], int(sys.argv[1])))
near.sendall(b"hello")
sys.stdin.readline()
near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
near.close()
`;

/** Programs that peers start, and what is seen of them. */
export default experiment({
  id: 'programs',
  question: 'q',
  factors: { does: ['serves', 'connects', 'writes-much', 'is-none', 'fails', 'stays'], network: ['loopback', 'veth'] },
  only: ({ does, network }) => network === 'veth' || does === 'serves' || does === 'connects',
  network: ({ network }) => network,
  needs: ({ does }) => (does === 'serves' || does === 'connects' ? ['program:python3'] : []),
  // Python starts within half a second, on an overloaded machine within five
  seconds: 5,
  connections: ['first'],
  measures: {
    heard: kind.bytes(),
    ended: kind.outcome(),
    written: kind.bytes(),
    leftOut: kind.bytes(),
    pid: kind.count(),
  },
  async scenario({ client, server, until, note }, { does }) {
    if (does === 'serves') {
      const place = server.place();
      const python = await server.exec('python3', ['-c', serving, place.at.address, String(place.at.port)]);
      await python.line(/^listening on \d+$/);
      const near = await client.open(place, { as: 'first' });
      await near.connected();
      await near.write(5, { fill: 'hello' });
      await near.received(5);
      note('heard', (await near.heard()) === 'HELLO' ? 5 : 0);
      await near.ended();
      await near.close();
      await until(near.other, 'TIME-WAIT');
      await python.write('the last word\n');
      const { how, stdout, stderr } = await python.ended();
      note('ended', how);
      note('written', stdout.endsWith('\nthe last word\n') && stderr === 'closing\n' ? 1 : 0);
    } else if (does === 'connects') {
      const listener = await server.listen();
      const { address, port } = listener.at;
      const python = await client.exec('python3', ['-c', connecting, String(port)], { env: { TO: address } });
      const far = await listener.next({ as: 'first' });
      await far.received(5);
      note('heard', (await far.heard()).length);
      await python.closeInput();
      await until(far, 'CLOSED');
      await until(far.other, 'CLOSED');
      note('ended', (await python.ended()).how);
    } else if (does === 'writes-much') {
      const program = await client.exec('head', ['-c', '100000'], { input: 'x'.repeat(100_000) });
      const { stdout, leftOut, code } = await program.ended();
      note('written', stdout.length);
      note('leftOut', leftOut);
      note('ended', code === 0 ? 'ok' : 'failed');
    } else if (does === 'is-none') {
      const answer = await client.exec('no-such-program').answer();
      note('ended', answer.ok ? 'ok' : answer.errno);
    } else if (does === 'fails') {
      const program = await client.exec('sh', ['-c', 'echo some trouble >&2; exit 7']);
      await program.line('never');
    } else {
      const program = await client.exec('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1000 & wait; done']);
      await program.line('ready');
      await program.signal('SIGTERM');
      note('pid', program.pid);
    }
  },
  claims: [],
  answer: () => 'so',
});
