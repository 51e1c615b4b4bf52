import type { z } from 'zod';

const step = (key: PropertyKey): string => {
  if (typeof key === 'number') return `[${key}]`;
  return /^\w+$/.test(String(key)) ? `.${String(key)}` : `[${JSON.stringify(String(key))}]`;
};

const said = (issue: z.core.$ZodIssue): string => {
  const path = issue.path.map(step).join('').replace(/^\./, '');
  const problem = issue.code === 'invalid_union' ? 'has a type or value that is not allowed' : issue.message;
  return path ? `${path}: ${problem}` : problem;
};

/** A value that fits its schema, or what is wrong with it: the fields by path, the first three. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** Hold a value against its schema; fields that the schema doesn't name are left out. */
export function check<T>(schema: z.ZodType<T>, value: unknown): Checked<T> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const issues = result.error.issues.map(said);
  const rest = issues.length > 3 ? `; ${issues.length - 3} more` : '';
  return { ok: false, problem: issues.slice(0, 3).join('; ') + rest };
}
