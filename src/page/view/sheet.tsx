import { useEffect, useRef } from 'preact/hooks';
import { withoutRole } from '../../facts/roles.ts';
import { formatFact, formatSeconds } from '../../facts/values.ts';
import type { Declaration, FactValue } from '../../record/fact.ts';
import { distribution, formatDistribution } from '../../report/format.ts';
import { ladderSvg } from '../../report/ladder/svg.ts';
import { verdictMarks } from '../../report/model/claims.ts';
import { type State, states } from '../../tcp/states.ts';
import { filterOf, mermaidOf } from '../copies.ts';
import { lanesOf, type TimeScale, timeScales } from '../lanes.ts';
import type { PageRecord, PageResult } from '../parts.ts';
import { cellIn, factorsOf, hashOf, targetOf } from '../query.ts';
import { storyOf } from '../story.ts';
import { LadderFigure } from './ladder.tsx';
import { LanesFigure, LanesKey, stateClass } from './lanes.tsx';
import { copy, type Data, go, usePlace } from './state.ts';
import { Command, Text } from './text.tsx';

interface Opened {
  readonly place: number;
  readonly result: PageResult;
  readonly record: PageRecord;
}

/** The result that a target names; the first repeat of a cell without one. */
export function openedAt(data: Data, target: string): Opened | undefined {
  const cell = cellIn(target);
  if (!cell) return undefined;
  const place = data.index.results.findIndex(
    ({ id, n }) => id === cell.id && (cell.repeat === undefined || n === cell.repeat),
  );
  const result = data.index.results[place];
  return result ? { place, result, record: data.record(place) } : undefined;
}

const scaleWords: Readonly<Record<TimeScale, string>> = {
  log: 'logarithmic',
  linear: 'linear, long gaps cut',
  order: 'by order',
};

/** The command that runs a cell again. */
export const commandFor = ({ id, n }: PageResult): string =>
  `npx lingerlab run '${id}'${n > 1 ? ` --repeat ${n}` : ''}`;

