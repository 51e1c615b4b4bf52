import { titleOf } from '../../report/guide/words.ts';
import type { PageResult } from '../parts.ts';
import { factorsOf, fitsOf, hashOf, parseQuery, sectionsIn, sectionTarget, targetOf } from '../query.ts';
import { type Data, go } from './state.ts';
import { Command } from './text.tsx';

function clear(event: Event): void {
  event.preventDefault();
  go({ query: '' });
}

/** Results that are listed at most, in all and, where there are several experiments, of one. */
const mostListed = 60;
const mostOfOne = 8;

/** What a query found: how many, by which factors they differ, and each. */
export const Found = ({
  data,
  query,
  places,
}: {
  readonly data: Data;
  readonly query: string;
  readonly places: readonly number[];
}) => {
  const results = places.map((place) => data.index.results[place] as PageResult);
  const fits = fitsOf(query, data.index);
  // the experiment that the words are about first; without words the order of the page
  const groups = [...Map.groupBy(results, ({ e }) => e)].sort(([a], [b]) => (fits[b] ?? 0) - (fits[a] ?? 0));
  const most = groups.length > 1 ? mostOfOne : mostListed;
  const cells = new Set(results.map(({ id }) => id)).size;
  const places0 = new Map(places.map((place) => [data.index.results[place] as PageResult, place]));
  let left = mostListed;
  return (
    <section class="found" aria-label="Found">
      <h2>
        {results.length === 1 ? '1 result' : `${results.length} results`}{' '}
        <span>
          in {cells === 1 ? '1 cell' : `${cells} cells`} of{' '}
          {groups.length === 1 ? '1 experiment' : `${groups.length} experiments`} ·{' '}
          <a href={hashOf({ target: '' })} onClick={(event) => clear(event)}>
            clear
          </a>
        </span>
      </h2>
      {describe(data, query)}
      <InGuide names={sectionsIn(query, data.index)} query={query} />
      <Facets results={results} query={query} />
      <div class="list" data-roving="list">
        {groups.map(([e, own]) => {
          const experiment = data.index.experiments[e];
          const shown = own.slice(0, Math.min(left, most));
          left -= shown.length;
          if (!experiment) return null;
          const { id, headline } = experiment;
          const more = own.length - shown.length;
          return (
            <>
              <h3>
                <a href={hashOf({ target: id, query })}>
                  <code>{id}</code> {headline}
                </a>
              </h3>
              {shown.map((result) => (
                <a href={hashOf({ target: targetOf(result.id, result.n), query })}>
                  {result.id.slice(result.id.indexOf('/') + 1)}
                  <span>
                    {result.n > 1 ? ` · repeat ${result.n}` : ''}
                    {result.l === undefined ? '' : ` · outcome ${result.l}`}
                    {why(data, result, places0.get(result) ?? 0, query)}
                  </span>
                </a>
              ))}
              {more > 0 && groups.length > 1 ? (
                <p class="note">
                  <a href={hashOf({ query: `${query} exp:${id}` })}>
                    {shown.length > 0 ? `and ${more} more` : more === 1 ? '1 result' : `${more} results`}
                  </a>
                </p>
              ) : null}
            </>
          );
        })}
        {groups.length === 1 && results.length > mostListed ? (
          <p class="note">and {results.length - mostListed} more: narrow the query</p>
        ) : null}
      </div>
      {groups.length > 0 ? (
        <Command>
          {commandOf(
            groups.map(([e]) => data.index.experiments[e]?.id ?? ''),
            query,
            data,
          )}
        </Command>
      ) : null}
    </section>
  );
};

/** What a finding, or a sentence of the guide, says, whose results these are. */
function describe({ index }: Data, query: string) {
  const { key, values: [value = ''] = [] } =
    parseQuery(query).find((token) => /^(finding|guide)$/.test(token.key)) ?? {};
  const [, id = '', nth = ''] = /^(.*)\.(\d+)$/.exec(value) ?? [];
  const finding =
    key === 'guide'
      ? index.guide?.said.find((each) => each.id === value)
      : index.experiments.find((each) => each.id === id)?.findings[Number(nth) - 1];
  return finding ? (
    <p>
      <b>{finding.number}</b>: {finding.text}
    </p>
  ) : null;
}

/** The symptoms and knobs of the guide that a query names. */
const InGuide = ({ names, query }: { readonly names: readonly string[]; readonly query: string }) =>
  names.length === 0 ? null : (
    <p class="in-guide">
      In the tuning guide:{' '}
      {names.map((name, nth) => (
        <>
          {nth > 0 ? ', ' : ''}
          <a href={hashOf({ target: sectionTarget(name), query })}>{titleOf(name)}</a>
        </>
      ))}
    </p>
  );

/** Of a claim's query, what decided it in a result. */
function why({ index, record }: Data, { e, c }: PageResult, place: number, query: string): string {
  const wanted = parseQuery(query)
    .filter(({ key }) => key === 'claim')
    .flatMap(({ values }) => values);
  if (wanted.length === 0) return '';
  const details = c.flatMap(([claim, verdict], nth) => {
    const id = index.experiments[e]?.claims[claim]?.id;
    const isWanted = id !== undefined && (wanted.includes(id) || (wanted.includes(verdict) && verdict !== 'confirmed'));
    return isWanted ? [`${verdict}: ${record(place).claims[nth] ?? ''}`] : [];
  });
  return details.length === 0 ? '' : ` · ${details.join('; ')}`;
}

/** Facets of this many values or fewer narrow with one click. */
const mostValues = 6;

/** By which factors what was found differs, with the number of results of each value: those that all its experiments have. */
const Facets = ({ results, query }: { readonly results: readonly PageResult[]; readonly query: string }) => {
  const counts = new Map<string, Map<string, number>>();
  for (const { id } of results)
    for (const [name, value] of Object.entries(factorsOf(id))) {
      const own = counts.get(name) ?? new Map<string, number>();
      own.set(value, (own.get(value) ?? 0) + 1);
      counts.set(name, own);
    }
  const total = (values: ReadonlyMap<string, number>): number => values.values().reduce((sum, count) => sum + count, 0);
  const shown = [...counts]
    .filter(([, values]) => values.size > 1 && values.size <= mostValues && total(values) === results.length)
    .slice(0, 8);
  if (shown.length === 0) return null;
  return (
    <div class="facets">
      {shown.map(([name, values]) => (
        <span>
          <code>{name}</code>
          {[...values].map(([value, count]) => (
            <button type="button" class="chip" onClick={() => go({ query: `${query} ${name}:${value}` })}>
              {value} <i>{count}</i>
            </button>
          ))}
        </span>
      ))}
    </div>
  );
};

/** The command that runs again what the query's factors select. */
function commandOf(experiments: readonly string[], query: string, { index }: Data): string {
  const own = index.experiments.filter(({ id }) => experiments.includes(id));
  const where = parseQuery(query).flatMap(({ key, not, values }) =>
    !not && values.every((value) => /^[\w.+-]+$/.test(value)) && own.every(({ factors }) => key in factors)
      ? [`--where ${key}=${values.join(',')}`]
      : [],
  );
  return ['npx lingerlab run', ...experiments.slice(0, 6), ...where].join(' ');
}
