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

/** Wrapped text behind `first`; the lines after the first are indented, as far as `first` is long unless told. */
export function hang(first: string, text: string, width: number, indent = first.length): string[] {
  const lines = wrap(text, Math.max(20, width - Math.max(first.length, indent)));
  return [(first + (lines[0] ?? '')).trimEnd(), ...lines.slice(1).map((line) => ' '.repeat(indent) + line)];
}
