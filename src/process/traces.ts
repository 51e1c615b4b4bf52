import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { getPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a process had at a moment. */
export interface Traces {
  /**
   * What it has now and had not then, or the other way round: nothing, as soon as that is so, or what is left after so many ms; by
   * default the time in which what was closed is gone.
   */
  since(ms?: number): Promise<readonly string[]>;
}

/** How long what was closed may take to be gone: libuv closes a handle in the turn of the loop behind the call. */
const goneMs = 200;

/** Looks at what a process may leave behind: descriptors, what keeps its event loop, listeners for signals, its user, how it is scheduled. */
export function traces(): Traces {
  // net's destroy() looks whether a socket is stderr, whose handle is made when it is first asked for
  void process.stderr;
  const before = present();
  return {
    async since(ms = goneMs) {
      const deadline = performance.now() + ms;
      for (;;) {
        const left = differences(before, present());
        if (left.length === 0 || performance.now() > deadline) return left;
        await sleep(1);
      }
    },
  };
}

const present = (): readonly string[] => [
  ...descriptors(),
  ...process.getActiveResourcesInfo(),
  ...process.eventNames().map((name) => `${process.listenerCount(String(name))} listeners for ${String(name)}`),
  `user ${process.geteuid?.()}`,
  `priority ${getPriority()}`,
  `CPUs ${/^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]}`,
];

/** Each with what it refers to: `17 socket:[4711]`. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`descriptor ${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      // the one by which the folder was read
      return [];
    }
  });
}

function differences(before: readonly string[], after: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const each of after) counts.set(each, (counts.get(each) ?? 0) + 1);
  for (const each of before) counts.set(each, (counts.get(each) ?? 0) - 1);
  return [...counts].flatMap(([each, count]) => (count === 0 ? [] : [count > 0 ? each : `without ${each}`]));
}
