import { hydrate, render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { cellIn, hashOf, searchOf, targetOf } from '../query.ts';
import { Bar, turnTheme } from './bar.tsx';
import { Drawn } from './drawn.tsx';
import { Found } from './found.tsx';
import { commandFor, openedAt, Sheet } from './sheet.tsx';
import { shortcuts } from './shortcuts.ts';
import { copy, type Data, go, here, unpack, usePlace } from './state.ts';

const at = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

const kernel = document.querySelector('.brand span')?.textContent ?? '';

/** The query's results, the opened cell and the keys: all of the page that is not there without a script. */
const Live = ({ data }: { readonly data: Data }) => {
  const place = usePlace();
  const [search] = useState(() => searchOf(data.index));
  const [keys, setKeys] = useState(false);
  const found = place.query === '' ? [] : search.find(place.query);
  useEffect(() => mark(data, place.query, new Set(found), place.target));
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void =>
      press(
        event,
        data,
        () => setKeys((shown) => !shown),
        () => setKeys(false),
      );
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [data]);
  useEffect(() => {
    const root = at('_bar');
    render(
      <Bar
        kernel={kernel}
        search={search}
        results={data.index.results.length}
        found={place.query === '' ? undefined : found.length}
        showKeys={() => setKeys(true)}
      />,
      root,
    );
    render(place.query === '' ? null : <Found data={data} query={place.query} places={found} />, at('_found'));
  });
  return (
    <>
      <Sheet data={data} />
      {keys ? (
        <div class="keys" role="dialog" aria-label="Keys">
          <h2>Keys</h2>
          <dl>
            {shortcuts.map(([names, text]) => (
              <>
                <dt>
                  {names.split(' ').map((name) => (
                    <>
                      <kbd>{name}</kbd>{' '}
                    </>
                  ))}
                </dt>
                <dd>{text}</dd>
              </>
            ))}
          </dl>
          <button type="button" onClick={() => setKeys(false)}>
            close
          </button>
        </div>
      ) : null}
    </>
  );
};

/** What is marked now: a page has thousands of marks, of which a letter changes few. */
const marked: { found: ReadonlySet<number>; open: number | undefined } = { found: new Set(), open: undefined };

/** Fades what a query does not find, and marks the opened result. */
function mark(data: Data, query: string, found: ReadonlySet<number>, target: string): void {
  document.documentElement.classList.toggle('faded', query !== '');
  const { spots, dots } = marksOf(data);
  const open = openedAt(data, target)?.place;
  for (const [place, element] of [...spots, ...dots])
    if (found.has(place) !== marked.found.has(place)) element.classList.toggle('hit', found.has(place));
  if (open !== marked.open)
    for (const [place, spot] of spots)
      if (place === open || place === marked.open) spot.classList.toggle('here', place === open);
  Object.assign(marked, { found, open });
}

/** Elements with the places of their results. */
type Placed = readonly (readonly [number, Element])[];

let marks: { readonly spots: Placed; readonly dots: Placed } | undefined;

/** What marks a result on the page, which its script does not change: spots of grids, and dots of a load's repeats. */
function marksOf({ index }: Data): NonNullable<typeof marks> {
  if (marks) return marks;
  const places = new Map(index.results.map(({ id, n }, place) => [`${id} ${n}`, place]));
  marks = { spots: spotsOf(index.results, places), dots: dotsOf(places) };
  return marks;
}

function dotsOf(places: ReadonlyMap<string, number>): Placed {
  return [...document.querySelectorAll<SVGElement>('.load .rates .dot')].flatMap((dot) => {
    const place = places.get(`${dot.closest<HTMLElement>('.way')?.dataset.way} ${dot.dataset.repeat}`);
    return place === undefined ? [] : [[place, dot] as const];
  });
}

