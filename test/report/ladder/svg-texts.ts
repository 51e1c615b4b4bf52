/** A text of an SVG as it is drawn: a line from where it begins to where it ends, px. */
export interface DrawnText {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly x: number;
  readonly y: number;
  /** px down for each px to the right. */
  readonly slope: number;
}

/** Width of a character in font sizes: digits of DejaVu Sans, the widest font of those that ladders name, take 0.64; bold ones 0.70. */
const wide = { plain: 0.6, bold: 0.66 };
const entities: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"' };

const sizeOf = (classes: readonly string[]): number =>
  classes.includes('title') ? 14 : classes.includes('end') ? 13 : classes.includes('dim') ? 11 : 12;

/** The texts of a ladder's SVG with conservative widths. */
export function textsOf(svg: string): DrawnText[] {
  return [...svg.matchAll(/<text x="([\d.-]+)" y="([\d.-]+)"([^>]*)>(.*?)<\/text>/g)].map(
    ([, atX, atY, attributes = '', content = '']) => {
      const [x, y] = [Number(atX), Number(atY)];
      const text = content.replace(/<[^>]*>/g, '').replace(/&\w+;/g, (entity) => entities[entity] ?? entity);
      const classes = (/class="([^"]*)"/.exec(attributes)?.[1] ?? '').split(' ');
      const isBold = ['title', 'end', 'state'].some((name) => classes.includes(name));
      const width = text.length * sizeOf(classes) * (isBold ? wide.bold : wide.plain);
      const anchor = /text-anchor="(\w+)"/.exec(attributes)?.[1];
      const left = anchor === 'middle' ? x - width / 2 : anchor === 'end' ? x - width : x;
      const turn = Number(/rotate\(([\d.-]+)/.exec(attributes)?.[1] ?? 0);
      return { text, left, right: left + width, x, y, slope: Math.tan((turn * Math.PI) / 180) };
    },
  );
}

/** How far apart the base lines of two texts are where one is above the other; Infinity where neither is. */
export function apart(a: DrawnText, b: DrawnText): number {
  const [from, to] = [Math.max(a.left, b.left), Math.min(a.right, b.right)];
  if (to - from <= 1) return Number.POSITIVE_INFINITY;
  const heightAt = ({ x, y, slope }: DrawnText, at: number): number => y + (at - x) * slope;
  const [first, last] = [from, to].map((at) => heightAt(a, at) - heightAt(b, at)) as [number, number];
  return first * last <= 0 ? 0 : Math.min(Math.abs(first), Math.abs(last));
}
