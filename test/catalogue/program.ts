import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a call in the program answered: its value as JSON can carry it, or its error. */
export interface Called<T> {
  readonly value?: T;
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
  /** What Node and the called code wrote besides. */
  readonly stderr: string;
}

/**
 * Call an exported function of a module, `catalogue/load.ts`, in a process of its own in that folder: the test runner has
 * its own way to import files, and a user's file must not come that way.
 */
export async function call<T>(cwd: string, module: string, name: string, args: readonly unknown[]): Promise<Called<T>> {
  const code = `
    const { ${name}: called } = await import(${JSON.stringify(join(root, 'src', module))});
    const answer = await called(...${JSON.stringify(args)}).then(
      (value) => ({ value }),
      ({ code, message, remedy }) => ({ error: { code, message, remedy } }),
    );
    process.stdout.write(JSON.stringify(answer));`;
  const { stdout, stderr } = await execa(process.execPath, ['--input-type=module', '--eval', code], { cwd });
  return { ...(JSON.parse(stdout) as Omit<Called<T>, 'stderr'>), stderr };
}

/** A new folder outside the repository with these files, removed in the end. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'lingerlab-test-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** A user's file with one experiment; `claim` is the object of its one claim. */
export const userFile = (
  claim = "when: (cell) => cell.linger === 'off', holds: (facts, cell) => facts['timeWait.holder'] === cell.closes",
): string => `
import { experiment, kind } from 'lingerlab';

export default experiment({
  id: 'my-question',
  question: 'Which end is left in TIME-WAIT?',
  factors: { closes: ['client', 'server'], linger: ['off', 'zero'] },
  measures: { winner: kind.word('old', 'new') },
  async scenario({ client, server, until, note }, { closes, linger }) {
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    const [first, second] = closes === 'client' ? [near, far] : [far, near];
    if (linger === 'zero') await first.set('SO_LINGER', 0);
    await first.close();
    await until(second, 'CLOSE-WAIT', 'CLOSED');
    note('winner', 'old');
    await second.close();
  },
  claims: [
    { id: 'first-closer-waits', text: 'the end that closes first keeps TIME-WAIT', source: 'RFC 9293 §3.6.1',
      ${claim} },
  ],
  answer: (outcomes) => \`\${outcomes.length} cells\`,
});
`;
