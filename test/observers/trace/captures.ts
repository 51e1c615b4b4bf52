import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { decoder, type TraceEvent } from '../../../src/observers/trace/decode.ts';
import { type EventFormat, parseFormat } from '../../../src/observers/trace/format.ts';
import { decodePage, type Page, parseHeaderPage } from '../../../src/observers/trace/page.ts';

const folder = new URL('../../fixtures/trace/', import.meta.url);
const pageSize = 4096;

/** Captured kernels: the folders of test/fixtures/trace. */
export const kernels = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

export const readText = (kernel: string, name: string): string =>
  readFileSync(new URL(`${kernel}/${name}`, folder), 'utf8');

export const formatOf = (kernel: string, event: string): EventFormat =>
  parseFormat(readText(kernel, `formats/${event}.txt`));

export const formatsOf = (kernel: string): EventFormat[] =>
  readdirSync(new URL(`${kernel}/formats/`, folder))
    .filter((name) => name !== 'header_page.txt')
    .map((name) => parseFormat(readText(kernel, `formats/${name}`)));

/** What the capturing program knew. */
export interface Known {
  readonly connections: readonly { readonly client: number; readonly server: number; readonly ends: string }[];
  readonly unheard?: readonly { readonly client: number; readonly server: number }[];
  readonly from: number;
  readonly to: number;
  readonly overrun: Readonly<Record<string, number>>;
}

/** The raw reads of one CPU. */
export interface Reads {
  readonly cpu: number;
  readonly pages: readonly Uint8Array[];
}

export const readsOf = (kernel: string, scene: string): Reads[] =>
  readdirSync(new URL(`${kernel}/`, folder)).flatMap((name) => {
    const cpu = new RegExp(`^${scene}\\.cpu(\\d+)\\.pages\\.gz$`).exec(name)?.[1];
    if (cpu === undefined) return [];
    const bytes = gunzipSync(readFileSync(new URL(`${kernel}/${name}`, folder)));
    const starts = Array.from({ length: bytes.length / pageSize }, (_, index) => index * pageSize);
    return [{ cpu: Number(cpu), pages: starts.map((start) => bytes.subarray(start, start + pageSize)) }];
  });

/** A capture decoded by what its kernel's formats say, events in the order of their times; those of one CPU are in order anyway. */
export function sceneOf(kernel: string, scene: string) {
  const known: Known = JSON.parse(readText(kernel, `${scene}.json`));
  const decode = decoder(formatsOf(kernel), { origin: 0n });
  const layout = parseHeaderPage(readText(kernel, 'formats/header_page.txt'));
  const pages: Page[] = [];
  const events: TraceEvent[] = [];
  for (const { cpu, pages: reads } of readsOf(kernel, scene)) {
    for (const read of reads) {
      const page = decodePage(read, layout);
      pages.push(page);
      for (const record of page.records) {
        const event = decode(record, cpu);
        if (event) events.push(event);
      }
    }
  }
  const text = gunzipSync(readFileSync(new URL(`${kernel}/${scene}.trace.txt.gz`, folder))).toString();
  return { known, pages, events: events.sort((a, b) => a.t - b.t), lines: text.trimEnd().split('\n') };
}

/** Names of the scenes that a kernel's folder has. */
export const scenesOf = (kernel: string): string[] =>
  readdirSync(new URL(`${kernel}/`, folder)).flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? []);
