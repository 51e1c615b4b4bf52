import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { comparisonPage } from '../../src/page/comparison.ts';
import { mostBytes, pageOf } from '../../src/page/save.ts';
import { readRun } from '../../src/record/read.ts';
import type { Run } from '../../src/record/schema.ts';
import { compareRuns } from '../../src/report/compare/compare.ts';
import { keptRun } from '../kept.ts';
import { escapesShown, hostile, hostileRun, otherHostileRun } from '../page/hostile.ts';
import { describeWhere } from '../where-possible.ts';

const executablePath = '/usr/bin/chromium';
const missing = existsSync(executablePath) ? undefined : 'there is no /usr/bin/chromium: `apt-get install chromium`';

const cell = 'lost-last-ack/lost=once,left=TIME-WAIT,second=close,family=4';
const bracketed = 'close-order/closes=client,by=destroy,data=idle,family=4,node=half-open/1';

describeWhere(missing, "a run's page in a browser", () => {
  let browser: Browser;
  let folder: string;
  /** Of report.html, for tests that begin at a place and leave nothing behind but another one. */
  let shared: Page;
  /** Errors of each page that was opened. */
  const errors: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lingerlab-page-'));
    const kept = await readRun(keptRun);
    await writeFile(join(folder, 'whole.html'), await pageOf(kept));
    await writeFile(join(folder, 'report.html'), await pageOf(partOf(kept, ['close-order', 'lost-last-ack', 'load'])));
    await writeFile(join(folder, 'hostile.html'), await pageOf(hostileRun));
    const close = partOf(kept, ['close-order', 'lost-last-ack']);
    await saveCompared(
      'compared.html',
      [...kernels.keys()].map((nth) => onKernel(close, nth)),
    );
    await saveCompared('compared-hostile.html', [hostileRun, otherHostileRun]);
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    shared = await open('');
  });
  afterAll(async () => {
    await browser?.close();
    expect(errors).toEqual([]);
    await rm(folder, { recursive: true, force: true });
  });

  async function saveCompared(name: string, runs: readonly Run[]): Promise<void> {
    await writeFile(join(folder, name), await comparisonPage(compareRuns(runs), runs, join(folder, name)));
  }

  async function open(
    hash: string,
    { width = 1440, theme = 'light', script = true, name = 'report.html' }: Opening = {},
  ): Promise<Page> {
    const page = await browser.newPage({
      viewport: { width, height: 900 },
      colorScheme: theme,
      javaScriptEnabled: script,
    });
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => {
      if (message.type() !== 'log') errors.push(message.text());
    });
    page.on('dialog', (dialog) => {
      errors.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(pathToFileURL(join(folder, name)).href + hash);
    if (script) await page.waitForSelector('html.is-ready');
    return page;
  }
  /** The shared page at another place: to open it again would take seconds. */
  async function at(hash: string): Promise<Page> {
    await shared.evaluate((to) => {
      location.hash = to;
    }, hash);
    const isCell = hash.includes('/');
    await shared.waitForFunction((isOpen) => (document.querySelector('.sheet') !== null) === isOpen, isCell);
    return shared;
  }
  interface Opening {
    readonly width?: number;
    readonly theme?: 'light' | 'dark';
    readonly script?: boolean;
    readonly name?: string;
  }

  test('opens from disk, finds by a query, and any view is a link', async () => {
    expect((await stat(join(folder, 'whole.html'))).size).toBeLessThanOrEqual(mostBytes);
    const page = await open('', { name: 'whole.html' });
    await page.keyboard.press('/');
    await page.keyboard.type('exp:close-order closes:both fact:timeWait.holder=none');
    const hits = await page.locator('.hits').textContent();
    expect(Number(hits?.split(' ')[0])).toBeGreaterThan(10);
    const link = page.url();
    const own = await page.locator('#_found .list > a').count();
    expect(own).toBe(Number(hits?.split(' ')[0]));
    const again = await open(new URL(link).hash);
    expect((await again.locator('.hits').textContent())?.split(' ')[0]).toBe(hits?.split(' ')[0]);
    await again.locator('#_found .list > a').first().click();
    await again.waitForSelector('.sheet');
    expect(await again.locator('.sheet h2').textContent()).toBe('close-order');
    expect(await again.locator('.sheet .lanes').count()).toBe(1);
    expect(await again.locator('.spot.here').count()).toBe(1);
    await again.goBack();
    await again.waitForSelector('.sheet', { state: 'detached' });
    await Promise.all([page.close(), again.close()]);
  });

  test('completions come from what is there', async () => {
    const page = await at('#');
    await page.locator('.find input').fill('claim:re');
    expect(await page.locator('#_completions').textContent()).not.toContain('claim:refuted');
    await page.locator('.find input').fill('exp:close-order by:');
    const offered = await page.locator('#_completions [role=option]').allTextContents();
    expect(offered.map((each) => each.replace(/\d+$/, ''))).toEqual(
      expect.arrayContaining(['by:end', 'by:destroy', 'by:raw-close']),
    );
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    expect(page.url()).toContain('by:');
    await page.locator('.find input').fill('');
  });

  test("a finding's number and a claim's share open the results behind them, and these what decided it", async () => {
    const page = await at('#close-order');
    await page.locator('#close-order .courses').scrollIntoViewIfNeeded();
    await page.waitForSelector('#close-order .courses .lanes svg');
    expect(await overlaps(page)).toEqual([]);
    await page.locator('#close-order .findings .num').first().click();
    await page.waitForSelector('.found');
    expect(await page.locator('.found h2').textContent()).toContain('96 results');
    await page.locator('#close-order .claims .num').first().click();
    await page.waitForFunction(() =>
      document.querySelector('.found .list')?.textContent?.includes('timeWait.holder ='),
    );
    await page.locator('.found .list > a').first().click();
    await page.waitForSelector('.sheet .claimlist');
    expect(await page.locator('.sheet .claimlist').textContent()).toContain('rests on timeWait.holder =');
  });

  test('the keyboard alone reaches a cell, pins it, and comes back', async () => {
    const page = await open('#close-order');
    const focused = (): Promise<string> =>
      page.evaluate(() => (document.activeElement as HTMLElement | null)?.className ?? '');
    for (let nth = 0; nth < 40 && !/\bspot\b/.test(await focused()); nth++) await page.keyboard.press('Tab');
    expect(await focused()).toContain('spot');
    const first = await page.evaluate(() => (document.activeElement as HTMLAnchorElement).hash);
    await page.keyboard.press('ArrowRight');
    const second = await page.evaluate(() => (document.activeElement as HTMLAnchorElement).hash);
    expect(second).not.toBe(first);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.sheet');
    await page.keyboard.press('p');
    expect(page.url()).toContain('pin=close-order');
    await page.keyboard.press('?');
    expect(await page.locator('.keys').count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.sheet', { state: 'detached' });
    expect(await focused()).toContain('spot');
    await page.keyboard.press('j');
    await page.waitForFunction(() => location.hash === '#lost-last-ack');
    await page.close();
  });

  test('the keyboard alone reaches the guide, and a number of it leads to its results', async () => {
    const page = await open('');
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const { tagName, hash, textContent } = document.activeElement as HTMLAnchorElement;
        return `${tagName} ${hash ?? ''} ${textContent}`;
      });
    for (let nth = 0; nth < 20 && !(await focused()).includes('#_guide '); nth++) await page.keyboard.press('Tab');
    expect(await focused()).toBe('A #_guide Tuning guide');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash === '#_guide');
    await page.keyboard.press('Tab');
    expect(await focused()).toMatch(/^SUMMARY/);
    for (let nth = 0; nth < 5 && !(await focused()).includes('Thousands of'); nth++) await page.keyboard.press('Tab');
    expect(await page.locator('#_guide-thousands-of-time-wait .num').first().isVisible()).toBe(false);
    await page.keyboard.press('Enter');
    await page.locator('#_guide-thousands-of-time-wait .num').first().waitFor();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('A #close-order&q=guide:close-order/first-closer-waits 96 of 96');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.found');
    expect(await page.locator('.found h2').textContent()).toContain('96 results');
    expect(await page.locator('.found').textContent()).toContain('96 of 96: Only the end that closes first');
    await page.waitForFunction(() => document.querySelectorAll('#close-order .spot.hit').length === 96);
    const { y } = (await page.locator('#close-order').boundingBox()) as { y: number };
    expect(Math.abs(y)).toBeLessThan(900);
    await page.close();
  });

  test('a query of words finds a symptom or a knob of the guide by its name, and opens it', async () => {
    const page = await at('#');
    const section = page.locator('#_guide-so_linger');
    expect(await section.getAttribute('open')).toBe(null);
    await page.locator('.find input').fill('SO_LINGER');
    await page.waitForSelector('.in-guide');
    expect(await page.locator('.in-guide a').allTextContents()).toEqual(['SO_LINGER']);
    await page.locator('.in-guide a').click();
    await page.waitForFunction(() => location.hash.startsWith('#_guide-so_linger&q='));
    await section.locator('.num').first().waitFor();
    await page.locator('.find input').fill('closes:client');
    await page.waitForSelector('.in-guide', { state: 'detached' });
    expect(await page.locator('.found').count()).toBe(1);
    await page.locator('.find input').fill('');
  });

  test('what words found begins with the experiment that is about them, and Enter leads to the guide', async () => {
    const page = await open('', { name: 'whole.html' });
    await page.keyboard.press('/');
    await page.keyboard.type('EADDRNOTAVAIL');
    await page.waitForSelector('.found .list h3');
    expect(await page.locator('.found .list h3 code').first().textContent()).toBe('ephemeral-ports');
    expect(await page.locator('.found .list h3').first().textContent()).toContain('connect(2) uses a port once');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('EADDRNOTAVAIL on connect');
    await page.locator('.found .list .note a').first().click();
    await page.waitForFunction(() => location.hash.includes('exp:ephemeral-ports'));
    expect(await page.locator('.found h2').textContent()).toContain('of 1 experiment');
    await page.close();
  });

  test('the guide is no wider than the page at three widths, and axe finds nothing in it in two themes', async () => {
    const page = await open('#_guide');
    await page.evaluate(() => {
      for (const each of document.querySelectorAll<HTMLDetailsElement>('#_guide details')) each.open = true;
    });
    const settings = page.locator('#_guide .scroll');
    const hidden = () =>
      settings.evaluateAll((all) => Math.max(...all.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)));
    expect(await settings.count()).toBeGreaterThan(2);
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
    for (const width of [1440, 900, 360])
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        const name = `${width} px, ${colorScheme}`;
        const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
        expect(scrollWidth, name).toBe(clientWidth);
        // a table that is wider than a phone scrolls in its own box
        expect((await hidden()) > 0, name).toBe(width === 360);
        expect(await axeFindings(page, undefined, '#_guide'), name).toEqual([]);
      }
    await page.close();
  });

  test('two cells beside each other have their differences marked', async () => {
    const [a, b] = ['client', 'server'].map(
      (end) => `close-order/closes=${end},by=end,data=idle,family=4,node=default/1`,
    );
    const page = await at(`#${a}&pin=${b}`);
    expect(await page.locator('.sheet .cell').count()).toBe(2);
    const differing = await page.locator('.sheet .cell:first-child .factlist .differs th').allTextContents();
    expect(differing).toEqual(expect.arrayContaining(['timeWait.holder', 'client.path', 'server.path']));
  });

  test('no text overlaps in lanes and ladders, and nothing is wider than the page, at three widths in two themes', async () => {
    const page = await at(`#${cell}`);
    for (const width of [1440, 900, 360])
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        for (const hash of ['#', `#${cell}`, `#${bracketed}`, `#${bracketed}&time=linear`, `#${cell}&time=order`]) {
          await page.evaluate((to) => {
            location.hash = to;
          }, hash);
          await page.waitForFunction((isOpen) => (document.querySelector('.sheet') !== null) === isOpen, hash !== '#');
          const name = `${hash} at ${width} px, ${colorScheme}`;
          expect(await overlaps(page), name).toEqual([]);
          const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
          expect(scrollWidth, name).toBe(clientWidth);
        }
      }
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  test('axe finds nothing, in either theme', async () => {
    const page = await at(`#${cell}`);
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await axeFindings(page)).toEqual([]);
    // the rest of what it looks at has no colour
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await axeFindings(page, ['color-contrast', 'link-in-text-block'])).toEqual([]);
  });

  test('without a script, headlines, findings, tables and claims are there to read', async () => {
    const page = await open('#close-order', { script: false });
    for (const part of ['h3', '.findings .num', '.outcomes td', '.claims td', 'table.grid .spot'])
      expect(await page.locator(`#close-order ${part}`).first().isVisible(), part).toBe(true);
    await page.locator('#load summary').first().click();
    expect(await page.locator('#load details table td').first().isVisible()).toBe(true);
    await page.locator('#_guide-closing-order summary').click();
    for (const part of ['.num', 'table td'])
      expect(await page.locator(`#_guide-closing-order ${part}`).first().isVisible(), part).toBe(true);
    expect(await page.locator('.find').isVisible()).toBe(false);
    const closed = page.locator('#_guide-so_linger .findings li').first();
    expect(await closed.isVisible()).toBe(false);
    await page.emulateMedia({ media: 'print' });
    expect(await closed.isVisible()).toBe(true);
    expect((await closed.boundingBox())?.height).toBeGreaterThan(10);
    await page.close();
  });

  test('what a run folder says is shown as text, whatever it is', async () => {
    const page = await open(`#${encodeURIComponent('hostile/way=a')}/1`, { name: 'hostile.html' });
    expect(await page.evaluate(() => (globalThis as { broken?: unknown }).broken)).toBeUndefined();
    const shown = await page.evaluate(() => document.body.innerText);
    for (const text of [...hostile, escapesShown]) expect(shown, shown).toContain(text);
    await page.locator('#_guide-so_linger summary').click();
    const sentence = await page.locator('#_guide-so_linger .findings li').innerText();
    expect(sentence).toContain('"><svg onload=globalThis.broken=1> of 2');
    expect(sentence).toContain(`sentence </script><script>globalThis.broken=1</script> ${escapesShown}`);
    expect(await page.locator('#_guide svg').count()).toBe(0);
    expect(await page.locator('#_sheet script, #_sheet img, main script, main img, main b b').count()).toBe(0);
    await page.goto(pathToFileURL(join(folder, 'compared-hostile.html')).href);
    await page.waitForSelector('html.is-ready');
    await page.locator('.example summary').first().click();
    await page.waitForSelector('.example .lanes svg');
    expect(await page.evaluate(() => (globalThis as { broken?: unknown }).broken)).toBeUndefined();
    const compared = await page.evaluate(() => document.body.innerText);
    for (const text of [...hostile, escapesShown]) expect(compared, compared).toContain(text);
    expect(await page.locator('main script, main img, main b b').count()).toBe(0);
    await page.close();
  });

  test('a comparison of 20 runs shows those that are chosen, and draws what they saw', async () => {
    const page = await open('', { name: 'compared.html' });
    const rows = page.locator('#_matrix tr[data-row]:visible');
    const of = (fact: string) => page.locator('#_matrix tr[data-row]', { hasText: fact });
    const value = () => of('timeWait.holder').first().locator('td:visible').allTextContents();
    // what was before Linux 6.12 is one cell of the matrix, what is since then another
    expect(await value()).toEqual(['none', 'client']);
    const all = await rows.count();
    for (let old = 0; old < 12; old++) await page.locator(`[data-switch="${old}"]`).click();
    expect(await value()).toEqual([]);
    expect(new URL(page.url()).hash).toContain('without=');
    const few = page.url();
    await page.locator('#_only').click();
    expect(await rows.count()).toBeGreaterThan(all);
    expect(await value()).toEqual(['client']);
    await page.goto(few);
    await page.reload();
    await page.waitForSelector('html.is-ready');
    expect(await rows.count()).toBe(0);
    await page.goto(few.slice(0, few.indexOf('#')));
    await page.reload();
    await page.waitForSelector('html.is-ready');
    await page.keyboard.press('/');
    await page.keyboard.type('holder close-order');
    expect(await rows.count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.locator('#close-order .example summary').first().click();
    await page.waitForFunction(() => document.querySelectorAll('#close-order .lane-draw').length === 20);
    for (const width of [1440, 900, 360]) {
      await page.setViewportSize({ width, height: 900 });
      expect(await overlaps(page), `${width} px`).toEqual([]);
      const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
      expect(scrollWidth, `${width} px`).toBe(clientWidth);
    }
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
    expect(await axeFindings(page)).toEqual([]);
    await page.close();
  });
});

