/** Text as Markdown that shows it as it is, in a paragraph or a table's cell; code between backticks stays code. */
export const plain = (text: string): string =>
  text
    .split(/(`[^`\n]+`)/)
    .map((part, index) => (index % 2 === 1 ? code(part.slice(1, -1)) : escaped(part)))
    .join('');

const escaped = (text: string): string =>
  text
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[\\*$[\]]/g, '\\$&')
    .replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\_')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('~', '\\~');

/** A name or a value as code; as HTML where Markdown's own code cannot hold it in a table. */
export function code(text: string): string {
  if (!/[`|\\\n]/.test(text)) return `\`${text}\``;
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '|': '&#124;',
    '`': '&#96;',
    '\\': '&#92;',
    '\n': ' ',
  };
  return `<code>${text.replace(/[&<|`\\\n]/g, (character) => entities[character] as string)}</code>`;
}

/** A table of cells that are Markdown; columns are left-aligned unless named in `right`. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ')).join(' | ')} |`;
  const rule = `|${head.map((_, column) => (right.includes(column) ? '---:' : '---')).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** A part that opens on a click; the summary is Markdown without blocks. */
export const details = (summary: string, body: string): string =>
  `<details>\n<summary>${asHtml(summary)}</summary>\n\n${body}\n\n</details>`;

/** GitHub reads no Markdown inside <summary>: its code and strong emphasis as HTML. */
const asHtml = (summary: string): string =>
  summary
    .replace(/`([^`]+)`/g, (_, text: string) => `<code>${text.replaceAll('<', '&lt;')}</code>`)
    .replace(/\*\*([^*]+)\*\*/g, '<b>$1</b>');

/** Blocks with an empty line between them; empty ones are left out. */
export const blocks = (...parts: readonly (string | false | undefined)[]): string => parts.filter(Boolean).join('\n\n');

/** One of GitHub's alerts. */
export const alert = (sort: 'NOTE' | 'WARNING' | 'IMPORTANT', text: string): string =>
  [`> [!${sort}]`, ...text.split('\n').map((line) => `> ${line}`.trimEnd())].join('\n');

/** A link; its text is Markdown. */
export const link = (text: string, target: string): string => `[${text}](${target})`;

/** An image; its text is plain. */
export const image = (text: string, target: string): string => `![${escaped(text)}](${target})`;
