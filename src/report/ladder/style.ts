import type { State } from '../../tcp/states.ts';

/**
 * Bands of states, in hues that people who see no red or no green tell apart (Okabe and Ito, Color Universal Design, 2008);
 * each has its name beside it. A state without a socket has no band.
 */
export const stateColors: Partial<Record<State, string>> = {
  'SYN-SENT': '#999999',
  'SYN-RECEIVED': '#999999',
  ESTABLISHED: '#009e73',
  'FIN-WAIT-1': '#56b4e9',
  'FIN-WAIT-2': '#0072b2',
  CLOSING: '#cc79a7',
  'TIME-WAIT': '#e69f00',
  'CLOSE-WAIT': '#f0e442',
  'LAST-ACK': '#d55e00',
};

const light = {
  paper: '#ffffff',
  ink: '#1f2328',
  dim: '#59636e',
  rule: '#d1d9e0',
  syn: '#006b4a',
  fin: '#0059a3',
  rst: '#a83e00',
  own: '#8b2f6b',
};

const dark = {
  paper: '#0d1117',
  ink: '#e6edf3',
  dim: '#9198a1',
  rule: '#3d444d',
  syn: '#46c9a2',
  fin: '#6cb6ff',
  rst: '#ff9a5c',
  own: '#e79ac9',
};

type Colors = typeof light;

/** Spelled out: many programs that draw SVG know no CSS variables. */
const painted = ({ paper, ink, dim, rule, ...kinds }: Colors): string =>
  `
.ladder text{fill:${ink}}
.ladder .paper{fill:${paper}}
.ladder .halo{stroke:${paper}}
.ladder .dim{fill:${dim}}
.ladder .line{stroke:${rule}}
.ladder .dots{stroke:${dim}}
.ladder .edge,.ladder .arrow,.ladder .blocked{stroke:${ink}}
.ladder .head{fill:${ink}}
.ladder .box{fill:${paper};stroke:${rule}}
${kind('ACK', dim)}
${kind('data', dim)}
${kind('SYN', kinds.syn)}
${kind('FIN', kinds.fin)}
${kind('RST', kinds.rst)}
.ladder .mark{stroke:${kinds.rst}}
.ladder path.alarm{fill:${kinds.rst};stroke:${paper}}
.ladder text.alarm{fill:${kinds.rst}}
.ladder .lost .note{fill:${kinds.rst}}
${kind('own', kinds.own)}`.trim();

const kind = (name: string, color: string): string =>
  `.ladder .${name} .arrow{stroke:${color}}.ladder .${name} .head,.ladder .${name} .note{fill:${color}}`;

/** Everything that a ladder's SVG may need to be drawn, in a light and a dark page. */
const ladderStyle = `
.ladder{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.ladder .halo{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}
.ladder .title{font-size:14px;font-weight:600}
.ladder .end{font-size:13px;font-weight:600}
.ladder .dim{font-size:11px}
.ladder .small{font-size:10px}
.ladder .tick{font-variant-numeric:tabular-nums}
.ladder .state,.ladder .flags{font-weight:600}
.ladder .line{fill:none;stroke-width:1}
.ladder .dots{stroke-dasharray:1 4}
.ladder .edge{fill:none;stroke-width:1.5}
.ladder .blocked{fill:none;stroke-width:3;stroke-dasharray:2 2}
.ladder .vague{stroke-dasharray:2 2}
.ladder .arrow{fill:none;stroke-width:1.4}
.ladder .own .arrow{stroke-dasharray:6 4}
.ladder .mark{fill:none;stroke-width:2.4;stroke-linecap:round}
.ladder .note{font-style:italic}
${painted(light)}
@media (prefers-color-scheme:dark){
${painted(dark)}
}`.trim();

/** The rules of the style that a drawing needs: those whose classes it has. */
export function styleFor(drawing: string): string {
  const used = new Set(
    ['ladder'].concat([...drawing.matchAll(/class="([^"]*)"/g)].flatMap(([, names = '']) => names.split(' '))),
  );
  const applies = (selector: string): boolean =>
    [...selector.matchAll(/\.([\w-]+)/g)].every(([, name = '']) => used.has(name));
  const needed = (rules: string): string =>
    [...rules.matchAll(/([^{}]+)(\{[^{}]*\})/g)]
      .map(([, selectors = '', body]) => {
        const own = selectors.split(',').filter(applies);
        return own.length === 0 ? '' : own.join(',') + body;
      })
      .join('');
  return ladderStyle
    .split('\n')
    .map((each) => (each.startsWith('@') || each === '}' ? each : needed(each)))
    .filter((each) => each !== '')
    .join('\n');
}
