import { formatNumber, formatSeconds } from '../../facts/values.ts';
import { changedBy, type LateProcess, latestOf } from '../../record/lateness.ts';
import type { CellRecord, Environment, Run, SessionCpu, Verdict, Warning, WireCost } from '../../record/schema.ts';
import { lateText } from '../detail.ts';
import { formatElapsed, plural } from '../format.ts';
import { type CellGroup, environmentOf, gatherCells } from '../gather.ts';

/** A code's warnings over a whole run. */
export interface WarningGroup {
  readonly code: string;
  readonly count: number;
  /** Each different text, in the order in which it came. */
  readonly texts: readonly string[];
  readonly remedy?: string;
  /** The cells that it came from; none where it is the run's own. */
  readonly cells: readonly string[];
}

/** Cells that share a reason for not having run. */
export interface ReasonGroup {
  readonly reason: string;
  readonly remedy?: string;
  readonly cells: readonly string[];
}

/** What a run did, in numbers and reasons. */
export interface Overview {
  readonly cells: {
    readonly planned: number;
    readonly ran: number;
    readonly unsupported: number;
    readonly errored: number;
  };
  /** Cells that the run has not come to: it was interrupted, or still runs. */
  readonly missing: readonly string[];
  /** How often a cell ran, all repeats together. */
  readonly repeats: number;
  readonly wallSeconds: number;
  readonly longest?: {
    readonly id: string;
    readonly seconds: number;
    /** What the run took, loads apart; absent where it was resumed, which takes as long as it takes. */
    readonly runSeconds?: number;
    /** A cell that errored took longer: it is the longest of those that ran. */
    readonly isOfRan: boolean;
  };
  /** Of the wall time, of cells that measured throughput, one after the other; 0 where there were none. */
  readonly loadSeconds: number;
  readonly cost?: Cost;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly unsupported: readonly ReasonGroup[];
  readonly errored: readonly ReasonGroup[];
  readonly warnings: readonly WarningGroup[];
  readonly late?: Late;
  /** Results of loads that take no part in their comparison: without a rate, or beside too much of other programs. */
  readonly leftOut: number;
  /** Claims and answers are judged when a session ends: of one that was cut off nothing is. */
  readonly isJudged: boolean;
}

/** Results of which a process was so late that it may have changed what the kernels did. */
export interface Late {
  readonly results: number;
  readonly of: number;
  readonly latest: LateProcess;
  /** The cells that they are of. */
  readonly cells: readonly string[];
}

/** What verdicts are to be read with: what warned, did not run, or was disturbed. `no warning, every cell ran` where nothing was. */
export function besideVerdicts({ warnings, cells, missing, leftOut, late }: Overview): string {
  const count = warnings.reduce((sum, each) => sum + each.count, 0);
  const notRun = [
    ...(cells.errored > 0 ? [`${plural(cells.errored, 'cell')} errored`] : []),
    ...(cells.unsupported > 0 ? [`${plural(cells.unsupported, 'cell')} unsupported`] : []),
    ...(missing.length > 0 ? [`${plural(missing.length, 'cell')} without a result`] : []),
  ];
  return [
    count === 0 ? 'no warning' : plural(count, 'warning'),
    ...(notRun.length > 0 ? notRun : ['every cell ran']),
    ...(late ? [`${plural(late.results, 'result')} delayed`] : []),
    ...(leftOut > 0 ? [`${plural(leftOut, 'result')} of loads not compared (other programs used the CPUs)`] : []),
  ].join(', ');
}

