import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Give text a terminal's colors, or leave it as it is. */
export type Style = (format: Format, text: string) => string;

/** The style of an output with or without color; the caller has decided whether its stream shows any. */
export const styleOf = (color: boolean): Style =>
  color ? (format, text) => styleText(format, text, { validateStream: false }) : (_, text) => text;

/** Lines of at most `width` characters, broken between words; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Wraps text after `first`. Indents the lines after the first by `indent`, by default the length of `first`. */
export function hang(first: string, text: string, width: number, indent = first.length): string[] {
  const lines = wrap(text, Math.max(20, width - Math.max(first.length, indent)));
  return [(first + (lines[0] ?? '')).trimEnd(), ...lines.slice(1).map((line) => ' '.repeat(indent) + line)];
}
