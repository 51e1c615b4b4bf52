import { scaleLinear, scaleLog } from 'd3-scale';
import { area, line } from 'd3-shape';
import { formatFact, formatNumber } from '../../facts/values.ts';
import { formatRatio } from '../../report/format.ts';
import type { Compared, Load, Way } from '../../report/model/load.ts';
import {
  costsTitle,
  isCompared,
  methodText,
  notes,
  numbersTitle,
  spreadsTitle,
  throughTitle,
  windowTitle,
  wordsOf,
} from '../../report/model/load-wording.ts';
import { hashOf, targetOf } from '../query.ts';
import { At, Scroll } from './text.tsx';

type DrawnWay = Load['ways'][number];

const rate = 'rate.perSecond';

const percent = (share: number): string => `${Math.round(share * 10_000) / 100}%`;

const WayName = ({ way: { cell, name } }: { readonly way: Way }) => <code>{name.join(' ') || cell}</code>;

/** Ticks of a logarithmic axis that are few and round. */
const logTicks = (from: number, to: number): number[] => {
  const all = Array.from({ length: 12 }, (_, power) => 10 ** power).flatMap((ten) => [ten, 2 * ten, 5 * ten]);
  const own = all.filter((tick) => tick >= from && tick <= to);
  return own.length > 4 ? own.filter((tick) => /^1/.test(String(tick))) : own;
};

/** Thousands in short: `5k`. */
const short = (value: number): string => (value >= 1000 ? `${value / 1000}k` : String(value));

/** A number in its unit's short form. */
const us = (value: number): string => formatFact(value, { type: 'number', unit: 'us', compare: 'measurement' });

