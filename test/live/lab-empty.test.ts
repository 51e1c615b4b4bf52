import { expect, test } from 'vitest';
import { emptied, emptying } from '../../src/lab/empty.ts';
import { canAbortOrphans, makeOrphan } from '../../src/lab/orphan.ts';
import { makeSpace } from '../../src/lab/space.ts';
import { close } from '../../src/native/libc.ts';
import { runTool } from '../../src/process/tool.ts';

/** A namespace with an orphan, which cannot hear of the end of the other socket: `lo` is down. */
async function withOrphan() {
  const space = makeSpace('orphan');
  const other = space.inside(makeOrphan);
  await space.inside(() => runTool('ip', ['link', 'set', 'lo', 'down']));
  return { space, other };
}

test('an orphan of which nobody hears is ended, whether the kernel can abort it or has to give it up', async () => {
  const ways = [async () => false, ...((await canAbortOrphans()) ? [async () => true] : [])];
  for (const way of ways) {
    const { space, other } = await withOrphan();
    using made = space;
    const ends = emptying(made, way);
    expect(ends.sockets()).toBe(2);
    expect(await emptied(made, ends)).toEqual({ inode: made.inode, sockets: 0 });
    close(other);
  }
});
