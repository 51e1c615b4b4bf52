import { withoutRole } from '../facts/roles.ts';
import { formatFact } from '../facts/values.ts';
import type { FactValue } from '../record/fact.ts';
import { anchorOf } from '../report/guide/words.ts';
import type { PageIndex, PageResult } from './parts.ts';

/** One condition of a query. */
export interface Token {
  /** As it was typed. */
  readonly text: string;
  readonly not: boolean;
  /** `claim`, `fact`, `exp`, a factor …; empty: a word. */
  readonly key: string;
  readonly operator: '=' | '!=' | '<' | '>' | '<=' | '>=';
  /** Of a fact: its name. */
  readonly name: string;
  readonly values: readonly string[];
}

/** Names before the colon that are no factors. */
export const keys = [
  'exp',
  'group',
  'claim',
  'fact',
  'finding',
  'guide',
  'evidence',
  'outcome',
  'status',
  'warning',
  'tag',
] as const;

/** The tokens of a query: `closes:client fact:timeWait.holder=none -claim:refuted "half closed"`. */
export function parseQuery(query: string): Token[] {
  return [...query.matchAll(/-?(?:[\w.-]+:)?(?:"[^"]*"?|[^\s"]+)/g)].map(([text]) => tokenOf(text));
}

function tokenOf(text: string): Token {
  const not = text.startsWith('-') && text.length > 1;
  const own = not ? text.slice(1) : text;
  const colon = /^([\w.-]+):(.*)$/s.exec(own);
  const bare = (value: string): string => value.replace(/^"|"$/g, '');
  if (!colon) return { text, not, key: '', operator: '=', name: '', values: [bare(own)] };
  const [, key = '', rest = ''] = colon;
  if (key !== 'fact') return { text, not, key, operator: '=', name: '', values: bare(rest).split(',') };
  const [, name = '', operator = '=', value] = /^([\w.'-]+?)(?:(!=|<=|>=|=|<|>)(.*))?$/s.exec(bare(rest)) ?? [];
  return {
    text,
    not,
    key,
    operator: operator as Token['operator'],
    name,
    values: value === undefined ? [] : operator.startsWith('=') || operator === '!=' ? value.split(',') : [value],
  };
}

/** A cell's factor values, by its id. */
export function factorsOf(id: string): Record<string, string> {
  const at = id.indexOf('/');
  if (at === -1) return {};
  return Object.fromEntries(
    id
      .slice(at + 1)
      .split(',')
      .map((pair) => {
        const equals = pair.indexOf('=');
        return [pair.slice(0, equals), pair.slice(equals + 1)];
      }),
  );
}

type Matches = (result: PageResult, place: number) => boolean;

/** Finds results of an index. */
export interface Search {
  /** The places of the results that all tokens of a query match. */
  readonly find: (query: string) => number[];
  /** What may stand where the last token does, with how many results it would leave. */
  readonly complete: (query: string) => Completion[];
}

export interface Completion {
  /** The whole query with it. */
  readonly query: string;
  readonly token: string;
  readonly results: number;
}

/** Suggestions that are shown. */
const mostCompletions = 10;

export function searchOf(index: PageIndex): Search {
  const factors = index.results.map(({ id }) => factorsOf(id));
  const texts = index.experiments.map(({ id, headline, question, tags = [], findings, claims }) =>
    [id, headline, question, ...tags, ...findings.map(({ text }) => text), ...claims.map(({ text }) => text)]
      .join('\n')
      .toLowerCase(),
  );
  const find = (tokens: readonly Token[]): number[] => {
    const all = tokens.map((token) => matchesOf(token, index, factors, texts));
    return index.results.flatMap((result, place) => (all.every((matches) => matches(result, place)) ? [place] : []));
  };
  const countTokens = tokensIn(index, factors);
  return {
    find: (query) => find(parseQuery(query)),
    complete: (query) => completionsOf(query, index, countTokens, find),
  };
}

function matchesOf(
  token: Token,
  index: PageIndex,
  factors: readonly Record<string, string>[],
  texts: readonly string[],
): Matches {
  const matches = positiveOf(token, index, factors, texts);
  return token.not ? (result, place) => !matches(result, place) : matches;
}

function positiveOf(
  { key, name, operator, values }: Token,
  { experiments, declarations, guide }: PageIndex,
  factors: readonly Record<string, string>[],
  texts: readonly string[],
): Matches {
  const has = (value: string | undefined): boolean =>
    value !== undefined &&
    values.some((each) => each === value || (each !== '' && value.startsWith(each)) || each === '');
  switch (key) {
    case '': {
      const word = (values[0] ?? '').toLowerCase();
      return ({ e, id }) => id.toLowerCase().includes(word) || (texts[e] ?? '').includes(word);
    }
    case 'tag': {
      const words = values.map((value) => value.toLowerCase());
      const isTagged = experiments.map(({ tags = [] }) =>
        tags.some((tag) => words.some((word) => tag.toLowerCase().startsWith(word))),
      );
      // an errno name is a tag wherever it is seen
      return ({ e, f }) =>
        isTagged[e] ||
        words.some((word) => (texts[e] ?? '').includes(word) || JSON.stringify(f).toLowerCase().includes(word));
    }
    case 'exp':
      return ({ e }) => has(experiments[e]?.id);
    case 'group':
      return ({ e }) => has(experiments[e]?.group.toLowerCase().replaceAll(' ', '-')) || has(experiments[e]?.group);
    case 'status':
      return ({ s }) => has(s);
    case 'outcome':
      return ({ l }) => has(l);
    case 'evidence':
      return ({ ev }) => ev.some(has);
    case 'warning':
      return ({ w = [] }) => w.some(has);
    case 'claim':
      return ({ e, c }) =>
        c.some(
          ([place, verdict]) => values.includes(verdict) || values.includes(experiments[e]?.claims[place]?.id ?? ''),
        );
    case 'finding': {
      const named = values.flatMap((value) => {
        const [, id = '', nth = ''] = /^(.*)\.(\d+)$/.exec(value) ?? [];
        return experiments.find((each) => each.id === id)?.findings[Number(nth) - 1]?.results ?? [];
      });
      const chosen = new Set(named);
      return (_, place) => chosen.has(place);
    }
    case 'guide': {
      const named = guide?.said.filter(({ id }) => values.includes(id)) ?? [];
      const chosen = new Set(named.flatMap(({ results }) => results));
      return (_, place) => chosen.has(place);
    }
    case 'fact':
      return ({ e, f, roles }) => {
        const own = withoutRole(name, roles);
        const value = f[own];
        if (values.length === 0) return Object.keys(f).some((each) => each.startsWith(own));
        const declared = declarations[experiments[e]?.declared[own] ?? -1];
        return isAs(value, operator, values, formatFact(value, declared as never));
      };
    default:
      return (_, place) => has(factors[place]?.[key]);
  }
}

function isAs(
  value: FactValue | null | undefined,
  operator: Token['operator'],
  values: readonly string[],
  text: string,
): boolean {
  if (operator === '=' || operator === '!=') {
    const words = new Set([
      text,
      ...[value].flat().map((each) => (typeof each === 'object' ? JSON.stringify(each) : String(each))),
    ]);
    const is = values.some((each) => words.has(each) || (value === null && each === 'unknown'));
    return operator === '=' ? is : value !== undefined && !is;
  }
  const limit = Number.parseFloat(values[0] ?? '');
  if (typeof value !== 'number' || Number.isNaN(limit)) return false;
  const holds = { '<': value < limit, '>': value > limit, '<=': value <= limit, '>=': value >= limit };
  return holds[operator];
}

/** Counts the tokens that find each of some results, once for a result: those that may begin with what is typed. */
type CountTokens = (places: readonly number[], typed: string) => Map<string, number>;

/** Results are asked at each letter: what a result is found by is made once, as numbers. */
function tokensIn({ experiments, results }: PageIndex, factors: readonly Record<string, string>[]): CountTokens {
  const tokens: string[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (token: string): number => {
    const known = numbers.get(token);
    if (known !== undefined) return known;
    numbers.set(token, tokens.length);
    return tokens.push(token) - 1;
  };
  const kept: (readonly number[])[] = [];
  const usual = (place: number): readonly number[] => {
    const { e, c, ev, s, w = [] } = results[place] as PageResult;
    kept[place] ??= [
      ...new Set([
        ...Object.entries(factors[place] ?? {}).map(([name, value]) => numberOf(`${name}:${value}`)),
        numberOf(`exp:${experiments[e]?.id}`),
        numberOf(`status:${s}`),
        ...ev.map((each) => numberOf(`evidence:${each}`)),
        ...w.map((each) => numberOf(`warning:${each}`)),
        ...c.map(([, verdict]) => numberOf(`claim:${verdict}`)),
      ]),
    ];
    return kept[place];
  };
  const rare = rareTokens(experiments);
  return (places, typed) => {
    const own = places.map(usual);
    const counts = new Uint32Array(tokens.length);
    for (const numbered of own) for (const number of numbered) counts[number] = (counts[number] ?? 0) + 1;
    const counted = new Map<string, number>();
    for (const [number, count] of counts.entries()) if (count > 0) counted.set(tokens[number] ?? '', count);
    for (const place of places)
      for (const token of rare(results[place] as PageResult, typed)) counted.set(token, (counted.get(token) ?? 0) + 1);
    return counted;
  };
}

/** Tokens of which a result has many, or that few ask for: by what is typed. */
function rareTokens(experiments: PageIndex['experiments']) {
  const lower = new Map<string, string>();
  const lowered = (name: string): string => {
    const known = lower.get(name) ?? name.toLowerCase();
    lower.set(name, known);
    return known;
  };
  return ({ e, c, f }: PageResult, typed: string): Iterable<string> => {
    const experiment = experiments[e];
    if (typed.startsWith('tag')) return new Set((experiment?.tags ?? []).map((tag) => `tag:${tag}`));
    if (typed.startsWith('claim')) return new Set(c.flatMap(([at]) => claimToken(experiment?.claims[at]?.id)));
    if (!typed.startsWith('fact:')) return [];
    const [wanted = '', value] = typed.slice('fact:'.length).split('=');
    return Object.keys(f).flatMap((name) => {
      const own = lowered(name);
      const fits = value === undefined ? own.startsWith(wanted) : own === wanted;
      return fits ? [factToken(name, f[name] as FactValue | null)] : [];
    });
  };
}

const claimToken = (id: string | undefined): string[] => (id === undefined ? [] : [`claim:${id}`]);

const factToken = (name: string, value: FactValue | null): string =>
  typeof value === 'string' || typeof value === 'boolean' || value === null
    ? `fact:${name}=${value === null ? 'unknown' : value}`
    : `fact:${name}`;

function completionsOf(
  query: string,
  index: PageIndex,
  countTokens: CountTokens,
  find: (tokens: readonly Token[]) => number[],
): Completion[] {
  const open = /\s$/.test(query) || query === '' ? '' : (query.split(/\s+/).at(-1) ?? '');
  const before = query.slice(0, query.length - open.length);
  const typed = open.replace(/^-/, '').toLowerCase();
  const counted = countTokens(find(parseQuery(before)), typed);
  const starts = keys
    .filter((key) => key !== 'finding' && key !== 'guide' && key.startsWith(typed) && typed !== '')
    .map((key) => `${key}:`);
  const names = index.experiments.flatMap(({ id }) =>
    typed.length > 1 && !typed.includes(':') && id.includes(typed) ? [`exp:${id}`] : [],
  );
  const fits = [...counted].filter(([token]) => {
    const own = token.toLowerCase();
    return typed === ''
      ? !own.startsWith('exp:')
      : own.startsWith(typed) || (!typed.includes(':') && own.split(':')[1]?.startsWith(typed));
  });
  fits.sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const chosen = [...new Set([...starts, ...names, ...fits.map(([token]) => token)])]
    .filter((token) => token !== open)
    .slice(0, mostCompletions);
  const not = open.startsWith('-') ? '-' : '';
  return chosen.map((token) => ({
    query: `${before}${not}${/\s/.test(token) ? token.replace(/[=:](?=[^=:]*$)(.*)$/, (all) => `${all[0]}"${all.slice(1)}"`) : token}${token.endsWith(':') ? '' : ' '}`,
    token: not + token,
    results: counted.get(token) ?? 0,
  }));
}

/** How much a place of an experiment counts in which a word of the query is found. */
const weights = { id: 8, tag: 4, headline: 3, question: 2, sentence: 1 };
/** Sentences of one experiment that count. */
const mostSentences = 3;

/** How well each experiment of an index fits the words of a query: 0 without words. */
export function fitsOf(query: string, { experiments }: PageIndex): number[] {
  const words = parseQuery(query).flatMap(({ key, not, values: [word = ''] }) =>
    key === '' && !not && word !== '' ? [word.toLowerCase()] : [],
  );
  return experiments.map(({ id, headline, question, tags = [], findings, claims }) => {
    const weightOf = (word: string): number => {
      const within = (texts: readonly string[]): number =>
        texts.filter((text) => text.toLowerCase().includes(word)).length;
      const sentences = within([...findings.map(({ text }) => text), ...claims.map(({ text }) => text)]);
      return (
        weights.id * within([id]) +
        weights.tag * within([...new Set(tags)]) +
        weights.headline * within([headline]) +
        weights.question * within([question]) +
        weights.sentence * Math.min(sentences, mostSentences)
      );
    };
    return words.reduce((sum, word) => sum + weightOf(word), 0);
  });
}

/** A shorter word is in the names of too many. */
const shortestName = 3;

/** The symptoms and knobs of the guide that a query of words names: in each, all of its words. */
export function sectionsIn(query: string, { guide }: PageIndex): string[] {
  const words = parseQuery(query).map(({ key, not, values: [word = ''] }) =>
    key === '' && !not && word.length >= shortestName ? word.toLowerCase() : undefined,
  );
  return (guide?.sections ?? []).flatMap(({ name, seen = '' }) => {
    const text = `${name} ${seen}`.toLowerCase();
    return words.every((word) => word !== undefined && text.includes(word)) ? [name] : [];
  });
}

/** What a page shows: all of it is in the address behind `#`. */
export interface Place {
  /** A part of the page, an experiment, or a cell with its repeat: `close-order/closes=client/2`. */
  readonly target: string;
  readonly query: string;
  readonly pin: string;
  readonly time: string;
}

/** The place in an address's hash. */
export function placeOf(hash: string): Place {
  const [target = '', ...rest] = hash.replace(/^#/, '').split('&');
  const values = new Map(
    rest.map((pair) => [pair.slice(0, pair.indexOf('=')), decoded(pair.slice(pair.indexOf('=') + 1))]),
  );
  return {
    target: decoded(target),
    query: values.get('q') ?? '',
    pin: values.get('pin') ?? '',
    time: values.get('time') ?? '',
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Characters that a hash may have as they are, for an address that a person can read. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/%(2F|3D|2C|3A|3C|3E)/g, (each) => decodeURIComponent(each));

/** A place as an address's hash. */
export function hashOf({ target, query, pin, time }: Partial<Place>): string {
  const parts = [
    encoded(target ?? ''),
    ...(query ? [`q=${encoded(query)}`] : []),
    ...(pin ? [`pin=${encoded(pin)}`] : []),
    ...(time ? [`time=${encoded(time)}`] : []),
  ];
  return `#${parts.join('&')}`;
}

/** The cell, and the repeat where it names one, of a target; undefined for a part of the page. */
export function cellIn(target: string): { readonly id: string; readonly repeat: number | undefined } | undefined {
  const [experiment = '', ...rest] = target.split('/');
  if (rest.length === 0) return undefined;
  const last = rest.at(-1) ?? '';
  const isRepeat = /^\d+$/.test(last);
  const factors = (isRepeat ? rest.slice(0, -1) : rest).join('/');
  return {
    id: factors === '' || factors === '_' ? experiment : `${experiment}/${factors}`,
    repeat: isRepeat ? Number(last) : undefined,
  };
}

/** A result as a target. */
export const targetOf = (id: string, repeat?: number): string =>
  `${id.includes('/') ? id : `${id}/_`}${repeat === undefined ? '' : `/${repeat}`}`;

/** A symptom or a knob of the guide as a target. */
export const sectionTarget = (name: string): string => `_guide-${anchorOf(name)}`;
