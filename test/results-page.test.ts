import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRun } from '../src/record/read.ts';
import { packageRoot } from '../src/record/tool.ts';
import { reportOf } from '../src/report/model/report.ts';
import { terminalSummary } from '../src/report/terminal/summary.ts';
import { keptRun } from './kept.ts';
import { describeWhere } from './where-possible.ts';

const page = await readFile(join(packageRoot(), 'results', 'README.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block]) => block!);

const python = '/usr/bin/python3';

/** Why a program cannot be used here. */
async function lacks(what: string, program: string, ...args: readonly string[]): Promise<string | undefined> {
  const { failed } = await execa(program, args, { reject: false });
  return failed ? `${what} is not installed (make test-tools as root)` : undefined;
}
const withoutJq = await lacks('jq', 'jq', '--version');
const withoutPandas = await lacks('python3-pandas', python, '-c', 'import pandas');

describe('results/README.md', () => {
  let folder = '';
  let holders: Record<string, number> = {};
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lingerlab-results-'));
    const cells = await promisify(gunzip)(await readFile(join(keptRun, 'cells.ndjson.gz')));
    await writeFile(join(folder, 'cells.ndjson'), cells);
    const run = await promisify(gunzip)(await readFile(join(keptRun, 'run.json.gz')));
    await writeFile(join(folder, 'run.json'), run);
    const ran = cells
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ experiment, status }) => experiment === 'close-order' && status === 'ran');
    const grouped = Map.groupBy(ran, ({ facts }) => String(facts['timeWait.holder']));
    holders = Object.fromEntries([...grouped].map(([holder, { length }]) => [holder, length]));
    expect(Object.keys(holders)).toContain('client');
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('has one example for each tool', () => {
    expect(['sh', 'sql', 'python'].map((language) => blocks(language).length)).toEqual([1, 1, 1]);
  });

  describeWhere(withoutJq, 'jq', () => {
    test('finds something by its commands', async () => {
      const [refuted, waits] = blocks('sh')[0]!.trim().split('\n');
      const { stdout: claims } = await execa('sh', ['-c', refuted!], { cwd: folder });
      expect(claims).not.toMatch(/^confirmed/m);
      const { stdout } = await execa('sh', ['-c', waits!], { cwd: folder });
      expect(stdout.split('\n').length).toBeGreaterThan(10);
      expect(stdout).toMatch(/^[\d.]+ ms {2}linger-wait\/linger=/m);
    });
  });

  test('its SQL counts what the file has', async () => {
    const database = await DuckDBInstance.create(':memory:');
    const connection = await database.connect();
    const sql = blocks('sql')[0]!.replace("'cells.ndjson'", `'${join(folder, 'cells.ndjson')}'`);
    const rows = (await connection.runAndReadAll(sql)).getRowsJson();
    expect(Object.fromEntries(rows.map(([holder, count]) => [JSON.stringify(holder), Number(count)]))).toEqual(
      Object.fromEntries(Object.entries(holders).map(([holder, count]) => [JSON.stringify(holder), count])),
    );
  });

  describeWhere(withoutPandas, 'pandas', () => {
    test('counts what the file has', async () => {
      const { stdout } = await execa(python, ['-c', blocks('python')[0]!], { cwd: folder });
      for (const [holder, count] of Object.entries(holders))
        expect(stdout).toMatch(new RegExp(`^${holder} +${count}$`, 'm'));
    });
  });
});

describe('README.md', async () => {
  const readme = await readFile(join(packageRoot(), 'README.md'), 'utf8');
  const run = await readRun(keptRun);

  test('has at most 150 lines', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
  });

  test('shows what the run that is kept prints', () => {
    const path = relative(packageRoot(), join(keptRun, 'report.md'));
    const printed = terminalSummary(reportOf(run), { color: false, path, page: 'report.html' });
    expect(/^```text\n(.*?)^```/ms.exec(readme)?.[1]).toBe(printed);
  });

  const learnt = [...readme.matchAll(/^\d\. (.*) \(\[([\w-]+)\]\(.*\)\)\.$/gm)].map(([, text, id]) => ({
    text: text!,
    id: id!,
  }));

  test('has five things to learn', () => {
    expect(learnt).toHaveLength(5);
  });

  test.each(learnt)('has from $id only numbers of its answer', ({ text, id }) => {
    const answer = run.run.experiments.find((each) => each.id === id)?.answer;
    const known = JSON.stringify(answer);
    const numbers = text.match(/\d(?:[\d,.–]*\d)?(?: of \d(?:[\d,]*\d)?)?(?: s\b| ×)?/g);
    expect(numbers).not.toBeNull();
    for (const number of numbers ?? []) expect(known).toContain(number);
  });
});
