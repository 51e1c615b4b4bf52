/** Holds every text that people read against the words that this program uses. Exits with 1 where one has another word. */
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { textsOf } from './texts.ts';
import { findForbidden } from './words.ts';

const { stdout } = await execa('git', ['ls-files', '--cached', '--others', '--exclude-standard']);
const isRead = (path: string): boolean =>
  (/^(src|experiments|templates)\/.*\.(ts|js|md)$/.test(path) ||
    /^[^/]+\.md$|^(test|results)\/[^/]*\.md$/.test(path)) &&
  !path.startsWith('CHANGELOG');
let found = 0;
for (const path of stdout.split('\n').filter(isRead)) {
  const source = await readFile(path, 'utf8').catch(() => '');
  for (const { line, word, use } of findForbidden(source, textsOf(path, source))) {
    found += 1;
    process.stdout.write(`${path}:${line}: "${word}": use ${use}\n`);
  }
}
if (found > 0) {
  process.stdout.write(
    `${found} words are not this program's; where one must stay, say why: \`words: WHY\` in that line or above\n`,
  );
  process.exitCode = 1;
}
