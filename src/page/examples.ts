import type { ExperimentView } from '../report/model/report.ts';

/** A result whose drawing stands for the course that it took. */
export interface Example {
  readonly cell: string;
  readonly repeat: number;
  /** The connection that is drawn; empty where the cell has one. */
  readonly label: string;
  /** How often its course was taken. */
  readonly results: number;
  readonly letters: readonly string[];
}

/** So many courses of an experiment are drawn; a ladder is longer. */
const mostCourses = 3;
const mostLadders = 1;

/** The results that an experiment's section draws: of each of the most frequent courses one. */
export function examplesOf({ paths }: Pick<ExperimentView, 'paths'>): Example[] {
  if (!paths) return [];
  if (paths.kind === 'ladders')
    return paths.ladders
      .slice(0, mostLadders)
      .map(({ example, results = 1 }) => ({ ...exampleOf(example), label: '', results, letters: [] }));
  return paths.courses
    .toSorted((a, b) => b.results - a.results)
    .slice(0, mostCourses)
    .map(({ example, results, letters, connection: { label } }) => ({
      ...exampleOf(example),
      label,
      results,
      letters,
    }));
}

const exampleOf = ({ cell, repeat = 1 }: { readonly cell: string; readonly repeat?: number }) => ({ cell, repeat });
