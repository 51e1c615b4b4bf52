import { LingerlabError, messageOf } from '../errors.ts';
import { check } from './check.ts';
import { type Declaration, valueProblem } from './fact.ts';
import { cellKey } from './layout.ts';
import { type CellRecord, cellRecord } from './schema.ts';

/** cells.ndjson as read. */
export interface CellLines {
  readonly cells: readonly CellRecord[];
  /** Where a torn last line begins, in bytes; `null` where none is. */
  readonly tornAt: number | null;
  /** Whether the next line may be appended as it is: the file is empty or ends in a line feed. */
  readonly ended: boolean;
  /** Results of which there are several records that ran: the last is read. */
  readonly doubled: readonly string[];
}

interface Line {
  readonly at: number;
  readonly number: number;
  readonly text: string;
  /** It ends in a line feed: nothing of it is missing. */
  readonly isWhole: boolean;
}

function* linesOf(bytes: Buffer): Generator<Line> {
  let number = 0;
  for (let at = 0; at < bytes.length; ) {
    const feed = bytes.indexOf(10, at);
    const end = feed === -1 ? bytes.length : feed;
    number += 1;
    const text = bytes.toString('utf8', at, end);
    if (text.trim() !== '') yield { at, number, text, isWhole: feed !== -1 };
    at = end + 1;
  }
}

const damaged = (path: string, line: Line, problem: string): LingerlabError =>
  new LingerlabError(
    'RUN_UNREADABLE',
    `${path}, line ${line.number}: ${problem}`,
    'remove that line to read the rest; --resume then runs its cell again',
  );

function parsed(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** One record of each (cell, repeat): what ran stays unless it ran again; anything else gives way to what came later. */
function latest(records: readonly CellRecord[]): Pick<CellLines, 'cells' | 'doubled'> {
  const byKey = new Map<string, CellRecord>();
  const doubled = new Set<string>();
  for (const record of records) {
    const key = cellKey(record.id, record.repeat);
    const ranBefore = byKey.get(key)?.status === 'ran';
    if (ranBefore && record.status === 'ran') doubled.add(key);
    if (!ranBefore || record.status === 'ran') byKey.set(key, record);
  }
  return { cells: [...byKey.values()], doubled: [...doubled] };
}

/** What a run declares of the facts of an experiment; undefined: it has no such experiment. */
export type DeclaredFacts = (experiment: string) => Readonly<Record<string, Declaration>> | undefined;

/** Older runs wrote an empty list for any words. */
const anyWords = ({ values, ...declared }: Declaration): Declaration =>
  values === undefined || values.length === 0 ? declared : { ...declared, values };

/** What is wrong with the first fact that has a value which its declaration does not allow; undefined: no fact has. */
function factProblem({ experiment, facts }: CellRecord, declaredOf: DeclaredFacts): string | undefined {
  const all = declaredOf(experiment);
  if (!all) return undefined;
  for (const [name, value] of Object.entries(facts)) {
    const declared = Object.hasOwn(all, name) ? all[name] : undefined;
    const problem = declared && value !== null ? valueProblem(anyWords(declared), value) : undefined;
    if (problem) return `facts[${JSON.stringify(name)}] ${problem}`;
  }
  return undefined;
}

/**
 * Read the lines of cells.ndjson. A crash can tear the last line only, before its line feed; torn JSON never parses, since a record
 * ends with its brace.
 * @throws LingerlabError RUN_UNREADABLE, naming the line, for any other line that is not a cell's record, or has a fact with a value that `declared` does not allow
 */
export function parseCells(
  bytes: Buffer,
  path: string,
  upgraded: (cell: Record<string, unknown>) => Record<string, unknown> = (cell) => cell,
  declared: DeclaredFacts = () => undefined,
): CellLines {
  const records: CellRecord[] = [];
  let tornAt: number | null = null;
  for (const line of linesOf(bytes)) {
    const json = parsed(line.text);
    if ('problem' in json) {
      if (line.isWhole) throw damaged(path, line, json.problem);
      tornAt = line.at;
      continue;
    }
    if (typeof json.value !== 'object' || json.value === null) throw damaged(path, line, 'is not a record');
    const record = check(cellRecord, upgraded(json.value as Record<string, unknown>));
    if (!record.ok) throw damaged(path, line, record.problem);
    const problem = factProblem(record.value, declared);
    if (problem) throw damaged(path, line, problem);
    records.push(record.value);
  }
  return { ...latest(records), tornAt, ended: bytes.length === 0 || bytes.at(-1) === 10 };
}