/** What every way came to: each repeat a dot, with the change against its baseline, the latency, the CPU and TIME-WAIT. */
export const LoadFigure = ({ load }: { readonly load: Load }) => {
  const values = (fact: string): number[] =>
    load.ways.flatMap(({ drawn }) => drawn.repeats.flatMap(({ values: own }) => own[fact] ?? []));
  const rates = values(rate);
  const x = scaleLog([Math.min(...rates) / 1.15, Math.max(...rates) * 1.15], [0, 1]);
  const latencies = [...values('latency.p50Us'), ...values('latency.p99Us')];
  const late = scaleLog([Math.max(0.1, Math.min(...latencies) / 1.15), Math.max(1, ...latencies) * 1.15], [0, 1]);
  const cpu = Math.max(
    1,
    ...load.ways.flatMap(({ drawn: { medians } }) => [medians['cpu.clientUs'] ?? 0, medians['cpu.serverUs'] ?? 0]),
  );
  const through = load.series.find(({ fact }) => fact === 'timeWait.series');
  const rateThrough = load.series.find(({ fact }) => fact === 'rate.series');
  const baselines = new Set(
    load.ways.flatMap(({ against }) => (against ? [against.baseline?.cell ?? load.ways[0]?.cell] : [])),
  );
  const compares = isCompared(load);
  const ratios = load.ways.flatMap(({ drawn, against }) => [
    ...drawn.ratios,
    ...(against?.interval ?? []),
    ...(against ? [against.ratio] : []),
  ]);
  const change = scaleLog([Math.min(1 / 1.2, ...ratios) / 1.05, Math.max(1.2, ...ratios) * 1.05], [0, 1]);
  return (
    <figure class="load" aria-label="Every repeat of every way">
      <div class="way head" aria-hidden="true">
        <span>way</span>
        <span class="axis">
          requests per second, log
          <Ticks
            at={logTicks(...(x.domain() as [number, number])).map((tick) => ({ x: x(tick), text: short(tick) }))}
          />
        </span>
        {compares ? (
          <span class="axis">
            {wordsOf(load.compared).of}, against the baseline, log
            <Ticks
              at={[0.2, 0.5, 1, 2, 5, 10]
                .filter((tick) => tick > (change.domain()[0] ?? 0) && tick < (change.domain()[1] ?? 0))
                .map((tick) => ({ x: change(tick), text: tick === 1 ? '1' : `${tick} ×` }))}
            />
          </span>
        ) : null}
        {compares ? <span>verdict at ±{load.margin * 100} %</span> : null}
        <span class="axis">
          latency: p50 ●, p99 ○, log
          <Ticks
            at={logTicks(...(late.domain() as [number, number])).map((tick) => ({
              x: late(tick),
              text: us(tick).replace('.00', ''),
            }))}
          />
        </span>
        <span>CPU for one request</span>
        <span>rate, TIME-WAIT over time</span>
      </div>
      {load.ways.map((way, index) => (
        <div class="way" data-way={way.cell}>
          <span class="name">
            <a href={hashOf({ target: targetOf(way.cell) })}>
              <WayName way={way} />
            </a>
            {baselines.has(way.cell) ? <small>the baseline</small> : null}
          </span>
          <span class="cell rates" data-label="requests per second, log">
            <Dots
              points={way.drawn.repeats.flatMap(({ values: own, repeat, isOut }) =>
                own[rate] === undefined ? [] : [{ x: x(own[rate]), repeat, isOut }],
              )}
              median={x(way.drawn.medians[rate] ?? 1)}
              ticks={logTicks(...(x.domain() as [number, number])).map((tick) => x(tick))}
            />
            <b class="num-text">{way.medians[load.facts.indexOf(rate)]}</b>
          </span>
          {compares ? (
            <span class="cell" data-label={`${wordsOf(load.compared).of}, against the baseline, log`}>
              <Change way={way} scale={change} margin={load.margin} />
            </span>
          ) : null}
          {compares ? (
            <span class="cell verdict" data-label="verdict">
              <Verdict way={way} isBaseline={baselines.has(way.cell)} compared={load.compared} />
            </span>
          ) : null}
          <span class="cell" data-label="latency: p50 ●, p99 ○, log">
            <Latency way={way} scale={late} />
          </span>
          <span class="cell" data-label="CPU for one request: client, server; dark: kernel">
            <Cpu way={way} most={cpu} />
          </span>
          <span class="cell series" data-label="rate, TIME-WAIT over time">
            {[rateThrough, through].map((each) => {
              const own = each?.ways[index];
              return own === undefined ? null : (
                <Course drawn={own.drawn} last={own.last.replace(/ \(.*/, '')} isFilled={each === through} />
              );
            })}
          </span>
        </div>
      ))}
      <p class="note">
        Each dot is a repeat; a hollow dot takes no part in the comparison. The line is the median; the square is the
        ratio with its interval at 95 %; the band is ±{load.margin * 100} %.
      </p>
    </figure>
  );
};

const Ticks = ({ at }: { readonly at: readonly { readonly x: number; readonly text: string }[] }) => (
  <span class="ticks">
    {at.map(({ x, text }) => (
      <i style={`left:${percent(x)}`}>{text}</i>
    ))}
  </span>
);

/** Dots of one row, spread downwards where they lie together. */
const Dots = ({
  points,
  median,
  ticks,
}: {
  readonly points: readonly { readonly x: number; readonly repeat: number; readonly isOut: boolean }[];
  readonly median: number;
  readonly ticks: readonly number[];
}) => (
  <svg class="chart" width="100%" height="34" role="img" aria-label={`${points.length} repeats`}>
    {ticks.map((x) => (
      <line class="guide" x1={percent(x)} x2={percent(x)} y1="0" y2="34" />
    ))}
    {points.map(({ x, repeat, isOut }) => (
      <circle
        class={isOut ? 'dot out' : 'dot'}
        data-repeat={repeat}
        cx={percent(x)}
        cy={9 + ((repeat * 7) % 17)}
        r="3"
      />
    ))}
    <line class="median" x1={percent(median)} x2={percent(median)} y1="3" y2="31" />
  </svg>
);

/** The rate against the baseline's: pairs as dots, the ratio and its interval, the margin as a band. */
const Change = ({
  way: { drawn, against },
  scale,
  margin,
}: {
  readonly way: DrawnWay;
  readonly scale: (ratio: number) => number;
  readonly margin: number;
}) => (
  <svg class="chart" width="100%" height="34" role="img" aria-label={against ? changeText(against) : 'the baseline'}>
    <rect
      class="margin"
      x={percent(scale(1 / (1 + margin)))}
      width={percent(scale(1 + margin) - scale(1 / (1 + margin)))}
      y="0"
      height="34"
    />
    <line class="one" x1={percent(scale(1))} x2={percent(scale(1))} y1="0" y2="34" />
    {drawn.ratios.map((ratio, nth) => (
      <circle class="dot" cx={percent(scale(ratio))} cy={18 + ((nth * 5) % 13)} r="2.5" />
    ))}
    {against?.interval ? (
      <line
        class="interval"
        x1={percent(scale(against.interval[0]))}
        x2={percent(scale(against.interval[1]))}
        y1="9"
        y2="9"
      />
    ) : null}
    {against ? (
      <At x={percent(scale(against.ratio))} y={9}>
        <rect class="square" x="-4" y="-4" width="8" height="8" />
      </At>
    ) : null}
  </svg>
);

const changeText = ({ ratio, interval }: Compared): string =>
  `${formatRatio(ratio)}${interval ? ` (${interval.map(formatRatio).join('–')})` : ''}`;

const Verdict = ({
  way: { against },
  isBaseline,
  compared,
}: {
  readonly way: DrawnWay;
  readonly isBaseline: boolean;
  readonly compared: string;
}) => {
  if (!against) return isBaseline ? <>baseline</> : null;
  const isShown = against.differs === 'more' || against.differs === 'fewer';
  const word = wordsOf(compared).differs[against.differs];
  return (
    <>
      {isShown ? <b>▸ {word}</b> : word}
      <small>{changeText(against)}</small>
      {against.baseline ? (
        <small>
          of <WayName way={against.baseline} />
        </small>
      ) : null}
    </>
  );
};

const Latency = ({ way: { drawn }, scale }: { readonly way: DrawnWay; readonly scale: (us: number) => number }) => (
  <svg
    class="chart"
    width="100%"
    height="34"
    role="img"
    aria-label={`p50 ${us(drawn.medians['latency.p50Us'] ?? 0)}, p99 ${us(drawn.medians['latency.p99Us'] ?? 0)}`}
  >
    {(['latency.p50Us', 'latency.p99Us'] as const).flatMap((fact, row) =>
      drawn.repeats.flatMap(({ values, repeat }) => {
        const value = values[fact];
        return value === undefined || value <= 0
          ? []
          : [
              <circle
                class={row === 0 ? 'dot' : 'dot out'}
                data-repeat={repeat}
                cx={percent(scale(value))}
                cy={9 + row * 14 + ((repeat * 3) % 5)}
                r="2.5"
              />,
            ];
      }),
    )}
  </svg>
);

/** CPU of both ends for one request, the kernel's part dark. */
const Cpu = ({
  way: {
    drawn: { medians },
  },
  most,
}: {
  readonly way: DrawnWay;
  readonly most: number;
}) => {
  const x = scaleLinear([0, most], [0, 0.7]);
  const rows = (['client', 'server'] as const).map((end) => ({
    end,
    all: medians[`cpu.${end}Us`],
    system: medians[`cpu.${end}SystemUs`] ?? 0,
  }));
  return (
    <svg
      class="chart"
      width="100%"
      height="34"
      role="img"
      aria-label={rows.map(({ end, all }) => `${end} ${all === undefined ? 'unknown' : us(all)}`).join(', ')}
    >
      {rows.map(({ all, system }, row) =>
        all === undefined ? null : (
          <>
            <rect class="cpu" x="0" y={4 + row * 14} width={percent(x(all))} height="10" />
            <rect class="cpu system" x="0" y={4 + row * 14} width={percent(x(Math.min(all, system)))} height="10" />
            <At x={percent(x(all))} y={13 + row * 14}>
              <text x="4">{formatNumber(all)}</text>
            </At>
          </>
        ),
      )}
    </svg>
  );
};

/** A figure through the window. */
const Course = ({
  drawn,
  last,
  isFilled,
}: {
  readonly drawn: readonly number[];
  readonly last: string;
  readonly isFilled: boolean;
}) => {
  const x = scaleLinear([0, Math.max(1, drawn.length - 1)], [0, 60]);
  const y = scaleLinear([0, 1], [26, 2]);
  const path =
    line<number>(
      (_, nth) => x(nth),
      (share) => y(share),
    )([...drawn]) ?? '';
  const below =
    area<number>(
      (_, nth) => x(nth),
      y(0),
      (share) => y(share),
    )([...drawn]) ?? '';
  return (
    <span class="course">
      <svg width="62" height="28" role="img" aria-label={`${isFilled ? 'TIME-WAIT' : 'rate'}, at its end ${last}`}>
        {isFilled ? <path class="below" d={below} /> : null}
        <path class="line" d={path} />
      </svg>
      <small>{last}</small>
    </span>
  );
};

/** The charts' numbers. */
export const LoadTables = ({ load }: { readonly load: Load }) => {
  const compares = isCompared(load);
  return (
    <>
      {compares && notes(load) !== '' ? <p class="dim">{notes(load)}</p> : null}
      <details class="block">
        <summary>{numbersTitle(load)}</summary>
        <p>{spreadsTitle(load)}:</p>
        <Scroll name="Rates and times">
          <table>
            <thead>
              <tr>
                <th>way</th>
                {load.facts.map((fact) => (
                  <th class="number">
                    <code>{fact}</code>
                  </th>
                ))}
                {compares ? <th class="number">compared</th> : null}
                {compares ? <th>{wordsOf(load.compared).of}, relative to its baseline</th> : null}
              </tr>
            </thead>
            <tbody>
              {load.ways.map((way) => (
                <tr>
                  <td>
                    <WayName way={way} />
                  </td>
                  {way.values.map((value) => (
                    <td class="number">{value}</td>
                  ))}
                  {compares ? <td class="number">{way.against?.pairs ?? ''}</td> : null}
                  {compares ? (
                    <td>
                      {way.against
                        ? `${changeText(way.against)}: ${wordsOf(load.compared).differs[way.against.differs]}`
                        : ''}
                    </td>
                  ) : null}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        {compares ? <p class="dim">{methodText(load)}</p> : null}
        {load.costs ? <CostTable costs={load.costs} /> : null}
      </details>
      {load.series.length > 0 ? (
        <details class="block">
          <summary>{windowTitle}</summary>
          {load.series.map(({ fact, text, ways }) => (
            <>
              <p>
                <code>{fact}</code>: {text}: {throughTitle}
              </p>
              <Scroll name={fact}>
                <table>
                  <thead>
                    <tr>
                      <th>way</th>
                      <th>at its beginning</th>
                      <th>at its end</th>
                    </tr>
                  </thead>
                  <tbody>
                    {ways.map((way) => (
                      <tr>
                        <td>
                          <WayName way={way} />
                        </td>
                        <td>{way.first}</td>
                        <td>{way.last}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </Scroll>
            </>
          ))}
        </details>
      ) : null}
    </>
  );
};

const CostTable = ({ costs: { facts, saturated, ways } }: { readonly costs: NonNullable<Load['costs']> }) => (
  <>
    <p>{costsTitle}:</p>
    <Scroll name="Costs">
      <table>
        <thead>
          <tr>
            <th>way</th>
            {facts.map((fact) => (
              <th class="number">
                <code>{fact}</code>
              </th>
            ))}
            <th>
              <code>{saturated}</code>
            </th>
          </tr>
        </thead>
        <tbody>
          {ways.map((way) => (
            <tr>
              <td>
                <WayName way={way} />
              </td>
              {way.values.map((value) => (
                <td class="number">{value}</td>
              ))}
              <td>{way.saturated.map(({ what, times }) => `${what} ${times}`).join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  </>
);
