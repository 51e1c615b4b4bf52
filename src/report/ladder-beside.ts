import type { AsideRow, Ladder, StateRow } from './ladder.ts';
import { blocks, isCorrupt } from './ladder-asides.ts';
import { bandWidth, type Layout } from './ladder-layout.ts';
import { line, px, xml } from './ladder-marks.ts';
import type { LadderWords } from './ladder-words.ts';

/** Characters that a line beside an end takes. */
const besideCharacters = 18;

/** What stands beside an end: a state's name and how it is known, or what its application did. */
export function besideLines(row: StateRow | AsideRow, words: LadderWords, ladder: Ladder): string[] {
  if (row.kind === 'aside') return words.aside(row).flatMap((text) => wrapped(text, besideCharacters));
  return [row.step.state, ...enteredLines(words.entered(row), ladder.stateName(row.label))];
}

/** These at their end. */
export function besideMark(
  { columns }: Layout,
  ladder: Ladder,
  { row, y }: Layout['states'][number] | Layout['asides'][number],
  words: LadderWords,
): string {
  const x = columns.names[row.end];
  const anchor = row.end === 'client' ? { anchor: 'end' as const } : {};
  const name = row.kind === 'state' ? 'state halo' : 'note halo';
  const corrupt = row.kind === 'aside' && isCorrupt(row);
  const texts = besideLines(row, words, ladder).map((text, index) => {
    const classes = corrupt ? 'state alarm halo' : index === 0 ? name : 'dim tick halo';
    return line({ x, y: y + 4 + 13 * index }, xml(text), { classes, ...anchor });
  });
  const x0 = columns.band(row.end, row.label);
  const notched = row.kind === 'aside' && row.says === 'restarts';
  return (corrupt ? alarm(x0 + bandWidth / 2, y) : notched ? notch(x0, y) : '') + texts.join('');
}

/** A mark on the states of an end whose application read what it was not sent. */
const alarm = (x: number, y: number): string => `<path class="alarm" d="M${px(x - 9)} ${px(y)}l9 -9 9 9 -9 9Z"/>`;

/** A band begins anew: cut into from both sides. */
const notch = (x: number, y: number): string => {
  const side = (at: number, depth: number): string => `M${px(at)} ${px(y - 5)}l${depth} 5 ${-depth} 5Z`;
  return `<path class="paper notch" d="${side(x - 1, 5)}${side(x + bandWidth + 1, -5)}"/>`;
};

/** The end of a range, and how it is known, stand below its beginning. */
function enteredLines(entered: readonly string[], label: string): string[] {
  const [time = '', ...rest] = entered.flatMap((text) =>
    text
      .replace(/^(\+.*) to /, '$1\nto ')
      .replace(' (sampled)', '\nsampled')
      .split('\n'),
  );
  return [label === '' ? time : `${label} · ${time}`, ...rest].flatMap((text) => wrapped(text, besideCharacters));
}

/** Where an application's call held its thread: a line outside of its end's states. */
export function blockedMarks({ states, asides, columns, bottom }: Layout): string[] {
  const begun = [...states, ...asides].flatMap(({ row, y }) => {
    const call =
      row.kind === 'state' ? row.call : row.aside.what === 'close' && row.says === 'calls' ? row.aside : undefined;
    return call && blocks(call) ? [{ call, end: row.end, y }] : [];
  });
  return begun.map(({ call, end, y }) => {
    const back = asides.find(({ row }) => row.says === 'returns' && row.aside === call);
    const x = columns.names[end] + (end === 'client' ? 2.5 : -2.5);
    return `<path class="blocked" d="M${px(x)} ${px(y)}V${px(back?.y ?? bottom)}"/>`;
  });
}

/** Text in lines of at most so many characters, as even as they can be. */
export function wrapped(text: string, most: number): string[] {
  const count = Math.ceil(text.length / most);
  if (count <= 1) return [text];
  const even = Math.max(text.length / count, most - 6);
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    const longer = last === '' ? word : `${last} ${word}`;
    if (last !== '' && (longer.length > most || last.length >= even)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
