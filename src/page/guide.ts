import type { Run } from '../record/schema.ts';
import { type Guide, guideOfRuns } from '../report/guide/guide.ts';
import { standingText } from '../report/guide/words.ts';
import type { PageGuide } from './parts.ts';

/** The tuning guide of a page: what its own run proves. Undefined where the run has no sentence of it. */
export function guideOfPage(run: Run): Guide | undefined {
  const guide = guideOfRuns([{ ...run, packed: false }]);
  return [...guide.symptoms, ...guide.knobs].some(({ measured }) => measured.length > 0) ? guide : undefined;
}

/** What a query can find of the guide. `place`: that of each result in the page's index, by `cell repeat`. */
export function guideIndex(guide: Guide, { run }: Run, place: ReadonlyMap<string, number>): PageGuide {
  const cells = new Map(
    run.experiments.flatMap(({ id, guide: statements = [] }) =>
      statements.map((statement): [string, typeof statement.cells] => [`${id}/${statement.id}`, statement.cells]),
    ),
  );
  const symptoms = guide.symptoms.filter(({ measured }) => measured.length > 0);
  const knobs = guide.knobs.filter(({ measured }) => measured.length > 0);
  const said = [...symptoms, ...knobs].flatMap(({ measured }) => measured.flatMap((each) => each.said));
  return {
    sections: [...symptoms.map(({ name, text: { seen } }) => ({ name, seen })), ...knobs.map(({ name }) => ({ name }))],
    said: [...new Map(said.map((each) => [each.id, each])).values()].map((each) => {
      const standing = standingText(each, guide);
      return {
        id: each.id,
        number: each.number,
        text: standing === '' ? each.text : `${each.text} (${standing})`,
        results: (cells.get(each.id) ?? []).flatMap(({ id, repeats }) =>
          repeats.flatMap((repeat) => place.get(`${id} ${repeat}`) ?? []),
        ),
      };
    }),
  };
}
