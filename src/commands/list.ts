import { searchOf } from '../catalogue/search.ts';
import type { LoadedExperiment } from '../experiment/definition.ts';
import { cellsOf } from '../plan/cells.ts';
import { plural } from '../report/format.ts';
import { listLines } from '../report/terminal/experiments.ts';
import { estimate } from '../run/order.ts';
import { experimentsFor } from './experiments.ts';
import { answer, answerJson, columnsOf, wantsColor } from './output.ts';
import { foundFor } from './words.ts';

interface ListOptions {
  readonly json: boolean;
  readonly jobs: number;
}

/**
 * `lingerlab list [WORD…]`: the experiments with question, tags and size, by group; with words those that are about them, the best
 * match first. Throws UNKNOWN_EXPERIMENT where no experiment is about the words.
 */
export async function list(words: readonly string[], { json, jobs }: ListOptions): Promise<void> {
  const all = await experimentsFor([]);
  const found = words.length === 0 ? all : foundFor(words.join(' '), searchOf(all));
  const rows = found.map((each) => row(each, jobs));
  if (json) return answerJson(rows);
  const asked = words.join(' ');
  const groups =
    words.length === 0
      ? Map.groupBy(rows, ({ group }) => group)
      : new Map([[`${plural(rows.length, 'experiment')} about "${asked}", the best match first:`, rows]]);
  const options = { color: wantsColor(process.stdout), width: columnsOf(process.stdout) };
  const more =
    words.length === 0
      ? 'lingerlab list WORD… finds experiments by words; lingerlab explain ID prints all about one.'
      : `lingerlab explain ${rows[0]?.id} prints all about the first.`;
  answer([...listLines(groups, options), more].join('\n'), { styled: options.color });
}

function row({ definition, group, file }: LoadedExperiment, jobs: number) {
  const all = cellsOf(definition);
  const usual = all.filter(({ isDefault }) => isDefault);
  const { id, question, tags = [], symptoms = [], whenNamed } = definition;
  return {
    id,
    question,
    tags,
    symptoms,
    group: group.title,
    file,
    cells: usual.length,
    allCells: all.filter(({ isRare }) => !isRare).length,
    ...(whenNamed === true && { whenNamed: true }),
    seconds: Math.round(estimate(usual, jobs) * 10) / 10,
  };
}
