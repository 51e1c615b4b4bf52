/**
 * What whole commands of this program take, as processes: `make bench-self`. Prints a table, and of each aim whether it is reached;
 * asserts nothing, since a busy machine misses any. Each figure is the median of several; `node -e 0` before and after them says how
 * fast the machine is just now.
 */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenCpu } from '../../src/native/cpu.ts';
import { readRun } from '../../src/record/read.ts';
import type { CellRecord, RunRecord } from '../../src/record/schema.ts';
import { packageRoot } from '../../src/record/tool.ts';
import { median } from '../../src/stats/quantile.ts';
import { earlierRun, keptRun } from '../kept.ts';

/** Cells of `run --all`. */
const allCells = 6444;
const times = 5;
/** A short cell, whose connection closes at once. */
const shortCell = 'close-order/closes=client,by=end,data=idle,family=4,node=default';
/** So many repeats of it: what one costs, and what observers cost it, without the program's start. */
const repeats = 40;

const root = packageRoot();
const bin = join(root, 'src', 'bin.js');
const scratch = await mkdtemp(join(tmpdir(), 'lingerlab-bench-'));
const rusage = join(scratch, 'rusage');
/** Writes the most memory that a process had, in KiB, when it ends. */
const atExit = `data:text/javascript,import fs from 'node:fs';process.on('exit',()=>fs.writeFileSync(${JSON.stringify(rusage)},String(process.resourceUsage().maxRSS)))`;

interface Took {
  readonly ms: number;
  /** Of the process and all that it started. */
  readonly cpuMs: number;
  readonly memoryMiB: number;
}

/** Runs Node once; throws where it fails. */
async function once(args: readonly string[]): Promise<Took> {
  const [began, before] = [performance.now(), childrenCpu()];
  const { status, stderr } = spawnSync(process.execPath, ['--import', atExit, ...args], { encoding: 'utf8' });
  const ms = performance.now() - began;
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return { ms, cpuMs: (childrenCpu() - before) * 1000, memoryMiB: Number(await readFile(rusage, 'utf8')) / 1024 };
}

/** What a command is to take at most, on a quiet machine. */
type Aim = Partial<Took>;
const units = { ms: 'ms', cpuMs: 'ms CPU', memoryMiB: 'MiB' } as const;

function aimText(aim: Aim, took: Took): string {
  const parts = (Object.keys(units) as (keyof Took)[]).flatMap((what) => {
    const most = aim[what];
    if (most === undefined) return [];
    return [`at most ${most} ${units[what]}: ${took[what] <= most ? 'reached' : 'missed'}`];
  });
  return parts.length === 0 ? '' : `   ${parts.join(', ')}`;
}

interface Measuring {
  readonly prepare?: () => Promise<void>;
  readonly aim?: Aim;
}

async function measure(
  name: string,
  args: () => readonly string[],
  { prepare = async () => {}, aim = {} }: Measuring = {},
): Promise<void> {
  const took: Took[] = [];
  for (let nth = 0; nth < times; nth++) {
    await prepare();
    took.push(await once(args()));
  }
  const of = (what: keyof Took) => median(took.map((each) => each[what]));
  const middle: Took = { ms: of('ms'), cpuMs: of('cpuMs'), memoryMiB: of('memoryMiB') };
  const figures = (Object.keys(units) as (keyof Took)[]).map(
    (what) => `${middle[what].toFixed(0).padStart(7)} ${units[what]}`,
  );
  process.stdout.write(`${name.padEnd(44)}${figures.join('')}${aimText(aim, middle)}\n`);
}