/** Everything about a run that is not about one experiment. */
export function overviewOf(run: Run, groups: readonly CellGroup[] = gatherCells(run)): Overview {
  const ran = groups.filter(({ status }) => status === 'ran');
  const errored = groups.filter(({ status }) => status === 'errored');
  const unsupported = unsupportedOf(run, groups);
  const reached = new Set([...groups.map(({ id }) => id), ...unsupported.map(({ id }) => id)]);
  const wallSeconds = wallSecondsOf(run);
  const cost = costOf(run);
  const [loads, others] = [true, false].map((wanted) =>
    groups.flatMap(({ ran }) => ran).filter(({ load = false }) => load === wanted),
  ) as [CellRecord[], CellRecord[]];
  const loadSeconds = loads.reduce((total, { seconds }) => total + seconds, 0);
  const late = lateOf(groups);
  const longest = others.reduce<{ id: string; seconds: number } | undefined>(longer, undefined);
  return {
    cells: {
      planned: new Set([...run.run.plan, ...reached]).size,
      ran: ran.length,
      unsupported: unsupported.length,
      errored: errored.length,
    },
    missing: run.run.plan.filter((id) => !reached.has(id)),
    repeats: groups.reduce((total, group) => total + group.ran.length, 0),
    wallSeconds,
    loadSeconds,
    ...(longest && {
      longest: {
        id: longest.id,
        seconds: longest.seconds,
        isOfRan: run.cells.some(({ status, seconds }) => status === 'errored' && seconds > longest.seconds),
        ...(run.run.sessions.length === 1 && { runSeconds: wallSeconds - loadSeconds }),
      },
    }),
    ...(cost && { cost }),
    verdicts: countVerdicts(run.run.experiments.flatMap(({ claims }) => claims)),
    unsupported: byReason(unsupported),
    errored: byReason(errored.map(notRunOf)),
    warnings: gatherWarnings(run, groups),
    ...(late && { late }),
    isJudged: run.run.experiments.some(({ answered, claims }) => answered !== null || claims.length > 0),
    leftOut: run.run.experiments.reduce((sum, { load }) => sum + (load?.leftOut ?? 0), 0),
  };
}

const longer = <T extends { seconds: number }>(longest: T | undefined, cell: T): T =>
  longest === undefined || cell.seconds > longest.seconds ? cell : longest;

/** How many of these have each verdict. */
export function countVerdicts(claims: readonly { readonly verdict: Verdict }[]): Record<Verdict, number> {
  const of = (verdict: Verdict): number => claims.filter((claim) => claim.verdict === verdict).length;
  return { confirmed: of('confirmed'), refuted: of('refuted'), inconclusive: of('inconclusive') };
}

interface NotRun {
  readonly id: string;
  readonly reason: string;
  readonly remedy?: string;
}

const notRunOf = ({ id, reason = '', remedy }: CellGroup): NotRun => ({
  id,
  reason,
  ...(remedy !== undefined && { remedy }),
});

/** Unsupported before the run by its plan, or found out by the cell; a cell that has run since is not. */
function unsupportedOf({ run }: Run, groups: readonly CellGroup[]): NotRun[] {
  const recorded = new Set(groups.filter(({ status }) => status !== 'unsupported').map(({ id }) => id));
  const all = new Map<string, NotRun>();
  for (const cell of run.notRun) if (!recorded.has(cell.id)) all.set(cell.id, cell);
  for (const group of groups)
    if (group.status === 'unsupported' && !all.has(group.id)) all.set(group.id, notRunOf(group));
  return [...all.values()];
}

function byReason(cells: readonly NotRun[]): ReasonGroup[] {
  const groups = Map.groupBy(cells, ({ reason, remedy }) => JSON.stringify([reason, remedy]));
  return [...groups.values()].map((group) => {
    const [{ reason, remedy }] = group as [NotRun];
    return { reason, ...(remedy && { remedy }), cells: group.map(({ id }) => id) };
  });
}

function gatherWarnings({ run, warnings: met = [] }: Run, groups: readonly CellGroup[]): WarningGroup[] {
  const all: (Warning & { cell?: string })[] = [...run.warnings, ...met];
  for (const { id, ran } of groups)
    for (const cell of ran) all.push(...cell.warnings.map((each) => ({ ...each, cell: id })));
  return [...Map.groupBy(all, ({ code }) => code)].map(([code, warnings]) => {
    const remedy = warnings.find((each) => each.remedy)?.remedy;
    const cells = warnings.flatMap(({ cell }) => (cell === undefined ? [] : [cell]));
    const texts = [...new Set(warnings.map(({ text }) => text))];
    return { code, count: warnings.length, texts, ...(remedy && { remedy }), cells: [...new Set(cells)] };
  });
}

