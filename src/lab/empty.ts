import { runTool } from '../process/tool.ts';
import { type Space, socketsIn } from './space.ts';

/** A namespace, and how many sockets hold it. */
export interface Kept {
  readonly inode: number;
  readonly sockets: number;
}

/** How the sockets of a namespace are counted and killed. */
export interface Emptying {
  readonly sockets: () => number;
  readonly kill: () => Promise<unknown>;
  /** How long they may take to end. */
  readonly withinMs: number;
}

/** A socket that `ss -K` aborts is gone within 250 ms. */
const withinMs = 2000;

const emptying = (space: Space): Emptying => ({
  sockets: () => socketsIn(space),
  kill: () => space.inside(() => runTool('ss', ['-K', '-taH', 'state', 'all'])),
  withinMs,
});

/**
 * Waits until no socket holds the namespace: an orphan in FIN-WAIT-1 would keep it for minutes after its last descriptor is closed, so
 * what is left is killed through `ss -K`. Returns what holds it all the same: Linux before 6.11 stops the timers of an orphan that is
 * aborted, and never ends it (commit bac76cf89816).
 */
export async function emptied(
  space: Space,
  { sockets, kill, withinMs: within }: Emptying = emptying(space),
): Promise<Kept> {
  const deadline = performance.now() + within;
  let pause = 1;
  for (;;) {
    const left = sockets();
    if (left === 0 || performance.now() > deadline) return { inode: space.inode, sockets: left };
    if (pause > 2) await kill();
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 100);
  }
}
