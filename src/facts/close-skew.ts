import type { CallEvent, Ns } from '../record/event.ts';
import { closes, shutsDown, toldBy } from './application.ts';
import type { CellView, EndView } from './connections.ts';
import { described, factGroup, kind } from './kinds.ts';
import type { OfConnection } from './time-wait.ts';

/** Whether a call ends what its end sends: it closes the socket, or the direction from it. */
const endsSending = (call: CallEvent): boolean =>
  call.errno === undefined && (closes(call) || (shutsDown(call) && call.how !== 'RD'));

/** When an end's application closed; undefined where it did not. */
function closedAt(view: CellView, end: EndView): Ns | undefined {
  if (end.endpoint === null) return undefined;
  return toldBy(view, end).calls.find(endsSending)?.t;
}

/** How far apart the two ends' own closes are: both peers' calls are on one clock, CLOCK_MONOTONIC. */
export const closeSkewFacts = factGroup(
  {
    closeSkew: described(
      "time between the client's and the server's own calls that close or half-close; absent if an end made none",
      kind.us(),
    ),
  },
  ({ view, connection }: OfConnection) => {
    if (connection.client === connection.server) return {};
    const [client, server] = [closedAt(view, connection.client), closedAt(view, connection.server)];
    return { closeSkew: client === undefined || server === undefined ? undefined : Math.abs(client - server) / 1e3 };
  },
);
