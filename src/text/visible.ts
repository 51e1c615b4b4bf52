/** Characters that act on a terminal or reorder what stands beside them: controls, formats, line and paragraph separators. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string): string => {
  const code = character.codePointAt(0) as number;
  const hex = code.toString(16);
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
};

/** A text of unknown origin in one line that does nothing to a terminal: `\u001b` instead of an escape character. */
export const visible = (text: string): string => text.replace(unseen, escaped);

/** The same of several lines. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n');

/** What node:util's styleText() writes around a text. */
const style = new RegExp(`(${String.fromCharCode(27)}\\[\\d+m)`);

/** The same of lines with styles, which stay. */
export const visibleStyled = (text: string): string =>
  text
    .split(style)
    .map((part, index) => (index % 2 === 1 ? part : visibleLines(part)))
    .join('');

const inJson = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');

/** JSON that does nothing to a terminal, with the same meaning: such characters are in its strings only. */
export const visibleJson = (value: unknown, indent = 0): string =>
  JSON.stringify(value, null, indent)
    .split('\n')
    .map((line) => line.replace(unseen, inJson))
    .join('\n');

/** A JSON text in which such characters of its strings, lines apart, have become what shows them: they do nothing where it is read, either. */
export const shownInJson = (json: string): string =>
  json.replace(/(\\\\)|\\([bfrt])|\\u(00[01][0-9a-f])|[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu, (found, pair, short, code) =>
    pair !== undefined
      ? found
      : `\\${short ? escaped(shorts[short as keyof typeof shorts]) : code ? `\\u${code}` : escaped(found)}`,
  );
const shorts = { b: '\b', f: '\f', r: '\r', t: '\t' } as const;
