import { gapText, omittedText, pauseText } from '../../report/ladder/counts.ts';
import { ladderOf } from '../../report/ladder/ladder.ts';
import type { AsideRow, Ladder, LadderRow, SegmentRow, StateRow } from '../../report/ladder/parts.ts';
import { isCorrupt, isPacket, type Wired } from '../../report/ladder/parts.ts';
import { isHeld, isOwn, purposeOf } from '../../report/ladder/segment.ts';
import { type LadderWords, partsOf, wordsFor } from '../../report/ladder/words.ts';
import type { End, State } from '../../tcp/states.ts';
import { stateClass } from './lanes.tsx';
import { At } from './text.tsx';

interface Held {
  readonly state: State;
  readonly mini: boolean;
}

/** What a row of a ladder looks like: beside each end the states that it is in. */
interface Line {
  readonly row: LadderRow;
  readonly states: Readonly<Record<End, readonly (Held | undefined)[]>>;
  /** The states that begin here, by end and connection. */
  readonly begins: StateRow | undefined;
}

/** More connections share a column. */
const mostColumns = 3;

function linesOf(ladder: Ladder): Line[] {
  const labels = ladder.labels.slice(0, mostColumns);
  const held = new Map<string, Held>();
  return ladder.rows.map((row) => {
    const begins = row.kind === 'state' ? row : undefined;
    if (begins)
      held.set(`${begins.end} ${begins.label}`, { state: begins.step.state, mini: begins.step.mini === true });
    const of = (end: End) => labels.map((label) => held.get(`${end} ${label}`));
    return { row, states: { client: of('client'), server: of('server') }, begins };
  });
}

/** The segments between two ends, with their states down the sides, in the order of time. */
export const LadderFigure = ({ wired }: { readonly wired: Wired }) => {
  const ladder = ladderOf(wired);
  const words = wordsFor(ladder);
  return (
    <div class="ladder">
      <div class="rung head" aria-hidden="true">
        <span class="time">time</span>
        <b class="of client">client</b>
        <span class="wire">wire</span>
        <b class="of server">server</b>
      </div>
      <ol data-roving="ladder">
        {linesOf(ladder).map((line, index) => (
          <Rung line={line} ladder={ladder} words={words} isFirst={index === 0} />
        ))}
      </ol>
      {words.numbers === undefined ? null : (
        <p class="note">Numbers count from each connection's own first: {words.numbers}.</p>
      )}
    </div>
  );
};

const Rung = ({
  line: { row, states, begins },
  ladder,
  words,
  isFirst,
}: {
  readonly line: Line;
  readonly ladder: Ladder;
  readonly words: LadderWords;
  readonly isFirst: boolean;
}) => {
  const side = (end: End) => (
    <span class={`of ${end}`}>
      {row.kind === 'state' && row.end === end ? <StateText row={row} words={words} /> : null}
      {row.kind === 'aside' && row.end === end && !isPacket(row) ? <AsideText row={row} words={words} /> : null}
    </span>
  );
  const band = (end: End) => (
    <span class={`bands ${end}`} aria-hidden="true">
      {states[end].map((each, index) => {
        const entered =
          begins?.end === end && ladder.labels[index] === begins.label ? ` enters ${begins.step.evidence}` : '';
        const own = each && each.state !== 'CLOSED' ? `${stateClass(each.state)}${each.mini ? ' mini' : ''}` : 'none';
        return <i class={`${own}${entered}`} />;
      })}
    </span>
  );
  return (
    <li class={`rung is-${row.kind}`} data-k={keyOf(row)} tabIndex={isFirst ? 0 : -1}>
      <span class="time">{timeOf(row, words)}</span>
      {side('client')}
      {band('client')}
      <span class="wire">
        <Wire row={row} words={words} />
      </span>
      {band('server')}
      {side('server')}
    </li>
  );
};

const keyOf = (row: LadderRow): string => {
  if (row.kind === 'segment') return `n${row.segments[0].n}`;
  if (row.kind === 'arrival') return `n${row.of.segments[0].n}`;
  if (row.kind === 'state') return `${row.label === '' ? '' : `${row.label}.`}${row.end}:${row.step.state}`;
  return '';
};

function timeOf(row: LadderRow, words: LadderWords): string {
  return row.kind === 'segment' || row.kind === 'arrival' || (row.kind === 'aside' && isPacket(row))
    ? words.time(row.at)
    : '';
}

