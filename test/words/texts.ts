import { parseSync, Visitor } from 'rolldown/utils';
import type { Text } from './words.ts';

/** What people read of a source: its comments, and the strings that have more than one word. */
export function textsOf(path: string, source: string): Text[] {
  if (path.endsWith('.md')) return [{ start: 0, text: withoutCode(source) }];
  const { program, comments } = parseSync(path, source);
  const texts: Text[] = comments.map(({ start, end }) => ({ start, text: source.slice(start, end) }));
  const keep = ({ start, end }: { readonly start: number; readonly end: number }): void => {
    const text = source.slice(start, end);
    if (/\S\s+\S/.test(text)) texts.push({ start, text });
  };
  new Visitor({
    Literal(node) {
      if (typeof node.value === 'string') keep(node);
    },
    TemplateElement: keep,
  }).visit(program);
  return texts;
}

/** A page with blanks instead of its code: what a run printed, and what a user writes. */
const withoutCode = (page: string): string =>
  page.replaceAll(/^```.*?^```|`[^`\n]*`/gms, (code) => code.replaceAll(/[^\n]/g, ' '));