/** Twenty kernels: older ones first. */
const kernels = Array.from({ length: 20 }, (_, nth) => `6.${nth}.9-amd64`);

/** A run as if another kernel had made it; up to Linux 6.11 the client kept no TIME-WAIT. */
function onKernel(run: Run, nth: number): Run {
  const kernel = kernels[nth] as string;
  const sessions = run.run.sessions.map((session) => ({
    ...session,
    environment: { ...session.environment, kernel },
  }));
  const cells = run.cells.map((cell) =>
    nth < 12 && cell.experiment === 'close-order' && cell.factors.closes === 'client'
      ? { ...cell, facts: { ...cell.facts, 'timeWait.holder': 'none' } }
      : cell,
  );
  return { folder: kernel, cells, run: { ...run.run, sessions } };
}

/** A run with some of its experiments only. */
function partOf(whole: Run, ids: readonly string[]): Run {
  const { run, cells, folder } = whole;
  const isPart = (id: string): boolean => ids.includes(id.split('/')[0] ?? '');
  return {
    folder,
    cells: cells.filter(({ experiment }) => ids.includes(experiment)),
    run: {
      ...run,
      experiments: run.experiments.filter(({ id }) => ids.includes(id)),
      groups: run.groups
        .map((group) => ({ ...group, experiments: group.experiments.filter((id) => ids.includes(id)) }))
        .filter(({ experiments }) => experiments.length > 0),
      plan: run.plan.filter(isPart),
      notRun: run.notRun.filter(({ id }) => isPart(id)),
    },
  };
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe-core says of the page as it is, or of a part of it, by all of its rules or some. */
const axeFindings = (page: Page, rules?: readonly string[], part = 'html'): Promise<string[]> =>
  page.evaluate(
    async ([only, within]) => {
      const { axe } = globalThis as unknown as {
        axe: { run: (within: string, options: unknown) => Promise<{ violations: readonly Violation[] }> };
      };
      const { violations } = await axe.run(within, { resultTypes: ['violations'], ...(only && { runOnly: only }) });
      return violations.map(
        ({ id, nodes }) => `${id} × ${nodes.length}: ${nodes[0]?.html.slice(0, 200)} ${nodes[0]?.failureSummary}`,
      );
    },
    [rules, part] as const,
  );

/** Texts of drawings that are seen and that share more than a px with another. */
const overlaps = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const found: string[] = [];
    for (const drawing of document.querySelectorAll('.lanes svg.lane-draw, .ladder')) {
      const texts = [...drawing.querySelectorAll('text, .rung b, .rung small, .rung em, .label, .deed, .across, .time')]
        .filter((each) => (each.textContent ?? '').trim() !== '' && each.querySelector('b, small, em') === null)
        .map((each) => ({ text: each.textContent ?? '', box: each.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0 && box.height > 0);
      for (const [nth, a] of texts.entries())
        for (const b of texts.slice(nth + 1)) {
          const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
          const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
          if (across > 1.5 && down > 2.5) found.push(`${a.text} | ${b.text}`);
        }
    }
    return found;
  });
