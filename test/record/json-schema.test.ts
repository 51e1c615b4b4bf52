import { expect, test } from 'vitest';
import { z } from 'zod';
import { declarations } from '../../src/facts/table.ts';
import { factSchema, factsSchema, schemaFiles } from '../../src/record/json-schema.ts';
import { schemaVersion } from '../../src/record/schema.ts';
import { exampleCell, exampleRun } from './example.ts';

const accepts = (schema: object, value: unknown): boolean => z.fromJSONSchema(schema as never).safeParse(value).success;

test('the published schemas accept a run and a cell, and refuse what is none', () => {
  const { 'run.schema.json': run, 'cell.schema.json': cell } = schemaFiles();
  expect(accepts(run!, exampleRun())).toBe(true);
  expect(accepts(run!, { ...exampleRun(), schemaVersion: schemaVersion + 1 })).toBe(false);
  expect(accepts(run!, { ...exampleRun(), addedLater: 1 })).toBe(true);
  expect(accepts(cell!, exampleCell())).toBe(true);
  expect(accepts(cell!, { ...exampleCell(), status: 'fine' })).toBe(false);
});

test('the published schemas are plain data with a title and a dialect', () => {
  for (const schema of Object.values(schemaFiles())) {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: expect.any(String),
    });
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  }
});

test('a fact has the type and unit of its declaration, or was not observed', () => {
  expect(factSchema({ type: 'number', unit: 's', compare: 'measurement', text: 'how long' })).toEqual({
    description: 'how long; seconds',
    anyOf: [{ type: 'number' }, { type: 'null', description: 'not observed' }],
  });
  expect(factSchema({ type: 'numbers', unit: 's', compare: 'measurement' }).anyOf).toContainEqual({
    type: 'array',
    items: { type: 'number' },
  });
  expect(factSchema({ type: 'words', values: ['FIN', 'RST'], compare: 'exact' }).anyOf).toContainEqual({
    type: 'array',
    items: { type: 'string', enum: ['FIN', 'RST'] },
  });
});

test("a run's facts schema knows every declared fact and the counters, and no other", () => {
  const schema = factsSchema(declarations(['old', 'new']));
  const properties = Object.keys(schema.properties as object);
  expect(properties).toContain('old.client.path');
  expect(properties).toContain('new.timeWait.holder');
  expect(properties).toHaveLength(Object.keys(declarations(['old', 'new'])).length);
  const [pattern] = Object.keys(schema.patternProperties as object);
  expect('counters.lab.TcpExt.TCPAbortOnData').toMatch(new RegExp(pattern!));
  expect('counters.lab.Udp.InDatagrams').not.toMatch(new RegExp(pattern!));
  expect(schema.additionalProperties).toBe(false);
});
