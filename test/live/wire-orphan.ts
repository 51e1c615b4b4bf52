/** A harness that makes a lab on the wire, prints what it made, and waits to be killed. */
import { makeLab } from '../../src/lab/lab.ts';
import { lockPorts } from '../../src/lab/ports.ts';

const ports = lockPorts();
const capture = process.argv[2]!;
const lab = await makeLab({
  network: 'wire',
  sysctls: {},
  ports,
  serial: 1,
  wire: { settings: { wallNs: '0', capture } },
});
await lab.wire!.ask('injectRaw', { from: 'client', hex: '45' });
process.stdout.write(JSON.stringify({ pid: lab.wire!.pid, inodes: lab.spaces.map(({ inode }) => inode) }));
setInterval(() => {}, 60_000);
