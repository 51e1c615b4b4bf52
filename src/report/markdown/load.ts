import { formatRatio, plural } from '../format.ts';
import type { Compared, Costs, Load, Series, Way } from '../model/load.ts';
import { blocks, code, plain, table } from './text.ts';

/** What each way came to under load, against the first, and how it went through the window. */
export function markdownLoad(load: Load): string {
  const { compares, facts, ways, costs, series } = load;
  const [fewest, most] = load.repeats;
  const repeats = fewest === most ? plural(most, 'repeat') : `${fewest} to ${plural(most, 'repeat')}`;
  const rows = ways.map((way) => [
    nameOf(way),
    ...way.values.map(plain),
    ...(compares ? [way.against ? ratioText(way.against) : ''] : []),
  ]);
  const other = ways.some(({ against }) => against?.baseline) ? 'its baseline' : 'the first';
  return blocks(
    compares
      ? `**Under load**: medians of ${repeats}, and between which values they lie; against ${other}, repeat by repeat: the ratio with its interval at 95 %, and whether it differs by more than ${load.margin * 100} %, by Wilcoxon's test of signed ranks, corrected by Holm at α = ${load.alpha}.`
      : '**Under load**:',
    table(
      ['way', ...facts.map(code), ...(compares ? [`against ${other}`] : [])],
      rows,
      facts.map((_, index) => index + 1),
    ),
    costs && costTable(costs),
    ...series.map(through),
  );
}

const nameOf = ({ cell, name }: Way): string => name.map(code).join(' ') || code(cell);

function costTable({ facts, saturated, ways }: Costs): string {
  return blocks(
    'What it cost besides, at the median, times for one request; and who was at its end, of how many results:',
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

const words = { more: '**more**', fewer: '**fewer**', alike: 'as many', 'not shown': 'open' } as const;

function ratioText({ ratio, interval, differs, baseline }: Compared): string {
  const between = interval ? ` (${interval.map(formatRatio).join(' to ')})` : '';
  const than = baseline ? `, against ${nameOf(baseline)}` : '';
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
