import { declarations } from '../facts/table.ts';
import { jitless } from '../record/check.ts';
import { declaration } from '../record/fact.ts';
import type { Problem } from './factors.ts';

/** What a fact's name may begin with already, so that no connection can be called so. */
const taken = new Set(Object.keys(declarations()).map((name) => name.split('.')[0]!)).add('counters');

/** What is wrong with the labels of an experiment's connections: facts are named after them, `old.client.path`. */
export function connectionProblems(labels: unknown): Problem[] {
  if (!Array.isArray(labels)) return [{ path: [], message: "must be a list of labels: ['old', 'new']" }];
  return labels.flatMap((label: unknown, at) => {
    const message = labelProblem(label, labels.slice(0, at));
    return message ? [{ path: [], message }] : [];
  });
}

function labelProblem(label: unknown, before: readonly unknown[]): string | undefined {
  if (typeof label !== 'string' || !/^[A-Za-z]\w*$/.test(label)) {
    return `the label ${JSON.stringify(label)} must be a letter followed by letters, digits or _`;
  }
  if (taken.has(label)) return `the label "${label}" is taken: facts' names begin with it`;
  if (before.includes(label)) return `the label "${label}" is given twice`;
  return undefined;
}

/** What is wrong with the names that an experiment gives its ends by what they do. */
export function roleProblems(roles: unknown): Problem[] {
  if (typeof roles !== 'object' || roles === null || Array.isArray(roles)) {
    return [{ path: [], message: 'must be an object: { closing: ({ closer }) => closer }' }];
  }
  return Object.entries(roles).flatMap(([name, given]) => {
    if (taken.has(name)) return [{ path: [name], message: "its name is taken: facts' names begin with it" }];
    if (!/^[A-Za-z]\w*$/.test(name))
      return [{ path: [name], message: 'its name must be a letter followed by letters, digits or _' }];
    return typeof given === 'function' ? [] : [{ path: [name], message: 'must be a function of the cell' }];
  });
}

/** What is wrong with the facts that an experiment declares itself. */
export function measureProblems(measures: unknown): Problem[] {
  if (typeof measures !== 'object' || measures === null || Array.isArray(measures)) {
    return [{ path: [], message: 'must be an object: { freeAfter: kind.seconds() }' }];
  }
  return Object.entries(measures).flatMap(([name, declared]) => {
    const message = nameProblem(name) ?? kindProblem(declared) ?? counterProblem(name, declared);
    return message ? [{ path: [name], message }] : [];
  });
}

function nameProblem(name: string): string | undefined {
  if (/^[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)*$/.test(name)) return undefined;
  return 'its name must be words of letters and digits, joined by dots';
}

/** An experiment may only say of a kernel counter that it is not compared exactly: what it counts is the kernel's to say. */
function counterProblem(name: string, declared: unknown): string | undefined {
  if (!name.startsWith('counters.') || declaration.parse(declared, jitless).compare === 'measurement') return undefined;
  return "its name is a kernel counter's: it can only be declared as kind.count({ compare: 'measurement' })";
}

function kindProblem(declared: unknown): string | undefined {
  if (typeof declared === 'function') return 'must be called: kind.seconds(), not kind.seconds';
  const parsed = declaration.safeParse(declared, jitless);
  if (!parsed.success) return "must be made by kind: kind.seconds(), kind.word('old', 'new')";
  const { type, values } = parsed.data;
  return (type === 'word' || type === 'words') && values?.length === 0 ? 'needs the words that it may be' : undefined;
}
