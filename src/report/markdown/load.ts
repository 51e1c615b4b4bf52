import { formatRatio, plural } from '../format.ts';
import type { Compared, Costs, Load, Series, Way } from '../model/load.ts';
import { besideReport } from './drawings.ts';
import { blocks, code, details, image, plain, table } from './text.ts';

/** The columns of the first table, by fact: the rate stands relative to its baseline. */
const columns = { 'cpu.usPerConnection': 'CPU', 'latency.p50Us': 'p50', 'latency.p99Us': 'p99' } as const;

const rate = 'rate.perSecond';

/** What each way came to under load against its baseline, with a chart; what it was in numbers, to open on a click. */
export function markdownLoad(load: Load, chart: string | undefined): string {
  const { facts, ways } = load;
  const compares = isCompared(load);
  const baselines = new Set(ways.flatMap(({ against }) => (against ? [against.baseline?.cell ?? ways[0]?.cell] : [])));
  const shown = (Object.keys(columns) as (keyof typeof columns)[]).filter((fact) => facts.includes(fact));
  const medianOf = (way: Load['ways'][number], fact: string): string => plain(way.medians[facts.indexOf(fact)] ?? '');
  const rows = ways.map((way) => [
    nameOf(way),
    way.against ? ratioText(way.against) : `${medianOf(way, rate)}${baselines.has(way.cell) ? ': the baseline' : ''}`,
    ...shown.map((fact) => medianOf(way, fact)),
  ]);
  return blocks(
    table(
      ['way', compares ? 'rate, of its baseline' : 'rate', ...shown.map((fact) => columns[fact])],
      rows,
      shown.map((_, index) => index + 2),
    ),
    chart !== undefined && image('Rate of each way relative to its baseline', `${besideReport}/${chart}`),
    details(
      `Rates and times with their spread, and costs${compares ? '; how they were compared' : ''}`,
      blocks(spreads(load), load.costs && costTable(load.costs)),
    ),
    load.series.length > 0 &&
      details('How rate, latency and TIME-WAIT went through the window', blocks(...load.series.map(through))),
  );
}

const nameOf = ({ cell, name }: Way): string => name.map(code).join(' ') || code(cell);

/** Whether any way was compared: there may be too few repeats, or other programs took too much of the machine. */
const isCompared = ({ ways }: Load): boolean => ways.some(({ against }) => against !== undefined);

function repeatsText({ repeats: [fewest, most] }: Load): string {
  return fewest === most ? plural(most, 'repeat') : `${fewest} to ${plural(most, 'repeat')}`;
}

/** Each measured fact with its spread, and how the ways were compared. */
function spreads(load: Load): string {
  const { facts, ways, margin, alpha } = load;
  return blocks(
    `Medians of ${repeatsText(load)}, and between which values they lie:`,
    table(
      ['way', ...facts.map(code)],
      ways.map((way) => [nameOf(way), ...way.values.map(plain)]),
      facts.map((_, index) => index + 1),
    ),
    isCompared(load) &&
      `Each way is compared with its baseline, repeat by repeat. A repeat that the experiment does not compare, as with a busy machine, still counts in the medians. The ratio has its interval at 95 %, which is not corrected for the number of comparisons. A way differs by more than ${margin * 100} % by Wilcoxon's test of signed ranks, corrected by Holm at α = ${alpha}.`,
  );
}

function costTable({ facts, saturated, ways }: Costs): string {
  return blocks(
    'What else it cost, at the median, times for one request; and which processes were CPU-bound, in how many results:',
    table(
      ['way', ...facts.map(code), code(saturated)],
      ways.map((way) => [
        nameOf(way),
        ...way.values.map(plain),
        way.saturated.map(({ what, times }) => `${what} ${times}`).join(', '),
      ]),
      facts.map((_, index) => index + 1),
    ),
  );
}

const words = { more: '**faster**', fewer: '**slower**', alike: 'alike', 'not shown': 'not significant' } as const;

function ratioText({ ratio, interval, differs, baseline }: Compared): string {
  const between = interval ? ` (${interval.map(formatRatio).join('–')})` : '';
  const than = baseline ? `, of ${nameOf(baseline)}` : '';
  return `${formatRatio(ratio)}${between}: ${words[differs]}${than}`;
}

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** A figure through the window, drawn from 0 to the largest of all ways. */
function through({ fact, text, ways }: Series): string {
  const rows = ways.map((way) => {
    const drawn = way.drawn.map((share) => bars[Math.round(share * (bars.length - 1))]).join('');
    return [nameOf(way), `\`${drawn}\``, way.first, way.last];
  });
  return blocks(
    `${code(fact)}: ${plain(text)}: medians of all repeats, drawn from 0 to the largest of all ways, with the quartiles at both ends`,
    table(['way', 'through the window', 'at its beginning', 'at its end'], rows),
  );
}