function lateOf(groups: readonly CellGroup[]): Late | undefined {
  const ran = groups.flatMap((group) => group.ran);
  const late = ran.flatMap(({ id, late: each }) => {
    const latest = changedBy(each);
    return latest ? [{ id, latest }] : [];
  });
  const latest = latestOf(late.map((each) => each.latest));
  if (!latest) return undefined;
  return { results: late.length, of: ran.length, latest, cells: [...new Set(late.map(({ id }) => id))] };
}

/** `3 of 120 results were delayed; in the worst case client's process did not run for 1.02 s`, and what follows from it. */
export const lateResultsText = ({ results, of, latest }: Late): string =>
  `${results} of ${plural(of, 'result')} ${results === 1 ? 'was' : 'were'} delayed; in the worst case ${lateText(latest)}. A delayed result does not refute a claim`;

/** Over all sessions; a session that did not finish lasted until its last record at least. */
function wallSecondsOf({ run, cells }: Run): number {
  const ends = cells.map((cell) => Date.parse(cell.startedAt) + cell.seconds * 1000);
  return run.sessions.reduce((total, { startedAt, finishedAt }, index) => {
    const start = Date.parse(startedAt);
    const next = Date.parse(run.sessions[index + 1]?.startedAt ?? '9999-12-31T00:00:00Z');
    const own = ends.filter((end) => end >= start && end <= next);
    const end = finishedAt === null ? Math.max(start, ...own) : Date.parse(finishedAt);
    return total + Math.max(0, end - start) / 1000;
  }, 0);
}

/** Sysctls that the user asked for, by name. */
export const askedIn = ({ pinned = {} }: Partial<Environment> = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries(pinned).flatMap(([name, { asked, set }]) => (asked === undefined ? [] : [[name, set]])),
  );

/** So many settings stand beside the machine's name; the list of all sysctls has each. */
const mostSettings = 3;

/** `under net.ipv4.tcp_fin_timeout=10`. */
export function underText(asked: Readonly<Record<string, string>>): string {
  const all = Object.entries(asked).map(([name, value]) => `${name}=${/\s/.test(value) ? `"${value}"` : value}`);
  const more = all.length > mostSettings ? ` and ${plural(all.length - mostSettings, 'more setting')}` : '';
  return `under ${all.slice(0, mostSettings).join(', ')}${more}`;
}

/** What a guest's clock follows, after what it runs under. */
export const clockText = ({ clockRule }: Environment): string => (clockRule === 'virtual' ? ' in virtual time' : '');

/** The machine and the program in a few words, most telling first: `Linux 6.18.19`, `HZ 250`, `root`. */
export function setting(run: Run): string[] {
  const seen = environmentOf(run);
  const tool = `lingerlab ${run.run.tool.version}`;
  if (!seen) return [tool];
  const emulated = seen.accelerator === 'none' ? [] : [`under ${seen.accelerator}${clockText(seen)}`];
  const privilege = seen.privileged ? 'as root' : 'without root';
  const asked = askedIn(seen);
  return [
    tool,
    `Linux ${seen.kernel}`,
    `HZ ${seen.hz}`,
    ...emulated,
    `Node ${bare(seen.node)}`,
    `iproute2 ${bare(seen.iproute2)}`,
    privilege,
    ...(Object.keys(asked).length > 0 ? [underText(asked)] : []),
  ];
}

/** A version without what a program puts in front of it: `v24.21.0`, `iproute2-6.1.0`. */
export const bare = (version: string): string => version.replace(/^(v|iproute2-)(?=\w*\d)/, '');

type Parts = Pick<SessionCpu, 'harness' | 'observers' | 'peers'>;

type Short = Parts & { readonly results: number };

/** What a run cost the machine, all its sessions together, in seconds of CPU. */
export interface Cost extends Parts {
  /** Sessions that ended before they could say what they cost. */
  readonly unknown: number;
  /** Mean of the results that took less than 1 s; absent where none did. */
  readonly short?: Short;
  /** The same of those that ran over a wire. */
  readonly shortOnWire?: Short;
}