const StateText = ({ row, words }: { readonly row: StateRow; readonly words: LadderWords }) => (
  <>
    <b>{words.state(row)}</b>
    {words.entered(row).map((text) => (
      <small>{text}</small>
    ))}
  </>
);

const AsideText = ({ row, words }: { readonly row: AsideRow; readonly words: LadderWords }) => {
  const [first = '', ...rest] = words.aside(row);
  return (
    <>
      <em class={isCorrupt(row) ? 'alarm' : ''}>{first}</em>
      {rest.map((text) => (
        <small>{text}</small>
      ))}
    </>
  );
};

const Wire = ({ row, words }: { readonly row: LadderRow; readonly words: LadderWords }) => {
  switch (row.kind) {
    case 'pause':
      return <span class="across pause-text">{pauseText(row)}</span>;
    case 'gap':
      return <span class="across boxed">{gapText(row)}</span>;
    case 'omitted':
      return <span class="across boxed">{omittedText(row)}</span>;
    case 'begins':
      return <span class="across boxed begins-text">{words.begins(row)}</span>;
    case 'run':
      return (
        <span class={`segment ${purposeOf(row.segments[0])}`}>
          <span class="label">{words.run(row)}</span>
          <Shaft row={row} />
        </span>
      );
    case 'segment':
      return <Segment row={row} words={words} />;
    case 'arrival':
      return (
        <span class={`segment ${purposeOf(row.of.segments[0])}`}>
          <span class="label half">{words.arrival(row)} arrives</span>
          <Shaft row={row.of} arriving />
        </span>
      );
    case 'aside':
      return isPacket(row) ? <Packet row={row} words={words} /> : null;
    default:
      return null;
  }
};

const Segment = ({ row, words }: { readonly row: SegmentRow; readonly words: LadderWords }) => {
  const [segment] = row.segments;
  const label = words.label(segment);
  const [, ...rest] = partsOf(label);
  const deed = words.deed(segment);
  return (
    <span
      class={`segment ${purposeOf(segment)}${isOwn(segment) ? ' own' : ''}${deed === '' ? '' : ` deed-${segment.deed.do.replaceAll(' ', '-')}`}`}
    >
      <span class="label">
        {label.name}
        <b>{label.flags || 'no flags'}</b> {rest.join(' ')}
      </span>
      <Shaft row={row} />
      {deed === '' ? null : <span class="deed">{deed}</span>}
    </span>
  );
};

/** A packet that is no segment, from the wire to an end. */
const Packet = ({ row, words }: { readonly row: AsideRow; readonly words: LadderWords }) => {
  const [first = '', ...rest] = words.aside(row);
  const toClient = row.end === 'client';
  return (
    <span class="segment RST own">
      <span class="label">{first}</span>
      <svg class="shaft" width="100%" height="14" aria-hidden="true">
        <circle class="origin" cx="50%" cy="4" r="3" />
        <line x1="50%" x2={toClient ? '0%' : '100%'} y1="4" y2="11" marker-end="url(#head-own)" />
      </svg>
      <span class="deed">{rest.join(', ')}</span>
    </span>
  );
};

/** An arrow: whole, to where it was lost or held, or from there on. */
const Shaft = ({ row, arriving = false }: { readonly row: SegmentRow; readonly arriving?: boolean }) => {
  const [segment] = row.segments;
  const toServer = segment.from === 'client';
  const [near, far] = toServer ? ['0%', '100%'] : ['100%', '0%'];
  const own = isOwn(segment);
  const lost =
    segment.arrived === undefined &&
    !isHeld(segment) &&
    !own &&
    segment.deed.do !== 'carried' &&
    row.kind === 'segment';
  const leaves = row.split && !arriving;
  const from = own || arriving ? '50%' : near;
  const to = lost || leaves ? '50%' : far;
  const head = own ? 'own' : purposeOf(segment);
  const whole = !lost && !leaves;
  return (
    <svg class="shaft" width="100%" height="14" aria-hidden="true">
      <line
        x1={from}
        x2={to}
        y1={own || arriving ? 4 : 2}
        y2={own ? 11 : whole ? 11 : 8}
        {...(whole ? { 'marker-end': `url(#head-${head})` } : {})}
      />
      {own ? <circle class="origin" cx="50%" cy="4" r="3.2" /> : null}
      {lost ? (
        <At x="50%" y={8}>
          <path class="lost" d="M-5 -5L5 5M5 -5L-5 5" />
        </At>
      ) : null}
      {leaves && !lost ? (
        <At x="50%" y={8}>
          <circle class="waits" r="3" />
        </At>
      ) : null}
    </svg>
  );
};
