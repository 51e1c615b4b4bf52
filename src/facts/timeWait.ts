import type { Address, Ns, PathStep } from '../record/event.ts';
import { enteredAt } from './chains.ts';
import type { CellView, ConnectionView } from './connections.ts';
import { type Findings, Unknown } from './findings.ts';
import type { EndpointPath } from './path.ts';
import { type End, ends, otherEnd } from './states.ts';

interface Holder {
  readonly end: End;
  readonly path: EndpointPath;
  readonly step: PathStep;
}

/**
 * Who was left with TIME-WAIT, since when, for how long. Where both ends were, the times are those of the end that entered
 * it first. Lengths count from the earliest moment at which TIME-WAIT can have begun.
 */
export function timeWaitFacts(
  view: CellView,
  connection: ConnectionView,
  folded: Readonly<Record<End, EndpointPath>>,
): Findings {
  const holders = ends
    .flatMap((end): Holder[] => {
      const step = folded[end].steps.find(({ state }) => state === 'TIME-WAIT');
      return step ? [{ end, path: folded[end], step }] : [];
    })
    .sort((a, b) => a.step.at - b.step.at);
  const holder = holderOf(view, connection, folded, holders);
  const [first] = holders;
  if (!first) return { 'timeWait.holder': holder };
  const firstFin = Math.min(
    ...ends.map((end) => enteredAt(connection[end].chain, 'FIN-WAIT-1', 'LAST-ACK') ?? Number.POSITIVE_INFINITY),
  );
  const began = first.step.notBefore ?? first.step.at;
  return {
    'timeWait.holder': holder,
    'timeWait.began': Number.isFinite(firstFin)
      ? (began - firstFin) / 1e9
      : new Unknown('without tracepoints, FINs are not seen'),
    'timeWait.beganWith': first.path.beganWith ?? new Unknown('without tracepoints, FINs are not seen'),
    ...lengthFindings(view, connection, first, began),
  };
}

function lengthFindings(view: CellView, connection: ConnectionView, { end, path, step }: Holder, began: Ns): Findings {
  const { miniEnd } = path;
  // not waited for: the namespace goes, and TIME-WAIT with it
  if (!miniEnd) return { 'timeWait.endedBy': 'namespace' };
  const seconds = (miniEnd.at - began) / 1e9;
  if (miniEnd.by === 'timer') return { 'timeWait.seconds': seconds, 'timeWait.endedBy': 'timer' };
  const reset = resetFrom(view, connection[otherEnd(end)].local, step.at, miniEnd.at);
  const why = `it was gone ${seconds.toFixed(3)} s after it began, before its timer ran out`;
  return { 'timeWait.seconds': seconds, 'timeWait.endedBy': reset ? 'rst' : new Unknown(why) };
}

/**
 * Whether the other end's address sent a RST meanwhile: its listener does when TIME-WAIT answers a segment that came late and
 * nobody else is left there (RFC 1337). A listener's RST names no other end.
 */
const resetFrom = (view: CellView, { address, port }: Address, from: Ns, to: Ns): boolean =>
  view.events.some(
    (event) =>
      event.kind === 'reset-sent' &&
      event.t >= from &&
      event.t <= to &&
      event.local.port === port &&
      event.local.address === address,
  );

function holderOf(
  view: CellView,
  connection: ConnectionView,
  folded: Readonly<Record<End, EndpointPath>>,
  holders: readonly Holder[],
): End | 'both' | 'none' | Unknown {
  for (const end of ends) {
    const { incomplete } = folded[end];
    if (incomplete === undefined || holders.some((holder) => holder.end === end)) continue;
    // without the trace, one sample after the scenario's last step still shows who is in TIME-WAIT, if anyone
    const sampledLate = connection[end].looks.some(({ from }) => from >= lastStepAt(view));
    if (!sampledLate || view.sight.transitions) return new Unknown(incomplete);
  }
  return holders.length === 2 ? 'both' : (holders[0]?.end ?? 'none');
}

const lastStepAt = (view: CellView): number =>
  view.events.reduce((latest, event) => (event.kind === 'call' ? Math.max(latest, event.t) : latest), 0);
