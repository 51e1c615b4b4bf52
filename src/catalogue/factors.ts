import { inspect } from 'node:util';

/** Something wrong in a definition, below the part that was checked. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** More than anyone waits for, and enough to stop a mistake from filling the memory. */
const mostCells = 100_000;

/** What is wrong with an experiment's factors: their names and values become cell ids and folder names. */
export function factorProblems(factors: unknown): Problem[] {
  if (factors === undefined) return [{ path: [], message: 'is missing; write {} where nothing varies' }];
  if (typeof factors !== 'object' || factors === null || Array.isArray(factors)) {
    return [{ path: [], message: "must be an object: { linger: ['off', 'zero'] }" }];
  }
  const entries = Object.entries(factors);
  const problems = entries.flatMap(([name, values]) =>
    oneFactor(name, values).map((message) => ({ path: [name], message })),
  );
  const cells = entries.reduce((product, [, values]) => product * (Array.isArray(values) ? values.length : 1), 1);
  if (cells > mostCells)
    problems.push({ path: [], message: `make ${cells} cells; at most ${mostCells} can be planned` });
  return problems;
}

function oneFactor(name: string, values: unknown): string[] {
  const problems: string[] = [];
  if (!/^[A-Za-z]\w*$/.test(name)) problems.push('its name must be a letter followed by letters, digits or _');
  if (!Array.isArray(values)) return [...problems, 'must be a list of values'];
  if (values.length === 0) return [...problems, 'needs at least one value'];
  const seen = new Set<string>();
  for (const value of values) {
    const printed = String(value);
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      problems.push(`${inspect(value)} is no value: a text, a number, true or false is`);
    } else if (!/^[\w.+-]+$/.test(printed)) {
      problems.push(`the value "${printed}" may have letters, digits, and . + - _ only`);
    } else if (typeof value === 'number' && !Number.isFinite(value)) {
      problems.push(`${printed} is no value`);
    } else if (seen.has(printed)) {
      problems.push(`the value "${printed}" is given twice`);
    }
    seen.add(printed);
  }
  return problems;
}
