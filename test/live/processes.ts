import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Readable } from 'node:stream';

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Every process that /proc shows, but what is left of dead ones. */
export function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (state === 'Z') return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(name), parent: Number(parent), command }];
      } catch {
        return [];
      }
    });
}

/** All processes below one, itself left out. */
export function descendants(pid: number): Process[] {
  const all = processes();
  const below = (parent: number): Process[] =>
    all.filter((each) => each.parent === parent).flatMap((each) => [each, ...below(each.pid)]);
  return below(pid);
}

// every process that this test file starts has it in its environment, and so have those that it starts: reparented ones, too
const mark = `LINGERLAB_TEST_FILE=${randomUUID()}`;
process.env.LINGERLAB_TEST_FILE = mark.slice(mark.indexOf('=') + 1);

const isMarked = ({ pid }: Process, by: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(by);
  } catch {
    return false;
  }
};

/** Those of this test file: others run at the same time. */
export const ownProcesses = (): Process[] =>
  processes().filter((each) => each.pid === process.pid || isMarked(each, mark));

/** The environment of what one test starts, and its processes by that: other tests of its file run at the same time. */
export function ofOneTest() {
  const id = randomUUID();
  const own = () => processes().filter((each) => isMarked(each, `LINGERLAB_TEST=${id}`));
  return { env: { LINGERLAB_TEST: id }, processes: own };
}

/**
 * Network namespaces that one of these processes is in or holds by a descriptor, as `net:[4026532177]`: by default those of this
 * test file, since other test files run at the same time, and so may others on this machine.
 */
export function networkNamespaces(of: readonly Process[] = ownProcesses()): Set<string> {
  const seen = new Set<string>();
  const look = (path: string) => {
    try {
      const target = readlinkSync(path);
      if (target.startsWith('net:[')) seen.add(target);
    } catch {
      // gone meanwhile
    }
  };
  for (const { pid } of of) {
    look(`/proc/${pid}/ns/net`);
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) look(`/proc/${pid}/fd/${fd}`);
    } catch {
      // gone meanwhile
    }
  }
  return seen;
}

/** Resolves when the condition holds; rejects with the message after so many seconds. */
export async function eventually(what: string, condition: () => boolean, seconds = 30): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A process of execa's that does not reject. */
interface Helper extends PromiseLike<{ readonly stderr?: unknown }> {
  readonly stdout: Readable;
}

/** What a helper process prints first. Rejects when it ends before, with what it wrote to stderr, and after so many seconds. */
export function firstWords(helper: Helper, seconds = 30): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the helper printed nothing within ${seconds} s`)), seconds * 1000);
    helper.stdout.once('data', (words: Buffer) => {
      clearTimeout(late);
      resolve(words.toString());
    });
    void helper.then(({ stderr }) => {
      clearTimeout(late);
      reject(new Error(`the helper ended and printed nothing; it wrote: ${String(stderr)}`));
    });
  });
}
