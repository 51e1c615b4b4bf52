import { formatRatio } from '../format.ts';
import { line, px, xml } from '../ladder/marks.ts';
import { styleFor } from '../ladder/style.ts';
import type { Load, Way } from '../model/load.ts';
import { comparedTitle } from '../model/load-wording.ts';

const width = 760;
const nameWidth = 280;
const valueWidth = 150;
const rowHeight = 24;
const nameCharacters = 40;

const wayText = ({ cell, name }: Way): string => {
  const text = name.join(' ') || cell;
  return text.length > nameCharacters ? `${text.slice(0, nameCharacters - 1)}…` : text;
};

/**
 * Draws what was compared of each way relative to its baseline, with its interval, as an SVG that needs nothing else; undefined where nothing
 * was compared.
 */
export function ratesSvg({ ways, margin, compared: fact }: Load, title: string): string | undefined {
  const compared = ways.flatMap((way) => (way.against ? [{ way, against: way.against }] : []));
  if (compared.length === 0) return undefined;
  const ends = compared.flatMap(({ against: { ratio, interval } }) => interval ?? [ratio]);
  const most = Math.max(1, ...ends) * 1.05;
  const left = nameWidth;
  const right = width - valueWidth;
  // from 0: a bar twice as long is twice as much
  const at = (ratio: number): number => left + ((right - left) * ratio) / most;
  const top = 74;
  const bottom = top + rowHeight * compared.length;
  const height = bottom + 30;
  const rows = compared.map(({ way, against: { ratio, interval, baseline } }, index) => {
    const y = top + rowHeight * index;
    const middle = y + rowHeight / 2;
    const bar = `<rect x="${left}" y="${px(y + 5)}" width="${px(at(ratio) - left)}" height="${rowHeight - 10}" fill="#56b4e9"/>`;
    const whisker =
      interval &&
      `<path class="edge" d="M${px(at(interval[0]))} ${px(middle)}H${px(at(interval[1]))}M${px(at(interval[0]))} ${px(middle - 4)}v8M${px(at(interval[1]))} ${px(middle - 4)}v8"/>`;
    const than = baseline ? `, of ${wayText(baseline)}` : '';
    const value = `${formatRatio(ratio)}${than}`;
    return [
      `<g><title>${xml(`${wayText(way)}: ${value}`)}</title>${bar}${whisker ?? ''}</g>`,
      line({ x: left - 8, y: middle + 4 }, xml(wayText(way)), { anchor: 'end' }),
      line({ x: right + 8, y: middle + 4 }, xml(formatRatio(ratio)), { classes: 'tick' }),
    ].join('');
  });
  const first = ways.find(({ against }) => !against);
  const body = [
    `<rect class="paper" width="${width}" height="${height}"/>`,
    line({ x: 16, y: 24 }, xml(title), { classes: 'title' }),
    line({ x: 16, y: 44 }, `${comparedTitle(fact)}${first ? `: 1 is ${xml(wayText(first))}` : ''}`, {
      classes: 'dim',
    }),
    ...rows,
    `<path class="line dots" d="M${px(at(1))} ${top - 6}V${bottom + 4}"/>`,
    line({ x: at(1), y: top - 10 }, '1', { classes: 'dim', anchor: 'middle' }),
    line({ x: 16, y: bottom + 20 }, `Lines: intervals at 95 %. Within ${margin * 100} % of 1 counts as alike.`, {
      classes: 'dim',
    }),
  ].join('\n');
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" class="ladder" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${xml(title)}</title>`,
    `<style>${styleFor(body)}</style>`,
    body,
    '</svg>',
  ].join('\n')}\n`;
}
