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
  readonly number: number;
  readonly text: string;
  /** It ends in a line feed: nothing of it is missing. */
  readonly isWhole: boolean;
}

const lineFeed = 10;
const nothing: Buffer = Buffer.alloc(0);

/** Takes the lines of a file as its pieces come; a piece's memory may be used again behind it. */
class Lines {
  /** Where the line begins that has not ended. */
  at = 0;
  #number = 0;
  /** What there is of it. */
  #rest: Buffer = nothing;

  *take(piece: Buffer): Generator<Line> {
    let from = 0;
    for (let feed = piece.indexOf(lineFeed); feed !== -1; feed = piece.indexOf(lineFeed, from)) {
      const line = this.#rest.length === 0 ? piece.subarray(from, feed) : this.#withRest(piece.subarray(0, feed));
      yield* this.#line(line.toString('utf8'), true);
      this.at += line.length + 1;
      this.#rest = nothing;
      from = feed + 1;
    }
    if (from < piece.length) this.#rest = this.#withRest(piece.subarray(from));
  }

  *end(): Generator<Line> {
    if (!this.isEnded) yield* this.#line(this.#rest.toString('utf8'), false);
  }

  get isEnded(): boolean {
    return this.#rest.length === 0;
  }

  #withRest(bytes: Buffer): Buffer {
    return Buffer.concat([this.#rest, bytes]);
  }

  *#line(text: string, isWhole: boolean): Generator<Line> {
    this.#number += 1;
    if (text.trim() !== '') yield { number: this.#number, text, isWhole };
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

/** What a run declares of the facts of an experiment, by name; undefined: it has no such experiment. */
export type DeclaredFacts = (experiment: string) => ReadonlyMap<string, Declaration> | undefined;

/** Older runs wrote an empty list for any words. */
function anyWords(declared: Declaration): Declaration {
  if (declared.values?.length !== 0) return declared;
  const { values: _, ...others } = declared;
  return others;
}

/** What is wrong with the first fact that has a value which its declaration does not allow; undefined: no fact has. */
function factProblem({ experiment, facts }: CellRecord, declaredOf: DeclaredFacts): string | undefined {
  const all = declaredOf(experiment);
  if (!all) return undefined;
  for (const name of Object.keys(facts)) {
    const value = facts[name];
    const declared = value === null ? undefined : all.get(name);
    const problem = declared && valueProblem(anyWords(declared), value);
    if (problem) return `facts[${JSON.stringify(name)}] ${problem}`;
  }
  return undefined;
}

/**
 * Reads the lines of cells.ndjson, given piece by piece. A crash can tear the last line only, before its line feed; torn JSON never
 * parses, since a record ends with its brace.
 * @throws LingerlabError RUN_UNREADABLE, naming the line, for any other line that is not a cell's record, or has a fact with a value that `declared` does not allow
 */
export async function parseCells(
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>,
  path: string,
  upgraded: (cell: Record<string, unknown>) => Record<string, unknown> = (cell) => cell,
  declared: DeclaredFacts = () => undefined,
): Promise<CellLines> {
  const records: CellRecord[] = [];
  const lines = new Lines();
  const recordOf = (line: Line): CellRecord | undefined => {
    const json = parsed(line.text);
    if ('problem' in json) {
      if (line.isWhole) throw damaged(path, line, json.problem);
      return undefined;
    }
    if (typeof json.value !== 'object' || json.value === null) throw damaged(path, line, 'is not a record');
    const record = check(cellRecord, upgraded(json.value as Record<string, unknown>));
    if (!record.ok) throw damaged(path, line, record.problem);
    const problem = factProblem(record.value, declared);
    if (problem) throw damaged(path, line, problem);
    return record.value;
  };
  for await (const piece of pieces) for (const line of lines.take(piece)) records.push(recordOf(line) as CellRecord);
  let tornAt: number | null = null;
  for (const line of lines.end()) {
    const record = recordOf(line);
    if (record) records.push(record);
    else tornAt = lines.at;
  }
  return { ...latest(records), tornAt, ended: lines.isEnded };
}
