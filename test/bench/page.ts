/**
 * What a run's page takes: to make, to be painted from disk, to search; and a comparison of six runs and of twenty. `make bench-self`; prints a table,
 * asserts nothing. A folder as argument: its run instead of the reference's.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { comparisonPage } from '../../src/page/comparison.ts';
import { pageOf } from '../../src/page/save.ts';
import { readRun } from '../../src/record/read.ts';
import { compareRuns } from '../../src/report/compare/compare.ts';
import { median } from '../../src/stats/quantile.ts';
import { keptRun } from '../kept.ts';

const executablePath = '/usr/bin/chromium';
const times = 5;
const folder = process.argv[2] ?? keptRun;

const say = (what: string, value: number, unit: string): void =>
  void process.stdout.write(`${what.padEnd(44)}${value.toFixed(0).padStart(9)} ${unit}\n`);

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const began = performance.now();
  const made = await work();
  return [made, performance.now() - began];
}

const run = await readRun(folder);
// the bundles are made once after a change of the sources
await pageOf(run);
const took: number[] = [];
let html = '';
for (let nth = 0; nth < times; nth++) {
  const [made, ms] = await timed(() => pageOf({ ...run }));
  html = made;
  took.push(ms);
}
say(`make the page of ${run.cells.length} results`, median(took), 'ms');
say('its size', Buffer.byteLength(html) / 1000, 'kB');

const compared: number[] = [];
for (let nth = 0; nth < times; nth++) {
  const [, ms] = await timed(async () => {
    const six = await Promise.all(Array.from({ length: 6 }, () => readRun(folder)));
    await comparisonPage(compareRuns(six), six, 'comparison.html');
  });
  compared.push(ms);
}
say('read 6 runs, compare them, make the page', median(compared), 'ms');

if (!existsSync(executablePath)) process.stdout.write(`there is no ${executablePath}: nothing is painted\n`);
else {
  const scratch = await mkdtemp(join(tmpdir(), 'lingerlab-bench-'));
  const file = join(scratch, 'report.html');
  await writeFile(file, html);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const paints: number[] = [];
  const ready: number[] = [];
  const searches: number[] = [];
  for (let nth = 0; nth < times; nth++) {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('html.is-ready');
    // as text: this file is checked without a browser's types
    const [paint = 0, script = 0, ...typed] = await page.evaluate<number[]>(`(async () => {
      const paint = performance.getEntriesByName('first-contentful-paint')[0].startTime;
      const ready = performance.now();
      const box = document.querySelector('.find input');
      box.focus();
      const took = [];
      for (const query of ['exp:close-order', 'closes:both fact:timeWait.holder=none', 'claim:refuted', 'evidence:sampled linger']) {
        const began = performance.now();
        box.value = query;
        box.dispatchEvent(new Event('input', { bubbles: true }));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        took.push(performance.now() - began);
      }
      return [paint, ready, ...took];
    })()`);
    paints.push(paint);
    ready.push(script);
    searches.push(...typed);
    await page.close();
  }
  const twenty = Array.from({ length: 20 }, () => run);
  const other = join(scratch, 'comparison.html');
  await writeFile(other, await comparisonPage(compareRuns(twenty), twenty, other));
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(pathToFileURL(other).href);
  await page.waitForSelector('html.is-ready');
  const switches = await page.evaluate<number[]>(`(async () => {
    const took = [];
    for (const button of document.querySelectorAll('[data-switch]')) {
      const began = performance.now();
      button.click();
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      took.push(performance.now() - began);
    }
    return took;
  })()`);
  await browser.close();
  await rm(scratch, { recursive: true, force: true });
  say('first paint from disk', median(paints), 'ms');
  say('its script has taken over', median(ready), 'ms');
  say('a search, until it is painted', median(searches), 'ms');
  say('the slowest of them', Math.max(...searches), 'ms');
  say('of 20 runs compared, to show one or not', median(switches), 'ms');
  say('the slowest of them', Math.max(...switches), 'ms');
}