/** An opened cell, beside one that is pinned. */
export const Sheet = ({ data }: { readonly data: Data }) => {
  const { target, pin, time, query } = usePlace();
  const own = openedAt(data, target);
  const pinned = pin === '' || pin === target ? undefined : openedAt(data, pin);
  const close = useRef<HTMLButtonElement>(null);
  const isOpen = own !== undefined;
  useEffect(() => {
    if (isOpen) close.current?.focus({ preventScroll: true });
  }, [isOpen]);
  if (!own) return null;
  const scale = timeScales.find((each) => each === time) ?? 'log';
  const differing = pinned ? differences(pinned, own) : new Set<string>();
  const experiment = data.index.experiments[own.result.e];
  const shut = (): void => go({ target: experiment?.id ?? '', pin: '' });
  return (
    <aside class={`sheet${pinned ? ' wide' : ''}`} aria-label={`Cell ${own.result.id}`}>
      <button type="button" class="close" ref={close} aria-label="Close" onClick={shut}>
        ✕
      </button>
      <p class="choose">
        Time
        {timeScales.map((each) => (
          <button
            type="button"
            aria-pressed={each === scale}
            onClick={() => go({ time: each === 'log' ? '' : each }, { replace: true })}
          >
            {scaleWords[each]}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={pin !== ''}
          onClick={() => go({ pin: pin === '' ? target : '' }, { replace: true })}
        >
          {pin === '' ? 'pin' : 'unpin'} <kbd>p</kbd>
        </button>
        {pin !== '' && !pinned ? ' open another cell to compare it with this one' : ''}
      </p>
      <div class={pinned ? 'sides' : ''}>
        {pinned ? <Cell data={data} opened={pinned} scale={scale} differing={differing} query={query} /> : null}
        <Cell data={data} opened={own} scale={scale} differing={differing} query={query} />
      </div>
      <h3>What the drawing says</h3>
      <LanesKey />
    </aside>
  );
};

/** The factors and facts in which two results differ. */
function differences(a: Opened, b: Opened): Set<string> {
  const names = new Set([...Object.keys(a.result.f), ...Object.keys(b.result.f)]);
  return new Set([...names].filter((name) => JSON.stringify(a.result.f[name]) !== JSON.stringify(b.result.f[name])));
}

interface CellProps {
  readonly data: Data;
  readonly opened: Opened;
  readonly scale: TimeScale;
  readonly differing: ReadonlySet<string>;
  readonly query: string;
}

const Cell = ({ data, opened, scale, differing, query }: CellProps) => {
  const { result, record } = opened;
  const experiment = data.index.experiments[result.e];
  const repeats = data.index.results.filter(({ id }) => id === result.id);
  const factors = Object.entries(factorsOf(result.id));
  const facts = { ...result.f, ...record.counters };
  const lanes = lanesOf({ ...record, facts, unknown: {} }, scale);
  const wired = record.segments && { ...record, id: result.id, facts };
  return (
    <div class="cell">
      <h2>{experiment?.id}</h2>
      <p class="headline">
        <Text>{experiment?.headline ?? ''}</Text>
      </p>
      <p class="chips">
        {factors.map(([name, value]) => (
          <a
            class="chip"
            href={hashOf({ target: targetOf(result.id, result.n), query: `exp:${experiment?.id} ${name}:${value}` })}
            title={experiment?.words?.[name]?.values[value] ?? ''}
          >
            {name}=<b>{value}</b>
          </a>
        ))}
      </p>
      {repeats.length > 1 ? (
        <p class="repeats">
          repeat
          {repeats.map(({ n, l }) => (
            <a
              href={hashOf({ target: targetOf(result.id, n), query })}
              class={l === result.l ? '' : 'other'}
              {...(n === result.n ? { 'aria-current': 'true' } : {})}
              title={l === undefined ? '' : `outcome ${l}`}
            >
              {n}
            </a>
          ))}
        </p>
      ) : null}
      <Command copyKey="c">{commandFor(result)}</Command>
      {record.reason === undefined ? null : (
        <p class="alert">
          {result.s}: <Text>{record.reason}</Text>
        </p>
      )}
      {record.late === undefined ? null : <p class="note">Delayed: {record.late}.</p>}
      {lanes.length > 0 ? <h3>States</h3> : null}
      {lanes.map((each) => (
        <>
          {each.label === '' ? null : <p class="note">{each.label}</p>}
          <LanesFigure lanes={each} />
        </>
      ))}
      {wired ? (
        <>
          <h3>On the wire</h3>
          <p class="choose">
            Copy
            <button type="button" onClick={() => void copy(ladderSvg(wired))}>
              as SVG
            </button>
            <button type="button" onClick={() => void copy(mermaidOf(wired))}>
              as Mermaid
            </button>
            <button type="button" onClick={() => void copy(filterOf(record.incarnations))}>
              Wireshark's filter
            </button>
          </p>
          <LadderFigure wired={wired} />
        </>
      ) : null}
      {data.index.left === '' || wired ? null : (
        <p class="note">
          {data.index.left} are left out, to keep this file small: `lingerlab show` and `report --ladder` have them.
        </p>
      )}
      <Story record={record} />
      <Facts data={data} opened={opened} differing={differing} repeats={repeats} />
      <Claims data={data} opened={opened} />
      {record.warnings ? (
        <>
          <h3>Warnings</h3>
          <ul>
            {record.warnings.map(({ code, text, remedy }) => (
              <li>
                <code>{code}</code>: <Text>{text}</Text> {remedy === undefined ? null : <em>{remedy}</em>}
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {record.files.length > 0 ? (
        <>
          <h3>Record</h3>
          <ul>
            {record.files.map((name) => (
              <li>
                <a href={[...record.folder.split('/'), name].map(encodeURIComponent).join('/')}>{name}</a>
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </div>
  );
};

/** States, calls and looks in the order of time. */
const Story = ({ record }: { readonly record: PageRecord }) => {
  const steps = storyOf(record);
  const origin = steps[0]?.t ?? 0;
  if (steps.length === 0) return null;
  return (
    <>
      <h3>What happened, in order</h3>
      <ol class="story" data-roving="story">
        {steps.map(({ t, who, text, how, key }, index) => (
          <li data-k={key} tabIndex={index === 0 ? 0 : -1}>
            <span class="t">{t === origin ? '0' : `+${formatSeconds((t - origin) / 1e9)}`}</span>
            <span class="who">{who}</span>
            <span>
              {text}
              {how === '' ? '' : <small> {how}</small>}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
};

const isState = (value: unknown): value is State => (states as readonly unknown[]).includes(value);

const FactText = ({
  name,
  value,
  declared,
}: {
  readonly name: string;
  readonly value: FactValue | null | undefined;
  readonly declared: Declaration | undefined;
}) => {
  if (name.endsWith('path') && Array.isArray(value) && value.every(isState))
    return (
      <span class="path">
        {(value as readonly State[]).map((state, index) => (
          <>
            {index > 0 ? ' ' : ''}
            <i class={stateClass(state)}>{state}</i>
          </>
        ))}
      </span>
    );
  return <>{formatFact(value, declared)}</>;
};

/** The facts that the experiment shows, then all others. */
const Facts = ({
  data,
  opened: { result, record },
  differing,
  repeats,
}: Pick<CellProps, 'data' | 'opened' | 'differing'> & { readonly repeats: readonly PageResult[] }) => {
  const experiment = data.index.experiments[result.e];
  const all = { ...result.f, ...record.counters };
  const shows = (experiment?.shows ?? [])
    .map((shown) => withoutRole(shown, result.roles))
    .filter((name) => name in all);
  const rest = Object.keys(all).filter((name) => !shows.includes(name));
  const row = (name: string) => {
    const declared = data.index.declarations[experiment?.declared[name] ?? -1] as Declaration | undefined;
    const values = repeats.map(({ f }) => f[name]);
    const isVaried = name in result.f && repeats.length > 1 && distribution(values).length > 1;
    return (
      <tr class={differing.has(name) ? 'differs' : ''}>
        <th scope="row" title={declared?.text ?? ''}>
          <code>{name}</code>
        </th>
        <td>
          <FactText name={name} value={all[name]} declared={declared} />
          {all[name] === null && record.unknown?.[name] ? <small>{record.unknown[name]}</small> : null}
          {isVaried && declared?.compare !== 'measurement' ? (
            <small>all repeats: {formatDistribution(distribution(values), declared)}</small>
          ) : null}
        </td>
      </tr>
    );
  };
  return (
    <>
      <h3>Facts{differing.size > 0 ? `: ${differing.size} differ` : ''}</h3>
      <table class="factlist">
        <tbody>{[...shows, ...rest.filter((name) => differing.has(name))].map(row)}</tbody>
      </table>
      <details class="block">
        <summary>All other facts ({rest.length})</summary>
        <table class="factlist">
          <tbody>{rest.filter((name) => !differing.has(name)).map(row)}</tbody>
        </table>
      </details>
    </>
  );
};

/** What the claims of the experiment say of this result, and what that rests on. */
const Claims = ({ data, opened: { result, record } }: Pick<CellProps, 'data' | 'opened'>) => {
  const claims = data.index.experiments[result.e]?.claims ?? [];
  if (result.c.length === 0) return null;
  return (
    <>
      <h3>Claims that apply here</h3>
      <ul class="claimlist">
        {result.c.map(([place, verdict], nth) => (
          <li class={verdict}>
            <span class={`verdict ${verdict}`}>
              {verdictMarks[verdict]}
              <span class="sr">{verdict}</span>
            </span>
            <span>
              <Text>{claims[place]?.text ?? ''}</Text>
              <small>{claims[place]?.source}</small>
              {record.claims[nth] ? <small>rests on {record.claims[nth]}</small> : null}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
};
