import { useEffect, useState } from 'preact/hooks';
import type { PageIndex, PageRecord } from '../parts.ts';
import { hashOf, type Place, placeOf } from '../query.ts';

/** The page's data, unpacked: records are read when they are opened. */
export interface Data {
  readonly index: PageIndex;
  readonly record: (place: number) => PageRecord;
}

/** The lines of data that a page carries packed. */
export async function unpackLines(packed: string): Promise<string[]> {
  const text = atob(packed);
  const bytes = Uint8Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return (await new Response(stream).text()).split('\n');
}

/** Unpacks the data that a run's page carries. */
export async function unpack(packed: string): Promise<Data> {
  const lines = await unpackLines(packed);
  const records = new Map<number, PageRecord>();
  return {
    index: JSON.parse(lines[0] ?? '') as PageIndex,
    record: (place) => {
      const known = records.get(place) ?? (JSON.parse(lines[place + 1] ?? '{}') as PageRecord);
      records.set(place, known);
      return known;
    },
  };
}

/** The place that the address names. */
export const here = (): Place => placeOf(location.hash);

/** Goes to a place: what is not given stays. */
export function go(to: Partial<Place>, { replace = false } = {}): void {
  const hash = hashOf({ ...here(), ...to });
  if (hash === location.hash) return;
  if (replace) {
    history.replaceState(null, '', hash);
    dispatchEvent(new HashChangeEvent('hashchange'));
  } else location.hash = hash;
}

/** The place, which changes with the address. */
export function usePlace(): Place {
  const [place, set] = useState(here);
  useEffect(() => {
    const changed = (): void => set(here());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return place;
}

/** Puts text on the clipboard, and says so. */
export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // from a file, some browsers allow only this
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  say('copied');
}

let saying: ReturnType<typeof setTimeout> | undefined;

/** Says something for a moment. */
export function say(text: string): void {
  const old = document.querySelector('.toast');
  const toast = old ?? document.createElement('div');
  toast.className = 'toast';
  toast.setAttribute('role', 'status');
  toast.textContent = text;
  if (!old) document.body.append(toast);
  clearTimeout(saying);
  saying = setTimeout(() => toast.remove(), 1600);
}
