import { formatNumber } from '../../facts/values.ts';
import { formatRatio } from '../format.ts';
import type { Compared, Costs, Load, Series, Way } from '../model/load.ts';
import {
  comparedTitle,
  costsTitle,
  isCompared,
  methodText,
  notes,
  numbersTitle,
  spreadsTitle,
  throughTitle,
  windowTitle,
  wordsOf,
} from '../model/load-wording.ts';
import { besideReport } from './drawings.ts';
import { blocks, code, details, image, plain, table } from './text.ts';

/** The columns of the first table, by fact, beside what is compared, which stands relative to its baseline. */
const columns = {
  'rate.perSecond': 'rate',
  'cpu.usPerConnection': 'CPU',
  'latency.p50Us': 'p50',
  'latency.p99Us': 'p99',
} as const;

/** What each way came to under load against its baseline, with a chart; what it was in numbers, to open on a click. */
export function markdownLoad(load: Load, chart: string | undefined): string {
  const { facts, ways } = load;
  const compares = isCompared(load);
  const baselines = new Set(ways.flatMap(({ against }) => (against ? [against.baseline?.cell ?? ways[0]?.cell] : [])));
  const { of } = wordsOf(load.compared);
  const shown = (Object.keys(columns) as (keyof typeof columns)[]).filter(
    (fact) => facts.includes(fact) && fact !== load.compared,
  );
  const medianOf = (way: Load['ways'][number], fact: string): string => plain(way.medians[facts.indexOf(fact)] ?? '');
  const rows = ways.map((way) => [
    nameOf(way),
    way.against
      ? ratioText(way.against, load)
      : `${medianOf(way, load.compared)}${baselines.has(way.cell) ? ': the baseline' : ''}`,
    ...shown.map((fact) => relativeText(way, fact) ?? medianOf(way, fact)),
  ]);
  return blocks(
    table(
      ['way', compares ? `${of}, relative to its baseline` : of, ...shown.map((fact) => columns[fact])],
      rows,
      shown.map((_, index) => index + 2),
    ),
    compares && notes(load),
    ways.some((way) => shown.some((fact) => relativeText(way, fact))) &&
      `The columns ${new Intl.ListFormat('en-GB').format(shown.map((fact) => columns[fact]))} have multiples of the baseline, too: medians over the pairs of a repeat and its baseline.`,
    chart !== undefined && image(comparedTitle(load.compared), `${besideReport}/${chart}`),
    details(numbersTitle(load), blocks(spreads(load), load.costs && costTable(load.costs))),
    load.series.length > 0 && details(windowTitle, blocks(...load.series.map(through))),
  );
}

/** Times as much as at the baseline; undefined for a way that has none. */
function relativeText({ relative }: Load['ways'][number], fact: string): string | undefined {
  const ratio = relative?.[fact];
  return ratio === undefined ? undefined : `${formatNumber(ratio)} ×`;
}

const nameOf = ({ cell, name }: Way): string => name.map(code).join(' ') || code(cell);

/** Each measured fact with its spread, and how the ways were compared. */
function spreads(load: Load): string {
  const { facts, ways } = load;
  const compares = isCompared(load);
  return blocks(
    `${spreadsTitle(load)}:`,
    table(
      ['way', ...facts.map(code), ...(compares ? ['compared'] : [])],
      ways.map((way) => [
        nameOf(way),
        ...way.values.map(plain),
        ...(compares ? [way.against ? String(way.against.pairs) : ''] : []),
      ]),
      facts.map((_, index) => index + 1),
    ),
    compares && methodText(load),
  );
}

function costTable({ facts, saturated, ways }: Costs): string {
  return blocks(
    `${costsTitle}:`,
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

function ratioText({ ratio, interval, differs, baseline }: Compared, { compared }: Load): string {
  const word = wordsOf(compared).differs[differs];
  const between = interval ? ` (${interval.map(formatRatio).join('–')})` : '';
  const than = baseline ? `, of ${nameOf(baseline)}` : '';
  return `${formatRatio(ratio)}${between}: ${differs === 'more' || differs === 'fewer' ? `**${word}**` : word}${than}`;
}

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** A figure through the window, drawn from 0 to the largest of all ways. */
function through({ fact, text, ways }: Series): string {
  const rows = ways.map((way) => {
    const drawn = way.drawn.map((share) => bars[Math.round(share * (bars.length - 1))]).join('');
    return [nameOf(way), `\`${drawn}\``, way.first, way.last];
  });
  return blocks(
    `${code(fact)}: ${plain(text)}: ${throughTitle}`,
    table(['way', 'during the measurement', 'at its beginning', 'at its end'], rows),
  );
}
