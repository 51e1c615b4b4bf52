import { formatFact, formatSeconds } from '../facts/values.ts';
import type { CellDetail, FactRead, ResultOf, RunDetail, WithoutValue } from '../record/detail.ts';
import type { LateProcess } from '../record/lateness.ts';
import type { ClaimRecord, ExperimentRecord } from '../record/schema.ts';
import { plural } from './format.ts';
import { declaredFact } from './gather.ts';

/** What a text is made of; each part but the first begins with what is between it and the one before. */
type Parts = readonly string[];

const isWords: Readonly<Record<WithoutValue['is'], string>> = {
  'not-observed': 'not observed',
  'not-tried': 'not tried',
};
const nothingWords = {
  'no-cell-ran': 'no cell ran',
  'applies-to-none': 'applies to no cell that ran',
  undecided: 'what ran does not decide it',
  'no-fact-read': 'it read no fact of the cells that ran',
} as const satisfies Record<Extract<RunDetail, { on: 'nothing' }>['because'], string>;

const joined = (parts: readonly Parts[], between: string): Parts =>
  parts.flatMap(([first = '', ...rest], index) => [index === 0 ? first : between + first, ...rest]);

const moreOf = (more: number): readonly Parts[] => (more > 0 ? [[`${more} more`]] : []);

const factText = ({ fact, value }: FactRead, experiment: ExperimentRecord): string =>
  `${fact} = ${formatFact(value, declaredFact(fact, experiment))}`;

const withoutText = ({ fact, is, why }: WithoutValue): string =>
  `${fact} ${isWords[is]}${why === undefined ? '' : `: ${why}`}`;

/** A result within its experiment: `closes=client`, `closes=client #2`. */
const resultText = ({ cell, repeat }: ResultOf, { id }: ExperimentRecord): string =>
  (cell.slice(id.length + 1) || cell) + (repeat === undefined ? '' : ` #${repeat}`);

/** Puts a text in front of the first part. */
const after = (head: string, [first = '', ...rest]: Parts): Parts => [head + first, ...rest];

/** `client's process did not run for 1.02 s`, `the wire was late by 1.02 s`. */
export function lateText({ process, peer, ms }: LateProcess): string {
  const took = formatSeconds(ms / 1000);
  const told = {
    peer: `the ${peer}'s process did not run for`,
    harness: 'the harness did not run for',
    wire: 'the wire was late by',
    observers: 'the observers were late by',
  } as const;
  return `${told[process]} ${took}`;
}

const mayHave = {
  behaviour: 'which may have changed what the kernels did',
  times: 'which can explain the times',
} as const;

/** What a claim's verdict in a cell rests on. */
export function cellDetailParts(detail: CellDetail, experiment: ExperimentRecord): Parts {
  switch (detail.on) {
    case 'facts':
      return joined([...detail.read.map((each) => [factText(each, experiment)]), ...moreOf(detail.more)], ', ');
    case 'no-value':
      return [withoutText(detail)];
    case 'late': {
      const read = joined([...detail.read.map((each) => [factText(each, experiment)]), ...moreOf(detail.more)], ', ');
      return after(`${lateText(detail.latest)}, ${mayHave[detail.by]}${read.length > 0 ? ': ' : ''}`, read);
    }
    case 'left-out': {
      const read = joined([...detail.read.map((each) => [factText(each, experiment)]), ...moreOf(detail.more)], ', ');
      return after('the experiment leaves this result out, since the machine had other work: ', read);
    }
    case 'throw':
      return [`claim threw: ${detail.message}`];
    default:
      return detail.parts;
  }
}

function runParts({ detail, cells, verdict }: ClaimRecord, experiment: ExperimentRecord): Parts {
  switch (detail.on) {
    case 'results': {
      const share = `in ${cells[verdict]} of ${cells.confirmed + cells.refuted + cells.inconclusive}`;
      if (detail.first.length === 0) return [share];
      const first = detail.first.map((one) => {
        const own = cellDetailParts(one.detail, experiment);
        const name = resultText(one, experiment);
        return own.join('') === '' ? [name] : after(`${name}: `, own);
      });
      return after(`${share}: `, joined([...first, ...moreOf(detail.more)], '; '));
    }
    case 'facts': {
      const read = detail.read.map((one) => [`${resultText(one, experiment)}: ${factText(one, experiment)}`]);
      return joined([...read, ...moreOf(detail.more)], '; ');
    }
    case 'many-facts':
      return [`${detail.facts} facts of ${detail.results} results`];
    case 'nothing':
      return [
        detail.results === undefined ? nothingWords[detail.because] : `it applies to none of ${detail.results} results`,
      ];
    case 'late-results':
      return [
        detail.by === 'behaviour'
          ? `refuted with ${detail.late} of ${plural(detail.results, 'result')} that were late, not without them: ${lateText(detail.latest)}`
          : `refuted by times of one of ${plural(detail.results, 'result')}, which its delay can explain: ${lateText(detail.latest)}`,
      ];
    case 'no-value':
      return [`${resultText(detail, experiment)}: ${withoutText(detail)}`];
    default:
      return cellDetailParts(detail, experiment);
  }
}

/** Longer details are for a program. */
const mostCharacters = 200;

/** What a reader reads to its end: a longer text is cut between two of its parts. */
export function brief(parts: Parts): string {
  const text = parts.join('');
  if (text.length <= mostCharacters) return text;
  let shown = '';
  for (const part of parts) {
    if (shown.length + part.length > mostCharacters) break;
    shown += part;
  }
  return `${shown === '' ? text.slice(0, mostCharacters) : shown} …`;
}

/** What a claim's verdict over the run rests on. */
export function runDetailParts(claim: ClaimRecord, experiment: ExperimentRecord): Parts {
  const parts = runParts(claim, experiment);
  return claim.without === undefined ? parts : [...parts, ` (without ${claim.without} that did not run)`];
}
