import { TraceError } from './error.ts';

/** One field of an event, where its record has it. */
export interface Field {
  readonly name: string;
  /** As the kernel declares it, without the array's length: `const void *`, `__u8`, `__data_loc char[]`. */
  readonly type: string;
  readonly offset: number;
  /** Of the whole field: 16 for `__u8 saddr_v6[16]`. */
  readonly size: number;
  readonly signed: boolean;
  readonly isArray: boolean;
  /** The field holds not the data but their place: offset in the low, length in the high 16 bits. */
  readonly dataLoc: boolean;
}

/** What `events/<group>/<event>/format` says. */
export interface EventFormat {
  readonly name: string;
  readonly id: number;
  readonly fields: ReadonlyMap<string, Field>;
  /** Names of a field's values, from `__print_symbolic` of the print format; values that it gives as enum names are left out. */
  readonly symbols: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** Bytes that a record of this event has at least. */
  readonly size: number;
}

const fieldLine =
  /^\s*field:\s*(.+?)\s*\b(\w+)(\[\w*\])?;\s*offset:\s*(\d+);\s*size:\s*(\d+);(?:\s*signed:\s*([01]);)?\s*$/gm;

/** Parse the format of an event. Throws TraceError if it has no name, no ID or no fields. */
export function parseFormat(text: string): EventFormat {
  const name = /^name:\s*(\S+)/m.exec(text)?.[1];
  const id = /^ID:\s*(\d+)/m.exec(text)?.[1];
  const fields = parseFields(text);
  if (!name || !id || !fields.has('common_type')) throw new TraceError('not an event format: no name, ID or fields');
  const size = Math.max(...[...fields.values()].map((field) => field.offset + field.size));
  return { name, id: Number(id), fields, symbols: parseSymbols(text), size };
}

/** The `field:` lines of a format or of `events/header_page`. */
export function parseFields(text: string): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const [, type = '', name = '', length, offset, size, signed] of text.matchAll(fieldLine)) {
    const dataLoc = type.startsWith('__data_loc');
    const isArray = dataLoc || length !== undefined;
    fields.set(name, {
      name,
      type,
      offset: Number(offset),
      size: Number(size),
      signed: signed === '1',
      isArray,
      dataLoc,
    });
  }
  return fields;
}

function parseSymbols(text: string): Map<string, Map<number, string>> {
  const symbols = new Map<string, Map<number, string>>();
  for (const start of text.matchAll(/__print_symbolic\(\s*REC->(\w+)\s*,/g)) {
    const names = parsePairs(text, start.index + start[0].length);
    if (names.size > 0) symbols.set(start[1]!, names);
  }
  return symbols;
}

/** `{ 0, "NOT_SPECIFIED" }, { 1, "NO_SOCKET" }, …` up to whatever is not such a pair. */
function parsePairs(text: string, from: number): Map<number, string> {
  const names = new Map<number, string>();
  const pair = /\s*\{\s*([^,{}]+?)\s*,\s*"([^"]*)"\s*\}\s*,?/y;
  pair.lastIndex = from;
  for (let match = pair.exec(text); match; match = pair.exec(text)) {
    const value = /^(-?(?:0x[0-9a-f]+|\d+))[ul]*$/i.exec(match[1]!)?.[1];
    if (value !== undefined) names.set(Number(value), match[2]!);
  }
  return names;
}
