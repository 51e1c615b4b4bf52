import { expect, test } from 'vitest';
import { textsOf } from './texts.ts';
import { findForbidden } from './words.ts';

const found = (path: string, source: string) =>
  findForbidden(source, textsOf(path, source)).map(({ line, word }) => `${line} ${word}`);

test('comments and strings of several words are read, names and single words are not', () => {
  const source = [
    '// it is told at once',
    "const told = 'told';",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a source
    'const text = `the peer ${told} tells why`;',
    '/** Used in place of',
    ' * another, and in',
    ' * vain. */',
  ].join('\n');
  expect(found('a.ts', source)).toEqual(['1 told', '4 in place of', '3 tells']);
});

test('a line, or the one above it, can say why a word stays', () => {
  expect(found('a.ts', '// told (words: a quotation)\n// told\n\n// told')).toEqual(['4 told']);
});

test('of a page the code is not read', () => {
  expect(found('a.md', 'told `told`\n```text\ntold\n```\ntold')).toEqual(['1 told', '5 told']);
});
