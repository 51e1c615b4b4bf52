/** A word that this program does not use, and what stands instead. */
export interface Forbidden {
  readonly pattern: RegExp;
  readonly use: string;
}

/** One word for one thing: what readers meet under several names, they take for several things. */
export const forbidden: readonly Forbidden[] = [
  // to tell apart is to distinguish
  { pattern: /\b(?:tells?|told)\b(?!(?: [\w-]+){0,4} apart)/i, use: 'reports, prints, records, returns' },
  { pattern: /\bin place of\b/i, use: 'instead of' },
  { pattern: /\b(?:comes?|came) again\b/i, use: 'is sent again, is retransmitted' },
  { pattern: /\bhow-manieth\b/i, use: 'repeat 2 of 20' },
  { pattern: /\bin vain\b/i, use: 'without effect' },
  { pattern: /\bleft with TIME-WAIT\b|\bTIME-WAIT stay(?:s|ed) with\b/i, use: 'keeps TIME-WAIT' },
  { pattern: /\bwho close[sd]?\b/i, use: 'the end that closes' },
  { pattern: /\bhad no more CPU\b|\bprocess was at its end\b/i, use: 'CPU-bound' },
  { pattern: /\bsa(?:id|ys) E[A-Z]{3,}/, use: 'fails with' },
  { pattern: /\bnot shown to be\b/i, use: 'not significant' },
];

/** A text with this in its line, or in the line above, is as it must be: `words: WHY`. */
const exception = /\bwords: \S/;

export interface Finding {
  readonly line: number;
  readonly word: string;
  readonly use: string;
}

/** A piece of a file that people read. */
export interface Text {
  readonly start: number;
  readonly text: string;
}

/** Finds forbidden words in texts of a file. */
export function findForbidden(source: string, texts: readonly Text[]): Finding[] {
  const lines = source.split('\n');
  const lineAt = (offset: number): number => source.slice(0, offset).split('\n').length;
  return texts.flatMap(({ start, text }) =>
    forbidden.flatMap(({ pattern, use }) =>
      [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].flatMap(({ 0: word, index }) => {
        const line = lineAt(start + index);
        const isException = [line - 1, line - 2].some((at) => exception.test(lines[at] ?? ''));
        return isException ? [] : [{ line, word, use }];
      }),
    ),
  );
}