/** Each gets the name that a reader hears. */
function spotsOf(results: Data['index']['results'], places: ReadonlyMap<string, number>): Placed {
  return [...document.querySelectorAll<HTMLAnchorElement>('a.spot')].flatMap((spot) => {
    const cell = cellIn(decodeURIComponent(spot.hash.slice(1)));
    const place = cell && places.get(`${cell.id} ${cell.repeat ?? 1}`);
    if (!cell || place === undefined) return [];
    const letter = results[place]?.l;
    const name = `${cell.id.slice(cell.id.indexOf('/') + 1)}${cell.repeat !== undefined && cell.repeat > 1 ? `, repeat ${cell.repeat}` : ''}`;
    spot.title = name;
    spot.setAttribute('aria-label', `${name}${letter === undefined ? '' : `: outcome ${letter}`}`);
    return [[place, spot] as const];
  });
}

const isTyping = (event: KeyboardEvent): boolean => (event.target as HTMLElement).closest('input, textarea') !== null;

function press(event: KeyboardEvent, data: Data, turnKeys: () => void, hideKeys: () => void): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event)) return;
  const { key } = event;
  const opened = openedAt(data, here().target);
  if (key === '/') {
    event.preventDefault();
    document.querySelector<HTMLInputElement>('.find input')?.focus();
  } else if (key === '?') turnKeys();
  else if (key === 't') turnTheme();
  else if (key === 'c' && opened) void copy(commandFor(opened.result));
  else if (key === 'p' && opened) go({ pin: here().pin === '' ? here().target : '' }, { replace: true });
  else if (key === 'j' || key === 'k') step(key === 'j' ? 1 : -1);
  else if (key === 'Escape') {
    document.documentElement.classList.remove('has-rail');
    if (document.querySelector('.keys')) hideKeys();
    else if (opened) {
      const spot = document.querySelector<HTMLElement>('.spot.here');
      go({ target: data.index.experiments[opened.result.e]?.id ?? '', pin: '' });
      spot?.focus({ preventScroll: true });
    } else if (here().query !== '') go({ query: '' });
  } else if (key.startsWith('Arrow')) rove(event);
}

/** Goes to the next or the previous experiment. */
function step(by: 1 | -1): void {
  const all = [...document.querySelectorAll<HTMLElement>('.experiment')];
  const now = all.findLastIndex((each) => each.getBoundingClientRect().top < 130);
  const next = all[Math.max(0, Math.min(all.length - 1, now + by))];
  if (!next) return;
  go({ target: next.id }, { replace: true });
  next.scrollIntoView();
  next.querySelector<HTMLElement>('a')?.focus({ preventScroll: true });
}

/** Arrows go to the nearest mark of a figure, which has one tab stop. */
function rove(event: KeyboardEvent): void {
  const from = event.target as HTMLElement;
  const figure = from.closest('[data-roving]');
  if (!figure) return;
  const marks = [...figure.querySelectorAll<HTMLElement>('a.spot, li[tabindex], .list > a')];
  const own = from.getBoundingClientRect();
  const [x, y] = [own.left + own.width / 2, own.top + own.height / 2];
  const isAcross = event.key === 'ArrowLeft' || event.key === 'ArrowRight';
  const sign = event.key === 'ArrowRight' || event.key === 'ArrowDown' ? 1 : -1;
  let best: { mark: HTMLElement; far: number } | undefined;
  for (const mark of marks) {
    const box = mark.getBoundingClientRect();
    const [dx, dy] = [box.left + box.width / 2 - x, box.top + box.height / 2 - y];
    const [along, aside] = isAcross ? [dx * sign, Math.abs(dy)] : [dy * sign, Math.abs(dx)];
    if (along < 2 || mark === from) continue;
    const far = along + aside * 4;
    if (!best || far < best.far) best = { mark, far };
  }
  if (!best) return;
  event.preventDefault();
  from.tabIndex = -1;
  best.mark.tabIndex = 0;
  best.mark.focus();
}