const parts = ['harness', 'observers', 'peers'] as const;

const total = (of: Parts): number => parts.reduce((sum, part) => sum + of[part], 0);

function summed(all: readonly (Parts & { readonly times: number })[]): Parts {
  const of = (part: keyof Parts) => all.reduce((sum, each) => sum + each[part] * each.times, 0);
  return { harness: of('harness'), observers: of('observers'), peers: of('peers') };
}

/** Sessions count by their results. */
function meanOf(all: readonly Short[]): Short | undefined {
  const results = all.reduce((sum, each) => sum + each.results, 0);
  if (results === 0) return undefined;
  return { ...summed(all.map((each) => ({ ...each, times: each.results / results }))), results };
}

/** The run's cost; undefined where no session says. */
export function costOf({ run: { sessions } }: Run): Cost | undefined {
  const known = sessions.flatMap(({ cpu }) => (cpu ? [cpu] : []));
  if (known.length === 0) return undefined;
  const short = meanOf(known.flatMap(({ short: each }) => each ?? []));
  const shortOnWire = meanOf(known.flatMap(({ shortOnWire: each }) => each ?? []));
  return {
    ...summed(known.map((each) => ({ ...each, times: 1 }))),
    unknown: sessions.length - known.length,
    ...(short && { short }),
    ...(shortOnWire && { shortOnWire }),
  };
}

const named = (of: Parts, unit: number): string =>
  parts.map((part) => `${part} ${formatNumber(of[part] * unit)}`).join(', ');

function meanText(what: string, short: Short | undefined): string[] {
  if (!short) return [];
  const whose = `${plural(short.results, 'result')} under 1 s: ${named(short, 1000)}`;
  return [`${what}: ${formatNumber(total(short) * 1000)} ms of CPU (mean of ${whose})`];
}

/**
 * `a short cell: 104 ms of CPU (mean of 456 results under 1 s: harness 12.0, observers 11.1, peers 81.0)`, and one on a wire,
 * which takes a process more; empty where there was none.
 */
export const shortText = ({ short, shortOnWire }: Cost): string =>
  [...meanText('a short cell', short), ...meanText('a short cell on a wire', shortOnWire)].join('; ');

/** `the other cells took 2 min 11 s; the longest took`, where there were loads; else `the longest cell took`. */
export function longestTook(loadSeconds: number, { runSeconds, isOfRan }: NonNullable<Overview['longest']>): string {
  const ran = isOfRan ? ' that ran' : '';
  return loadSeconds > 0 && runSeconds !== undefined
    ? `the other cells took ${formatElapsed(runSeconds)}; the longest${ran} took`
    : `the longest cell${ran} took`;
}

/** `49.1 s: harness 5.80, observers 8.20, peers 35.1`, and what is not in it. */
export function totalText(cost: Cost): string {
  const left = cost.unknown > 0 ? `, without ${plural(cost.unknown, 'session')} that ended too soon to say` : '';
  return `${formatSeconds(total(cost))}: ${named(cost, 1)}${left}`;
}

const roundTripText = ({ roundTripUs, addedP50Us }: WireCost): string => {
  if (!roundTripUs) return `adds ${formatNumber(addedP50Us)} µs to a round trip`;
  const { wire, veth } = roundTripUs;
  const one = ({ p50, p99 }: typeof wire) => `${formatNumber(p50)} µs (p99 ${formatNumber(p99)} µs)`;
  return `a round trip takes ${one(wire)}, on veth ${one(veth)}`;
};

/** `a round trip takes 59.2 µs (p99 132 µs), on veth 21.1 µs (p99 44.0 µs); 131k packets/s, 180 MB/s at MTU 1500`. */
export const wireCostText = (cost: WireCost): string =>
  `${roundTripText(cost)}; ${formatNumber(cost.packetsPerSecond / 1000)}k packets/s, ` +
  `${formatNumber(cost.megabytesPerSecond)} MB/s at MTU ${cost.mtu}`;
