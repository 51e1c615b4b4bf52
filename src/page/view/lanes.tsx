import { type End, ends, type State } from '../../tcp/states.ts';
import { type Arrow, type Band, bandHeight, type Label, type Lanes, type Mark, miniHeight, rowsAt } from '../lanes.ts';
import { At } from './text.tsx';

const at = (share: number): string => `${Math.round(share * 10_000) / 100}%`;
const widthOf = (share: number): string => at(Math.max(0, share));

/** The widths in which a text is shown, as classes. */
const shown = ({ at: places }: Label): string => places.map((place) => `w${place}`).join(' ');

const top: Readonly<Record<End, number>> = { client: rowsAt.clientBand, server: rowsAt.serverBand };

/** The colour of a state's band, as a class. */
export const stateClass = (state: State): string => `s-${state}`;

/** Both ends' states on one axis of time, with calls and what ss showed. */
export const LanesFigure = ({ lanes }: { readonly lanes: Lanes }) => (
  <div class="lanes">
    <div class="lane-names" aria-hidden="true">
      <b style={`top:${rowsAt.clientBand + 2}px`}>client</b>
      <b style={`top:${rowsAt.serverBand + 2}px`}>server</b>
    </div>
    <svg class="lane-draw" height={rowsAt.height} width="100%" role="img" aria-label={summary(lanes)}>
      {lanes.ticks.map((x) => (
        <line class="guide" x1={at(x)} x2={at(x)} y1={rowsAt.gaps + 5} y2={rowsAt.serverBand + bandHeight} />
      ))}
      <line
        class="dim-line"
        x1={at(lanes.gaps[0]?.from ?? 0)}
        x2={at(lanes.gaps.at(-1)?.to ?? 0)}
        y1={rowsAt.gaps + 4}
        y2={rowsAt.gaps + 4}
      />
      {lanes.gaps.map((gap) => (
        <>
          {gap.cut ? (
            <line class="dim-line cut" x1={at(gap.from)} x2={at(gap.to)} y1={rowsAt.gaps + 4} y2={rowsAt.gaps + 4} />
          ) : null}
          {gap.labels.map((label) => (
            <text class={`dim ${shown(label)}`} x={at((gap.from + gap.to) / 2)} y={rowsAt.gaps} text-anchor="middle">
              {label.text}
            </text>
          ))}
        </>
      ))}
      {ends.flatMap((end) => lanes.bands[end].map((band) => <BandMark band={band} end={end} />))}
      {lanes.arrows.map((arrow) => (
        <ArrowMark arrow={arrow} />
      ))}
      {lanes.marks.map((mark) => (
        <PointMark mark={mark} />
      ))}
    </svg>
  </div>
);

/** What the drawing shows, for a reader who does not see it; times are in the list of what happened. */
const summary = ({ bands }: Lanes): string =>
  ends.map((end) => `${end}: ${bands[end].map(({ state }) => state).join(', ') || 'no state'}`).join('; ');

const BandMark = ({ band, end }: { readonly band: Band; readonly end: End }) => {
  const { state, from, to, mini, goesOn, since, before, evidence, key } = band;
  const height = mini ? miniHeight : bandHeight;
  const y = top[end] + (bandHeight - height) / 2;
  const width = to - from;
  if (state === 'CLOSED')
    return (
      <g data-k={key}>
        <Unknown since={since} from={from} end={end} before={before} state={state} evidence={evidence} />
        <line class="closed" x1={at(from)} x2={at(to)} y1={top[end] + bandHeight / 2} y2={top[end] + bandHeight / 2} />
        <Edge x={from} end={end} evidence={evidence} />
        {band.labels.map((label) => (
          <text
            class={`closed-name ${shown(label)}`}
            x={at((from + to) / 2)}
            y={top[end] + bandHeight / 2 + 4}
            text-anchor="middle"
          >
            {label.text}
          </text>
        ))}
      </g>
    );
  return (
    <g data-k={key}>
      <rect class={`band ${stateClass(state)}`} x={at(from)} y={y} width={widthOf(width)} height={height} />
      {goesOn ? (
        <rect
          class="fade"
          x={at(Math.max(from, to - 0.07))}
          y={y - 1}
          width={widthOf(Math.min(0.07, width))}
          height={height + 2}
        />
      ) : null}
      <Unknown since={since} from={from} end={end} before={before} state={state} evidence={evidence} />
      {from === 0 ? null : <Edge x={from} end={end} evidence={evidence} />}
      {band.labels.map((label) => (
        <text
          class={`state on-${state} ${shown(label)}`}
          x={at(from + (to - from) / 2)}
          y={top[end] + bandHeight / 2 + 4}
          text-anchor="middle"
        >
          {label.text}
        </text>
      ))}
    </g>
  );
};

/** A boundary: exact as a sharp line, sampled as a dotted one. */
const Edge = ({ x, end, evidence }: { readonly x: number; readonly end: End; readonly evidence: Band['evidence'] }) => (
  <line class={`edge ${evidence}`} x1={at(x)} x2={at(x)} y1={top[end] - 2} y2={top[end] + bandHeight + 2} />
);