/** What belongs together lights up together: a state, its line and its row; a repeat in every way of a load. */
function light({ target, type }: Event): void {
  const from = (target as Element).closest?.('[data-k], [data-repeat]');
  for (const lit of document.querySelectorAll('.lit')) lit.classList.remove('lit');
  if (!from || type === 'mouseout') return;
  const root = from.closest('.cell, .course-row, .load');
  const key = (from as HTMLElement).dataset.k;
  const { repeat } = (from as HTMLElement).dataset;
  if (!root || key === '') return;
  const selector = key === undefined ? `[data-repeat="${CSS.escape(repeat ?? '')}"]` : `[data-k="${CSS.escape(key)}"]`;
  for (const each of root.querySelectorAll(selector)) each.classList.add('lit');
}

/** An example of a course. */
const Example = ({ data, target, label }: { readonly data: Data; readonly target: string; readonly label: string }) => {
  const opened = openedAt(data, target);
  if (!opened) return null;
  const { result, record } = opened;
  return <Drawn record={{ ...record, id: result.id, facts: { ...result.f, ...record.counters } }} label={label} />;
};

/** Examples are drawn when they are about to be seen, and before the page is printed. */
function drawExamples(data: Data): void {
  const waiting = new Set(document.querySelectorAll<HTMLElement>('[data-draw]'));
  const draw = (place: HTMLElement): void => {
    if (!waiting.delete(place)) return;
    render(<Example data={data} target={place.dataset.draw ?? ''} label={place.dataset.label ?? ''} />, place);
    place.classList.remove('drawn');
  };
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) draw(target as HTMLElement);
    },
    { rootMargin: '800px' },
  );
  for (const place of waiting) near.observe(place);
  addEventListener('beforeprint', () => waiting.forEach(draw));
}

/** Goes where the address says, which a browser does only for a part of the page. */
function arrive(): void {
  const { target } = here();
  const own = document.getElementById(target) ?? document.getElementById(target.split('/')[0] ?? '');
  const isCell = cellIn(target) !== undefined;
  for (const link of document.querySelectorAll('.rail a'))
    link.classList.toggle('here', link.getAttribute('href') === hashOf({ target: own?.id ?? '' }));
  if (!own) return;
  if (own instanceof HTMLDetailsElement) own.open = true;
  const { top, bottom } = own.getBoundingClientRect();
  if (!isCell || bottom < 0 || top > innerHeight) own.scrollIntoView();
}

/** One tab stop for each figure: without a script each mark is one. */
function oneStop(): void {
  for (const figure of document.querySelectorAll('[data-roving="grid"]'))
    for (const [nth, spot] of [...figure.querySelectorAll<HTMLElement>('a.spot')].entries())
      spot.tabIndex = nth === 0 ? 0 : -1;
}

async function begin(): Promise<void> {
  hydrate(<Bar kernel={kernel} />, at('_bar'));
  document.addEventListener('mouseover', light);
  document.addEventListener('mouseout', light);
  document.addEventListener('focusin', light);
  document.addEventListener('click', (event) => {
    const clicked = event.target as HTMLElement;
    const text = clicked.closest<HTMLElement>('[data-copy]')?.dataset.copy;
    if (text !== undefined) void copy(text);
    const dot = clicked.closest<SVGElement>('.load .rates .dot');
    const way = dot?.closest<HTMLElement>('.way')?.dataset.way;
    if (dot && way !== undefined) go({ target: targetOf(way, Number(dot.dataset.repeat)) });
    if (clicked.closest('.rail a')) document.documentElement.classList.remove('has-rail');
  });
  addEventListener('beforeprint', () => {
    for (const each of document.querySelectorAll<HTMLDetailsElement>('details')) each.open = true;
  });
  addEventListener('hashchange', (event) => {
    const [before, after] = [event.oldURL, event.newURL].map((url) =>
      url === '' ? '' : new URL(url).hash.split('&')[0],
    );
    if (before !== after) arrive();
  });
  oneStop();
  const data = await unpack(at('_data').textContent ?? '');
  render(<Live data={data} />, at('_sheet'));
  drawExamples(data);
  if (location.hash !== '') {
    const experiment = here().target.split('/')[0] ?? '';
    if (here().query === '') document.getElementById(experiment)?.scrollIntoView();
    arrive();
  }
  document.documentElement.classList.add('is-ready');
}

void begin();
