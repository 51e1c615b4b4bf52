/** What this program's own parsers and reports take, by tinybench: `make bench-self`. Prints a table; asserts nothing. */
import { Bench } from 'tinybench';
import { derive } from '../../src/facts/derive.ts';
import { parseSs } from '../../src/observers/sockets/ss-text.ts';
import { decoder } from '../../src/observers/trace/decode.ts';
import { decodePage, parseHeaderPage } from '../../src/observers/trace/page.ts';
import type { Event } from '../../src/record/event.ts';
import { readRun } from '../../src/record/read.ts';
import { markdownReport } from '../../src/report/markdown/report.ts';
import { reportOf } from '../../src/report/model/report.ts';
import { format, parse } from '../../src/tcp/segment.ts';
import { all, closedInTurn, flow, opened, scenarioEnds } from '../facts/handmade.ts';
import { keptRun } from '../kept.ts';
import { formatsOf, readsOf, readText } from '../observers/trace/captures.ts';
import { segments as anySegments, samples } from '../tcp/arbitrary.ts';

const lines = 20_000;
const segments = 1000;
const cells = 300;
const timeWaits = Array.from(
  { length: lines },
  (_, nth) =>
    `TIME-WAIT 0 0 127.0.0.1:${1024 + (nth % 60_000)} 127.64.0.${1 + (nth % 8)}:8000 timer:(timewait,${nth % 60}sec,0) ino:0 sk:${nth.toString(16)}`,
).join('\n');

const kernel = 'linux-6.18';
const layout = parseHeaderPage(readText(kernel, 'formats/header_page.txt'));
const decode = decoder(formatsOf(kernel), { origin: 0n });
const pages = readsOf(kernel, 'fin-ipv4').flatMap(({ cpu, pages: own }) => own.map((page) => ({ cpu, page })));
const traced = pages.reduce((sum, { page }) => sum + decodePage(page, layout).records.length, 0);

const made = samples(anySegments, segments);
const bytes = made.map((segment) => format(segment));

const one = flow();
const record: Event[] = [...opened(one, 1), ...closedInTurn(one, 'client', 10, 20), scenarioEnds(90)];

const whole = await readRun(process.argv[2] ?? keptRun);
const some = { ...whole, cells: whole.cells.slice(0, cells) };

interface Task {
  readonly name: string;
  /** How many of what one call takes. */
  readonly of: number;
  readonly unit: string;
  readonly work: () => unknown;
}
const tasks: readonly Task[] = [
  { name: 'parse what ss prints of TIME-WAITs', of: lines, unit: 'lines', work: () => parseSs(timeWaits) },
  {
    name: "decode the trace's pages",
    of: traced,
    unit: 'events',
    work: () => pages.map(({ cpu, page }) => decodePage(page, layout).records.map((each) => decode(each, cpu))),
  },
  { name: 'parse segments', of: segments, unit: 'segments', work: () => bytes.map((each) => parse(each)) },
  { name: 'format segments', of: segments, unit: 'segments', work: () => made.map((each) => format(each)) },
  { name: 'fold a record into facts', of: record.length, unit: 'events', work: () => derive(record, all) },
  {
    name: `report of ${some.cells.length} results`,
    of: 1,
    unit: 'reports',
    work: () => markdownReport(reportOf({ ...some })),
  },
];

const bench = new Bench({ time: 1000, warmupTime: 300, throws: true });
for (const { name, work } of tasks) bench.add(name, () => void work());
const done = await bench.run();
process.stdout.write('one call takes (median, 99 % of calls), and so many a second\n');
for (const [nth, { name, of, unit }] of tasks.entries()) {
  const result = done[nth]?.result;
  if (result?.state !== 'completed') throw new Error(`${name}: ${result?.state}`);
  const { p50, p99 } = result.latency;
  const rate = Math.round((of * 1000) / p50).toLocaleString('en');
  process.stdout.write(
    `${name.padEnd(40)} ${p50.toFixed(2).padStart(9)} ms ${p99.toFixed(2).padStart(9)} ms  ${rate} ${unit}/s\n`,
  );
}