/** Where a boundary may lie: stripes of both states between two exact events, dots between two samples. */
const Unknown = ({
  since,
  from,
  end,
  before,
  state,
  evidence,
}: {
  readonly since: number | undefined;
  readonly from: number;
  readonly end: End;
  readonly before: State | undefined;
  readonly state: State;
  readonly evidence: Band['evidence'];
}) => {
  if (since === undefined || before === undefined || evidence === 'exact') return null;
  const y = top[end];
  const bracket = (x: number, turn: 1 | -1) => (
    <At x={at(x)} y={y - 3}>
      <path class="bracket" d={`M${4 * turn} 0H0V${bandHeight + 6}H${4 * turn}`} />
    </At>
  );
  const diamond = (x: number) => (
    <At x={at(x)} y={y + bandHeight / 2}>
      <path class="look" d="M0 -5L5 0L0 5L-5 0Z" />
    </At>
  );
  return (
    <>
      <rect
        class={`band ${stateClass(before)}`}
        x={at(since)}
        y={y}
        width={widthOf(from - since)}
        height={bandHeight}
      />
      <rect
        class={state === 'CLOSED' ? 'to-closed' : stateClass(state)}
        mask={`url(#in-${evidence === 'bracketed' ? 'stripes' : 'dots'})`}
        x={at(since)}
        y={y}
        width={widthOf(from - since)}
        height={bandHeight}
      />
      {evidence === 'bracketed' ? bracket(since, 1) : diamond(since)}
      {evidence === 'bracketed' ? bracket(from, -1) : diamond(from)}
    </>
  );
};

const ArrowMark = ({ arrow: { from, segment, x1, x2, labels } }: { readonly arrow: Arrow }) => {
  const [y1, y2] = from === 'client' ? [rowsAt.arrows, rowsAt.serverBand - 1] : [rowsAt.serverBand, rowsAt.arrows + 1];
  const share = segment === 'ACK' ? 0.5 : 0.32;
  return (
    <g class={`implied ${segment}`}>
      <line x1={at(x1)} x2={at(x2)} y1={y1} y2={y2} marker-end={`url(#head-${segment})`} />
      {labels.map((label) => (
        <text
          class={`halo ${shown(label)}`}
          x={at(x1 + (x2 - x1) * share)}
          y={y1 + (y2 - y1) * share + 4}
          text-anchor="middle"
        >
          {label.text}
        </text>
      ))}
    </g>
  );
};

/** A call as a triangle that points at its end's states, a look of ss as a diamond. */
const PointMark = ({ mark: { end, kind, x, labels, key } }: { readonly mark: Mark }) => {
  const y = end === 'client' ? rowsAt.client - 4 : rowsAt.server - 4;
  const glyph = kind === 'look' ? 'M0 -4.5L4.5 0L0 4.5L-4.5 0Z' : end === 'client' ? 'M-4 -4H4L0 4Z' : 'M-4 4H4L0 -4Z';
  return (
    <g data-k={key}>
      <At x={at(x)} y={y}>
        <path class={kind} d={glyph} />
      </At>
      {labels.map((label) => (
        <At x={at(x)} y={y} class={shown(label)}>
          <text
            class={kind === 'call' ? 'mono' : ''}
            x={label.toLeft ? -8 : 8}
            y={4}
            text-anchor={label.toLeft ? 'end' : 'start'}
          >
            {label.text}
          </text>
        </At>
      ))}
    </g>
  );
};

/** What drawings refer to: heads of arrows, stripes and dots. Once on a page. */
export const Definitions = () => (
  <svg class="defs" width="0" height="0" aria-hidden="true">
    <defs>
      {['FIN', 'ACK', 'RST', 'SYN', 'data', 'own'].map((kind) => (
        <marker
          id={`head-${kind}`}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto-start-reverse"
        >
          <path class={`head ${kind}`} d="M0 0.5L8 4L0 7.5Z" />
        </marker>
      ))}
      <pattern id="stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect fill="#fff" width="3.5" height="7" />
      </pattern>
      <pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse">
        <circle fill="#fff" cx="3" cy="3" r="1.6" />
      </pattern>
      {['stripes', 'dots'].map((pattern) => (
        <mask id={`in-${pattern}`} maskUnits="userSpaceOnUse" x="0" y="0" width="4000" height="400">
          <rect width="4000" height="400" fill={`url(#${pattern})`} />
        </mask>
      ))}
      <linearGradient id="fade">
        <stop class="stop-out" offset="0" stop-opacity="0" />
        <stop class="stop-out" offset="1" stop-opacity="1" />
      </linearGradient>
    </defs>
  </svg>
);

/** What lines and patterns mean. */
export const LanesKey = () => (
  <ul class="key lanes-key">
    <li>
      <i class="k-exact" /> <b>exact</b> to the nanosecond
    </li>
    <li>
      <i class="k-bracketed" /> <b>bracketed</b> between two exact events
    </li>
    <li>
      <i class="k-sampled" /> <b>sampled</b> between two looks of ss
    </li>
    <li>
      <i class="k-thin" /> <b>thin</b> a mini-socket: no process holds it
    </li>
    <li>
      <i class="k-implied" /> <b>dashed</b> a segment that the states imply: there is no capture
    </li>
    <li>
      <i class="k-call">▼</i> a call <i class="k-call">◇</i> a look of ss
    </li>
  </ul>
);