/** The reference under other ids: each cell again and again, told apart by one more factor, until there are so many. */
async function repeated(folder: string, cells: number): Promise<string> {
  const { run, cells: some } = await readRun(folder);
  const ids = [...new Set(some.map(({ id }) => id))];
  const copies = Math.ceil(cells / ids.length);
  const idOf = (id: string, copy: number) => `${id}${id.includes('/') ? ',' : '/'}copy=${copy}`;
  const numbers = Array.from({ length: copies }, (_, index) => index + 1);
  const plan = numbers.flatMap((copy) => ids.map((id) => idOf(id, copy))).slice(0, cells);
  const planned = new Set(plan);
  const made: CellRecord[] = numbers.flatMap((copy) =>
    some.map((cell) => ({ ...cell, id: idOf(cell.id, copy), factors: { ...cell.factors, copy } })),
  );
  const experiments = run.experiments.map((each) => ({ ...each, factors: { ...each.factors, copy: numbers } }));
  const repeats = Object.fromEntries(
    Object.entries(run.repeats).flatMap(([id, count]) => numbers.map((copy) => [idOf(id, copy), count])),
  );
  const large: RunRecord = { ...run, experiments, plan, repeats, notRun: [] };
  const into = join(scratch, 'large');
  await mkdir(into);
  await writeFile(join(into, 'run.json'), JSON.stringify(large));
  const lines = made.filter(({ id }) => planned.has(id)).map((cell) => `${JSON.stringify(cell)}\n`);
  await writeFile(join(into, 'cells.ndjson'), lines.join(''));
  return into;
}

/** Unpacked, so that its report can be written beside it. */
async function copied(folder: string): Promise<string> {
  const { run, cells } = await readRun(folder);
  const into = join(scratch, 'reference');
  await mkdir(into);
  await writeFile(join(into, 'run.json'), JSON.stringify(run));
  await writeFile(join(into, 'cells.ndjson'), cells.map((cell) => `${JSON.stringify(cell)}\n`).join(''));
  return into;
}

/** A checkout with the packages of this one, and with nothing that is made from its sources: no bundle, no compiled code. */
async function checkout(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const each of ['src', 'experiments', 'package.json', 'tsconfig.json'])
    await cp(join(root, each), join(folder, each), { recursive: true });
  await mkdir(join(folder, 'node_modules'));
  for (const each of await readdir(join(root, 'node_modules')))
    if (each !== '.cache') await symlink(join(root, 'node_modules', each), join(folder, 'node_modules', each));
}

async function perCell(): Promise<void> {
  const folder = join(scratch, 'repeated');
  await once([bin, 'run', shortCell, '--repeat', String(repeats), '--out', folder, '--quiet']);
  const { run } = await readRun(folder);
  const short = run.sessions.at(-1)?.cpu?.short;
  if (!short) throw new Error('no cell was short');
  const ms = (seconds: number) => `${(seconds * 1000).toFixed(1)} ms`;
  const { harness, observers, peers } = short;
  process.stdout.write(
    `a short cell: ${ms(harness + observers + peers)} of CPU: harness ${ms(harness)}, observers ${ms(observers)}, peers ${ms(peers)}\n`,
  );
}

try {
  const [kept = keptRun, other = earlierRun] = process.argv.slice(2);
  const reference = await copied(kept);
  const large = await repeated(reference, allCells);
  const first = join(scratch, 'first');
  const clear = () => rm(first, { recursive: true, force: true });
  const fresh = join(scratch, 'checkout');
  const cold = async () => {
    await clear();
    await checkout(fresh);
  };
  process.stdout.write(
    `whole commands: wall time, CPU with all processes, most memory of the program; medians of ${times}\n`,
  );
  await measure('node -e 0', () => ['-e', '0']);
  const oneCell = (of: string) => () => [join(of, 'src', 'bin.js'), 'run', shortCell, '--out', first];
  await measure('run of one short cell, nothing made before', oneCell(fresh), { prepare: cold });
  await measure('run of one short cell', oneCell(root), { prepare: clear, aim: { ms: 800 } });
  await measure('list', () => [bin, 'list']);
  await measure('report of the reference', () => [bin, 'report', reference]);
  await measure('compare of the reference, twice', () => [bin, 'compare', reference, reference]);
  await measure('guide of the reference', () => [bin, 'guide', reference], { aim: { ms: 1000 } });
  await measure(`report of ${allCells} cells`, () => [bin, 'report', large], { aim: { ms: 3000, memoryMiB: 400 } });
  await measure(`compare of ${allCells} cells, twice`, () => [bin, 'compare', large, large]);
  await measure('compare of two kept runs', () => [bin, 'compare', reference, other]);
  await perCell();
  await measure('node -e 0', () => ['-e', '0']);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
