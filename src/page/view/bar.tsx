import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Search } from '../query.ts';
import { go, usePlace } from './state.ts';

/** What stands at the top: the name, the query, three buttons. The page's script takes it over. */
export interface BarProps {
  readonly kernel: string;
  readonly search?: Search | undefined;
  readonly results?: number | undefined;
  readonly found?: number | undefined;
  readonly showKeys?: () => void;
}

const themes = ['', 'light', 'dark'] as const;

/** Light, dark, or as the system has it. */
export function turnTheme(): void {
  const { dataset } = document.documentElement;
  const next = themes[(themes.indexOf((dataset.theme ?? '') as (typeof themes)[number]) + 1) % themes.length] ?? '';
  if (next === '') delete dataset.theme;
  else dataset.theme = next;
  try {
    if (next === '') localStorage.removeItem('lingerlab-theme');
    else localStorage.setItem('lingerlab-theme', next);
  } catch {
    // a file may have no storage: the choice then lasts as long as the page
  }
}

export const Bar = ({ kernel, search, results, found, showKeys }: BarProps) => (
  <header class="bar">
    <a class="brand" href="#_answers">
      lingerlab <span>{kernel}</span>
    </a>
    <Query search={search} results={results} found={found} />
    <div class="tools js">
      <button
        type="button"
        class="menu"
        aria-label="Contents"
        onClick={() => document.documentElement.classList.toggle('has-rail')}
      >
        ☰
      </button>
      <button type="button" aria-label="Colours: light, dark, or the system's" onClick={turnTheme}>
        ◐
      </button>
      <button type="button" aria-label="Keys" onClick={() => showKeys?.()}>
        ?
      </button>
    </div>
  </header>
);

const hasDocument = typeof document !== 'undefined';

const Query = ({ search, results, found }: Pick<BarProps, 'search' | 'results' | 'found'>) => {
  const place = hasDocument ? usePlace() : { query: '' };
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(-1);
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (document.activeElement !== box.current) setText(place.query);
  }, [place.query]);
  const completions = useMemo(() => (open && search ? search.complete(text) : []), [open, search, text]);
  const put = (query: string): void => {
    setText(query);
    setChosen(-1);
    go({ query: query.trim() }, { replace: true });
  };
  const key = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setOpen(true);
      setChosen(Math.max(-1, Math.min(completions.length - 1, chosen + step)));
    } else if ((event.key === 'Tab' || event.key === 'Enter') && open && completions[chosen]) {
      event.preventDefault();
      put(completions[chosen].query);
    } else if (event.key === 'Enter') {
      setOpen(false);
      document.querySelector<HTMLElement>('#_found .in-guide a, #_found .list a')?.focus();
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      if (open && completions.length > 0) setOpen(false);
      else {
        put('');
        box.current?.blur();
      }
    }
  };
  return (
    <search class="find js">
      <input
        ref={box}
        type="text"
        role="combobox"
        aria-label="Query"
        aria-expanded={completions.length > 0}
        aria-controls="_completions"
        aria-autocomplete="list"
        {...(completions[chosen] ? { 'aria-activedescendant': `_completion-${chosen}` } : {})}
        placeholder="closes:client fact:timeWait.holder=none"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setOpen(true);
          put(event.currentTarget.value);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={key}
      />
      {place.query !== '' && found !== undefined ? (
        <span class="hits" role="status">
          {found} of {results}
        </span>
      ) : (
        <kbd>/</kbd>
      )}
      <div class="suggest" id="_completions" role="listbox" aria-label="Completions" hidden={completions.length === 0}>
        {completions.map(({ token, results: count, query }, index) => (
          <div
            tabIndex={-1}
            id={`_completion-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseDown={(event) => {
              event.preventDefault();
              put(query);
            }}
          >
            {token}
            <i>{count === 0 ? '' : count}</i>
          </div>
        ))}
      </div>
    </search>
  );
};
