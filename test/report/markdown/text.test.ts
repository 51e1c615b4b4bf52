import { expect, test } from 'vitest';
import { alert, code, details, plain, table } from '../../../src/report/markdown/text.ts';

test("what Markdown would read as its own is escaped, a reason's code stays code", () => {
  expect(plain('a*b <x> [y] $z _w_ tcp_fin_timeout & `a_b`')).toBe(
    'a\\*b &lt;x> \\[y\\] \\$z \\_w\\_ tcp_fin_timeout &amp; `a_b`',
  );
});

test('a pipe does not end a cell of a table, a line break not its row', () => {
  const lines = table(['x|y'], [[plain('a | b\nc')], [code('p|q')]]).split('\n');
  expect(lines).toEqual(['| x\\|y |', '|---|', '| a \\| b c |', '| <code>p&#124;q</code> |']);
});

test('a backslash before a pipe does not free the pipe', () => {
  expect(table(['h'], [[plain('a\\|b')]]).split('\n')[2]).toBe('| a\\\\\\|b |');
});

test('code in a summary is HTML, for GitHub reads no Markdown there', () => {
  expect(details('see `a<b`', 'body')).toBe(
    '<details>\n<summary>see <code>a&lt;b</code></summary>\n\nbody\n\n</details>',
  );
});

test('every line of an alert is in its quote', () => expect(alert('NOTE', 'a\n\nb')).toBe('> [!NOTE]\n> a\n>\n> b'));
