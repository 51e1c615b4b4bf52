/** Fields of one stanza by their names in lower case. */
export type Stanza = ReadonlyMap<string, string>;

/** Stanzas of a text as apt writes and reads it, deb822(5); a folded value keeps its line breaks. */
export function stanzasOf(text: string): Stanza[] {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => {
      const lines = paragraph.split('\n').filter((line) => !line.startsWith('#'));
      const fields = new Map<string, string>();
      let last: string | undefined;
      for (const line of lines) {
        if (/^\s/.test(line)) {
          if (last !== undefined) fields.set(last, `${fields.get(last)}\n${line}`);
          continue;
        }
        const [, name, value] = /^([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
        last = name?.toLowerCase();
        if (last !== undefined) fields.set(last, value ?? '');
      }
      return fields;
    })
    .filter(({ size }) => size > 0);
}
