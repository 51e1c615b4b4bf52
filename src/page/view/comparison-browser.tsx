import { render } from 'preact';
import type { ComparedRecord } from '../comparison.ts';
import { isDiffering, rangeOf, stretchesOf } from '../stretches.ts';
import { turnTheme } from './bar.tsx';
import { Drawn } from './drawn.tsx';
import { copy, unpackLines } from './state.ts';

const at = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

/** What a comparison shows: all of it is in the address behind `#`. */
interface Shown {
  readonly target: string;
  /** Places of the runs that are left out. */
  readonly without: readonly number[];
  readonly onlyDiffering: boolean;
  readonly words: string;
}

interface Cell {
  readonly td: HTMLTableCellElement;
  readonly key: string | null;
}

/** A row of a matrix, found once: reading the document again for each key would take longer than drawing it. */
interface Row {
  readonly tr: HTMLTableRowElement;
  readonly cells: readonly Cell[];
  readonly text: string;
  readonly isSame: boolean;
}

interface Part {
  readonly body: HTMLTableSectionElement;
  readonly isSame: boolean;
  readonly rows: readonly Row[];
}

const columns = [...document.querySelectorAll<HTMLElement>('[data-switch]')].map((button) => ({
  button,
  run: Number(button.dataset.switch),
  title: button.firstChild?.textContent?.trim() ?? '',
}));

const parts: readonly Part[] = [...document.querySelectorAll<HTMLTableSectionElement>('.matrix tbody')].map((body) => {
  const isSame = body.dataset.part === 'same';
  return {
    body,
    isSame,
    rows: [...body.querySelectorAll<HTMLTableRowElement>('tr[data-row]')].map((tr) => ({
      tr,
      cells: [...tr.querySelectorAll<HTMLTableCellElement>('td')].map((td) => ({ td, key: td.dataset.k || null })),
      text: (tr.textContent ?? '').toLowerCase(),
      isSame,
    })),
  };
});

