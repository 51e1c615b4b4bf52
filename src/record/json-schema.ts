import { z } from 'zod';
import type { Declaration } from './fact.ts';
import { cellRecord, runRecord, schemaVersion } from './schema.ts';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Record<string, unknown>;

// 'input': fields that a schema doesn't name are allowed, since later versions of the program may add some.
const published = (schema: z.ZodType, title: string): JsonSchema => {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
  return { $schema, title, ...rest };
};

/** JSON Schema of run.json. */
export const runSchema = (): JsonSchema => published(runRecord, `lingerlab run.json, schema version ${schemaVersion}`);

/** JSON Schema of a line of cells.ndjson; what its facts may be is in the run's {@link factsSchema}. */
export const cellSchema = (): JsonSchema =>
  published(cellRecord, `a line of lingerlab cells.ndjson, schema version ${schemaVersion}`);

const unitNames = { s: 'seconds', ms: 'milliseconds', us: 'microseconds', count: 'how many', bytes: 'bytes' } as const;
const word = ({ values }: Declaration): JsonSchema => ({ type: 'string', ...(values ? { enum: [...values] } : {}) });
const whole = ({ unit }: Declaration): boolean => unit === 'count' || unit === 'bytes';
const typeSchemas: Readonly<Record<Declaration['type'], (declared: Declaration) => JsonSchema>> = {
  number: (declared) => ({ type: whole(declared) ? 'integer' : 'number' }),
  numbers: (declared) => ({ type: 'array', items: { type: whole(declared) ? 'integer' : 'number' } }),
  boolean: () => ({ type: 'boolean' }),
  word,
  words: (declared) => ({ type: 'array', items: word(declared) }),
  calls: () => ({
    type: 'array',
    items: {
      type: 'object',
      properties: { call: { type: 'string' }, errno: { type: 'string' } },
      required: ['call', 'errno'],
    },
  }),
  options: () => ({
    type: 'array',
    items: {
      type: 'object',
      properties: { option: { type: 'string' }, value: {}, kept: {}, on: { type: 'string' } },
      required: ['option', 'value', 'kept'],
    },
  }),
};

/** JSON Schema of one fact's value; null where it was not observed. */
export function factSchema(declared: Declaration): JsonSchema {
  const text = [declared.text, declared.unit && unitNames[declared.unit]].filter(Boolean).join('; ');
  return {
    ...(text ? { description: text } : {}),
    anyOf: [typeSchemas[declared.type](declared), { type: 'null', description: 'not observed' }],
  };
}

/** JSON Schema of a cell's `facts`, from the declarations that its run saved. */
export function factsSchema(declared: Readonly<Record<string, Declaration>>): JsonSchema {
  return {
    type: 'object',
    description: 'null: not observed; absent: not tried',
    properties: Object.fromEntries(Object.entries(declared).map(([name, one]) => [name, factSchema(one)])),
    patternProperties: {
      '^counters\\.(client|server|router|lab)\\.(Tcp|TcpExt)\\.\\w+$': factSchema({
        type: 'number',
        unit: 'count',
        compare: 'exact',
        text: 'change of this kernel counter; absent: none',
      }),
    },
    additionalProperties: false,
  };
}

/** The published schemas, by the names of their files. */
export const schemaFiles = (): Record<string, JsonSchema> => ({
  'run.schema.json': runSchema(),
  'cell.schema.json': cellSchema(),
});
