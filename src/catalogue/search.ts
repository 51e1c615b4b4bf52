import { getSystemErrorMap } from 'node:util';
import MiniSearch from 'minisearch';
import type { AnyDefinition, LoadedExperiment } from '../experiment/definition.ts';
import { distance, nearestOf } from '../text/nearest.ts';
import { vocabularyOf } from './search-words.ts';

/** What is searched of an experiment, with how much a match there counts. */
const boosts = { id: 6, tags: 5, symptoms: 5, question: 3, claims: 2, facts: 1, factors: 1 } as const;
type Field = keyof typeof boosts;

type Texts = Readonly<Record<Field, readonly string[]>>;

/** Finds experiments by words. */
export interface Search {
  /** The experiments about these words, best first; empty where none is. */
  find(words: string): LoadedExperiment[];
  /** Tags and ids that resemble the words, nearest first. */
  nearest(words: string): string[];
}

/** A match that scores less than this share of the best one is noise: the experiment mentions only one of several words. */
const leastShare = 0.08;
/** How much more an experiment scores whose id is what was asked for, or that stands for the group with this name, typing errors aside. */
const namedFactor = 4;
/** How much more one scores of whose symptoms one has all the words that were asked for, side by side. */
const symptomFactor = 2;
/** More than these are no answer any more. */
const mostFound = 12;
/** Words that {@link Search.nearest} proposes. */
const mostNearest = 5;

/** Typing errors that are forgiven in a word; letters that changed places count as two. */
const errorsIn = (word: string): number => (word.length < 4 ? 0 : word.length < 6 ? 1 : 2);

/** Indexes what the experiments say: ids, tags, symptoms, questions, claims, facts, factors. */
export function searchOf(experiments: readonly LoadedExperiment[]): Search {
  const texts = experiments.map(({ definition }) => textsOf(definition));
  const vocabulary = vocabularyOf(texts.flatMap((each) => Object.values(each).flat()));
  const fields = Object.keys(boosts) as Field[];
  const index = new MiniSearch<{ readonly at: number }>({
    idField: 'at',
    fields,
    extractField: (document, name) =>
      name === 'at' ? String(document.at) : (texts[document.at]?.[name as Field] ?? []).join('\n'),
    tokenize: (text) => vocabulary.inText(text),
    processTerm: (term) => term,
  });
  index.addAll(experiments.map((_, at) => ({ at })));

  const find = (words: string): LoadedExperiment[] => {
    const asked = vocabulary.inQuery(words);
    const found = index.search(words, {
      tokenize: () => asked,
      boost: boosts,
      prefix: (term) => term.length > 2,
      fuzzy: (term) => (vocabulary.has(term) ? false : errorsIn(term)),
    });
    const name = asked.join('');
    const isName = (text: string) => distance(vocabulary.inQuery(text).join(''), name) <= errorsIn(name);
    const isNamed = ({ definition: { id }, group }: LoadedExperiment) =>
      isName(id) || (group.lead === id && isName(group.title));
    const phrase = asked.join(' ');
    const isSymptom = ({ definition: { symptoms = [] } }: LoadedExperiment) =>
      asked.length > 1 && symptoms.some((symptom) => vocabulary.inQuery(symptom).join(' ').includes(phrase));
    const ranked = found
      .map(({ id, score, queryTerms }) => {
        const experiment = experiments[Number(id)] as LoadedExperiment;
        const factor = isNamed(experiment) ? namedFactor : isSymptom(experiment) ? symptomFactor : 1;
        return { experiment, rank: factor * score * (queryTerms.length / asked.length) ** 2 };
      })
      .sort((a, b) => b.rank - a.rank);
    const least = (ranked[0]?.rank ?? 0) * leastShare;
    return ranked
      .filter(({ rank }) => rank >= least)
      .slice(0, mostFound)
      .map(({ experiment }) => experiment);
  };

  const names = experiments.flatMap(({ definition: { id, tags = [] } }) => [id, ...tags]);
  return { find, nearest: (words) => nearestOf(words, new Set(names), mostNearest) };
}

interface Said {
  readonly id: string;
  readonly text: string;
  readonly source: string;
}

function textsOf(definition: AnyDefinition): Texts {
  const { id, question, tags = [], symptoms = [], shows = [] } = definition;
  const claims = [...definition.claims, ...(definition.across ?? [])] as readonly Said[];
  const measures = Object.entries((definition.measures ?? {}) as Record<string, { readonly text?: string }>);
  const factors = Object.entries(definition.factors as Record<string, readonly unknown[]>);
  return {
    id: [id],
    tags,
    symptoms: [...symptoms, ...tags.flatMap((tag) => errorMessages.get(tag) ?? [])],
    question: [question],
    claims: claims.flatMap((claim) => [claim.id, claim.text, claim.source]),
    facts: [...shows.map(String), ...measures.flatMap(([name, { text = '' }]) => [name, text])],
    factors: factors.flatMap(([name, values]) => [name, ...values.map(String)]),
  };
}

/** What Node says of an errno: `address already in use`. */
const errorMessages: ReadonlyMap<string, string> = new Map(getSystemErrorMap().values());