function shownIn(hash: string): Shown {
  const [target = '', ...rest] = hash.replace(/^#/, '').split('&');
  const values = new Map(rest.map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)]));
  return {
    target: decoded(target),
    without: (values.get('without') ?? '').split(',').filter(Boolean).map(Number),
    onlyDiffering: !values.has('all'),
    words: decoded(values.get('q') ?? ''),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function hashFor({ target, without, onlyDiffering, words }: Shown): string {
  return `#${[
    encodeURIComponent(target),
    ...(without.length > 0 ? [`without=${without.join(',')}`] : []),
    ...(onlyDiffering ? [] : ['all=']),
    ...(words === '' ? [] : [`q=${encodeURIComponent(words)}`]),
  ].join('&')}`;
}

const now = (): Shown => shownIn(location.hash);

/** Shows something else: what is not given stays. */
function show(to: Partial<Shown>): void {
  history.replaceState(null, '', hashFor({ ...now(), ...to }));
  draw();
}

let drawn: { without: string; onlyDiffering: boolean; words: string } | undefined;

/** Puts the document into the state that the address names. */
function draw(): void {
  const { without, onlyDiffering, words } = now();
  const next = { without: without.join(), onlyDiffering, words };
  if (drawn?.without === next.without && drawn.onlyDiffering === onlyDiffering && drawn.words === words) return;
  const shown = columns.map(({ run }) => !without.includes(run));
  if (drawn?.without !== next.without) drawColumns(without, shown);
  const isSwitched = without.length > 0;
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  let visible = 0;
  let all = 0;
  for (const { body, isSame, rows } of parts) {
    const isOfPage = body.dataset.part !== 'environment' && body.dataset.part !== 'instructions';
    let own = 0;
    for (const { tr, cells, text } of rows) {
      const differs = isSame ? false : !isSwitched || isDiffering(keysOf(cells), shown) || isAlone(body);
      const is = (differs || !onlyDiffering) && wanted.every((word) => text.includes(word));
      if (tr.hidden === is) tr.hidden = !is;
      if (is) own++;
    }
    if (body.dataset.part) body.hidden = own === 0;
    if (isOfPage) {
      visible += own;
      all += isSame && onlyDiffering ? 0 : rows.length;
    }
  }
  at('_none').hidden = visible > 0 || all === 0;
  const hits = document.querySelector<HTMLElement>('.find .hits');
  if (hits) {
    hits.textContent = `${visible} of ${all}`;
    hits.hidden = words === '' && !isSwitched;
  }
  const slash = document.querySelector<HTMLElement>('.find kbd');
  if (slash) slash.hidden = hits?.hidden === false;
  at('_only').toggleAttribute('checked', onlyDiffering);
  (at('_only') as HTMLInputElement).checked = onlyDiffering;
  const box = document.querySelector<HTMLInputElement>('.find input');
  if (box && document.activeElement !== box) box.value = words;
  drawn = next;
}

const keysOf = (cells: readonly Cell[]): (string | null)[] => cells.map(({ key }) => key);

/** A value of one run alone says something, too: that it varied, or flipped. */
const isAlone = ({ dataset }: HTMLElement): boolean => dataset.part === 'unstable' || dataset.part === 'flip';

/** Shows the columns and everything else of the shown runs, and joins neighbours that do not differ. */
function drawColumns(without: readonly number[], shown: readonly boolean[]): void {
  for (const { button, run } of columns) button.setAttribute('aria-pressed', String(!without.includes(run)));
  for (const each of document.querySelectorAll<HTMLElement>('[data-run]'))
    each.hidden = without.includes(Number(each.dataset.run));
  const count = shown.filter(Boolean).length;
  for (const table of document.querySelectorAll<HTMLElement>('.matrix'))
    table.style.setProperty('--columns', String(count));
  for (const head of document.querySelectorAll<HTMLTableCellElement>('.matrix tr.part th')) head.colSpan = count + 1;
  for (const { rows } of parts)
    for (const { cells } of rows) {
      if (cells.length === 1 && columns.length > 1) {
        if (cells[0]) cells[0].td.colSpan = count;
        continue;
      }
      const stretches = stretchesOf(keysOf(cells), shown);
      const first = new Map(stretches.map((each) => [each.from, each]));
      for (const [place, { td }] of cells.entries()) {
        const stretch = first.get(place);
        td.hidden = !stretch;
        if (!stretch) continue;
        td.colSpan = stretch.columns.length;
        td.classList.toggle('change', stretch.isChange);
        td.dataset.of = rangeOf(stretch.columns.map((column) => columns[column]?.title ?? ''));
      }
    }
}

/** Draws what the runs saw in a cell. */
async function drawExample(example: HTMLElement): Promise<void> {
  const waiting = [...example.querySelectorAll<HTMLElement>('[data-place]')];
  if (waiting.length === 0) return;
  const lines = await linesOnce();
  for (const place of waiting) {
    const line = lines[Number(place.dataset.place) + 1];
    delete place.dataset.place;
    if (line === undefined) continue;
    const { f, ...record } = JSON.parse(line) as ComparedRecord;
    render(<Drawn record={{ ...record, facts: f }} />, place);
    place.classList.remove('drawn');
    // twenty drawings take longer than a reader waits for an answer to a key
    await new Promise((resolve) => setTimeout(resolve));
  }
}

let lines: Promise<string[]> | undefined;
function linesOnce(): Promise<string[]> {
  lines ??= unpackLines(at('_data').textContent ?? '');
  return lines;
}

/** Goes to a part of the page, and leaves what is shown as it is. */
function arrive(target: string): void {
  document.getElementById(target)?.scrollIntoView();
  for (const link of document.querySelectorAll<HTMLAnchorElement>('.rail a'))
    link.classList.toggle('here', decoded(link.hash.slice(1)) === target);
}

document.addEventListener('click', (event) => {
  const clicked = event.target as HTMLElement;
  const button = clicked.closest<HTMLElement>('[data-switch]');
  if (button) {
    const run = Number(button.dataset.switch);
    const { without } = now();
    const next = without.includes(run) ? without.filter((each) => each !== run) : [...without, run];
    // no comparison is of one run
    if (columns.length - next.length >= 2) show({ without: next });
    return;
  }
  const doing = clicked.closest<HTMLElement>('[data-do]')?.dataset.do;
  if (doing === 'theme') turnTheme();
  if (doing === 'menu') document.documentElement.classList.toggle('has-rail');
  const text = clicked.closest<HTMLElement>('[data-copy]')?.dataset.copy;
  if (text !== undefined) void copy(text);
  const link = clicked.closest<HTMLAnchorElement>('a[href^="#"]');
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    document.documentElement.classList.remove('has-rail');
    const target = decoded(link.hash.slice(1));
    location.hash = hashFor({ ...now(), target });
    arrive(target);
  }
});
document.addEventListener('change', (event) => {
  if ((event.target as HTMLElement).id === '_only') show({ onlyDiffering: (event.target as HTMLInputElement).checked });
});
document.addEventListener('input', (event) => {
  const box = event.target as HTMLInputElement;
  if (box.closest('.find')) show({ words: box.value.trim() });
});
document.addEventListener(
  'toggle',
  (event) => {
    const details = event.target as HTMLDetailsElement;
    if (details.open && details.classList.contains('example')) void drawExample(details);
  },
  true,
);
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const box = document.querySelector<HTMLInputElement>('.find input');
  if (event.key === 'Escape') {
    document.documentElement.classList.remove('has-rail');
    if (box) box.value = '';
    box?.blur();
    show({ words: '' });
  } else if ((event.target as HTMLElement).closest('input')) return;
  else if (event.key === '/') {
    event.preventDefault();
    box?.focus();
  } else if (event.key === 't') turnTheme();
});
addEventListener('beforeprint', () => {
  for (const each of document.querySelectorAll<HTMLDetailsElement>('#_environment details')) each.open = true;
});
addEventListener('hashchange', () => {
  draw();
  arrive(now().target);
});

draw();
if (now().target !== '') arrive(now().target);
document.documentElement.classList.add('is-ready');
