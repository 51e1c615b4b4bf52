import { expect, test } from 'vitest';
import { parseCells } from '../../src/record/lines.ts';
import { cellRecord } from '../../src/record/schema.ts';

const recordOf = (id: string) =>
  cellRecord.parse({
    id,
    experiment: id,
    factors: {},
    repeat: 1,
    race: false,
    status: 'ran',
    startedAt: '2026-01-01T00:00:00Z',
    seconds: 1,
    facts: {},
    unknown: {},
    paths: {},
    claims: [],
    warnings: [],
  });

const ids = ['first', 'µs – 1', '', 'last'];
const text = ids.map((id) => (id === '' ? '\n' : `${JSON.stringify(recordOf(id))}\n`)).join('');

function* piecesOf(bytes: Buffer, size: number): Generator<Buffer> {
  const memory = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const length = bytes.copy(memory, 0, at, at + size);
    yield memory.subarray(0, length);
  }
}

test.each([1, 2, 3, 100, 10_000])(
  'lines are the same in pieces of %i bytes, and in the memory of one',
  async (size) => {
    const torn = `${text}{"id":"µ`;
    const read = await parseCells(piecesOf(Buffer.from(torn), size), 'cells.ndjson');
    expect(read.cells.map(({ id }) => id)).toEqual(ids.filter((id) => id !== ''));
    expect(read).toMatchObject({ tornAt: Buffer.byteLength(text), ended: false });
    expect(await parseCells(piecesOf(Buffer.from(text), size), 'cells.ndjson')).toMatchObject({
      tornAt: null,
      ended: true,
    });
  },
);

test('a damaged line is named by its number', async () => {
  const damaged = Buffer.from(text.replace('"factors":{}', '"factors":[]'));
  await expect(parseCells(piecesOf(damaged, 64), 'cells.ndjson')).rejects.toThrow('cells.ndjson, line 1: factors');
  const other = Buffer.from(`${text}{\n${text}`);
  await expect(parseCells(piecesOf(other, 64), 'cells.ndjson')).rejects.toThrow('cells.ndjson, line 5: ');
});
