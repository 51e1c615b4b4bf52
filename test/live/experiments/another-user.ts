import { readFileSync, readlinkSync } from 'node:fs';
import { experiment, kind } from 'lingerlab';

const uidOf = (pid: number) => Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
const spaceOf = (pid: number) => readlinkSync(`/proc/${pid}/ns/net`);
export default experiment({
  id: 'users',
  question: 'who?',
  factors: {},
  network: 'veth',
  needs: () => ['another-user'],
  measures: { own: kind.count(), other: kind.count(), there: kind.boolean() },
  async scenario({ server, start, note }) {
    const other = await start('other', { where: 'server', uid: 65534 });
    note('own', uidOf(server.pid));
    note('other', uidOf(other.pid));
    note('there', spaceOf(other.pid) === spaceOf(server.pid));
  },
  claims: [],
  answer: () => 'as asked',
});
