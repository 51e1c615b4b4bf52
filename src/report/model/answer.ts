import { formatCount } from '../../facts/values.ts';
import type { ConclusionRecord, ExperimentRecord, FindingRecord } from '../../record/schema.ts';
import { plural } from '../format.ts';

/** An experiment's answer as a reader sees it. */
export interface AnswerView {
  /** One sentence; of an answer that is written as then, a paragraph. */
  readonly headline: string;
  readonly findings: readonly FindingRecord[];
  /** An older version wrote headline and findings as one paragraph: it is shown as it was written then. */
  readonly asWrittenThen?: true;
  /** Nothing was concluded: the headline says why, and what to do. */
  readonly isOpen: boolean;
  /** What the answer was made without: `12 of 108 results left out: client.closedWith not observed`. */
  readonly without?: string;
}

/** Stands beside an answer of an older version. */
export const writtenThen = 'as written then';

/** An experiment's answer. */
export function answerOf({ id, answer }: Pick<ExperimentRecord, 'id' | 'answer'>): AnswerView {
  if (answer === null) return { headline: 'No answer yet: the run is not complete.', findings: [], isOpen: true };
  if ('paragraph' in answer)
    return {
      headline: answer.paragraph,
      findings: [],
      asWrittenThen: true,
      isOpen: answer.paragraph.startsWith('no answer: '),
    };
  const { headline, findings, without } = answer;
  return {
    headline: headline ?? openText(id, answer),
    findings,
    isOpen: headline === null,
    ...(without && { without: withoutText(without) }),
  };
}

/** Why nothing was concluded, and what to do. */
function openText(id: string, { because }: ConclusionRecord): string {
  switch (because?.code) {
    case 'no-cell-ran':
      return 'Nothing can be concluded: no cell ran. Each reason is listed with what to do.';
    case 'left-out':
      return 'Nothing can be concluded: facts were not observed. `lingerlab doctor` lists what this machine lacks.';
    case 'threw':
      return `Nothing can be concluded: answer() threw: ${because.message ?? ''}. Correct the experiment's file.`;
    default:
      return `The cells that ran do not answer the question. Run all of them: \`lingerlab run ${id}\`.`;
  }
}

const isWords = { 'not-observed': 'not observed', 'not-tried': 'not tried' } as const;

/** Different reasons to leave results out that a text names. */
const mostReasons = 3;

function withoutText({ results, of, reasons }: NonNullable<ConclusionRecord['without']>): string {
  const words = reasons.map(({ fact, is, results: own }) => {
    const reason = `${fact} ${isWords[is]}`;
    return reasons.length > 1 ? `${reason} (${formatCount(own)})` : reason;
  });
  const more = words.length > mostReasons ? [`${words.length - mostReasons} more`] : [];
  return `${formatCount(results)} of ${plural(of, 'result')} left out: ${[...words.slice(0, mostReasons), ...more].join(', ')}`;
}
