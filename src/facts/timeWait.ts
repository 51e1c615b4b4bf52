import type { PathStep } from '../record/event.ts';
import { enteredAt } from './chains.ts';
import type { CellView, ConnectionView } from './connections.ts';
import { type Findings, Unknown } from './findings.ts';
import type { EndpointPath } from './path.ts';
import { type End, ends } from './states.ts';

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
    ...lengthFindings(first, began),
  };
}

function lengthFindings({ path: { miniEnd } }: Holder, began: number): Findings {
  // not waited for: the namespace goes, and TIME-WAIT with it
  if (!miniEnd) return { 'timeWait.endedBy': 'namespace' };
  return {
    'timeWait.seconds': (miniEnd.at - began) / 1e9,
    'timeWait.endedBy': miniEnd.by === 'timer' ? 'timer' : new Unknown('it was gone before its timer ran out'),
  };
}

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
