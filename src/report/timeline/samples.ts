import { formatCount, formatSeconds } from '../../facts/values.ts';
import type { SampleEvent, SsSocket } from '../../record/event.ts';
import type { Names } from './names.ts';

/** What a sample showed. */
export interface Shown {
  readonly text: string;
  /** Nothing but timers that run down differs from the sample before it. */
  readonly isSame: boolean;
}

/** More sockets are counted by their states. */
const mostSockets = 6;

/** A timer that is so much later than it would be by running down was started again, ms: `ss` prints whole seconds of long ones. */
const restartMs = 1500;

interface Look {
  readonly t: number;
  readonly sockets: ReadonlyMap<string, SsSocket>;
}

/** Tells samples in the order in which they ended, each against the one before it of its namespace. */
export function telling(names: Names): (sample: SampleEvent) => Shown {
  const before = new Map<string, Look>();
  return (sample) => {
    const last = before.get(sample.space);
    const sockets = new Map(sample.sockets.map((socket) => [keyOf(socket), socket]));
    before.set(sample.space, { t: sample.t, sockets });
    const told = sample.sockets.filter(
      (socket) => socket.state !== 'LISTEN' || last?.sockets.get(keyOf(socket))?.recvQ !== socket.recvQ,
    );
    const gone = [...(last?.sockets.entries() ?? [])].flatMap(([key, socket]) =>
      sockets.has(key) ? [] : [`${names.shown(socket, last?.t ?? sample.t)} is gone`],
    );
    const isSame =
      last !== undefined &&
      gone.length === 0 &&
      sample.leftOut === undefined &&
      sample.sockets.every((socket) => isUnchanged(last, sample, socket));
    return { text: sampleText(sample, told, gone, names), isSame };
  };
}

const keyOf = ({ local, remote }: SsSocket): string =>
  `${local.address} ${local.port} ${remote.address} ${remote.port}`;

function isUnchanged(last: Look, { t }: SampleEvent, socket: SsSocket): boolean {
  const old = last.sockets.get(keyOf(socket));
  if (!old || old.state !== socket.state || old.recvQ !== socket.recvQ || old.sendQ !== socket.sendQ) return false;
  if (old.timer?.name !== socket.timer?.name || old.timer?.retransmits !== socket.timer?.retransmits) return false;
  if (!old.timer || !socket.timer) return true;
  return socket.timer.ms <= old.timer.ms - (t - last.t) / 1e6 + restartMs;
}

function sampleText(
  { space, until, leftOut, unread }: SampleEvent,
  told: readonly SsSocket[],
  gone: readonly string[],
  names: Names,
): string {
  const shown =
    told.length > mostSockets
      ? [countsText(told)]
      : told.map((socket) => socketText(socket, names.shown(socket, until)));
  const goneText = gone.length > mostSockets ? [`${formatCount(gone.length)} are gone`] : gone;
  const less = [
    ...(leftOut === undefined ? [] : [`${formatCount(leftOut)} in TIME-WAIT counted only`]),
    ...(unread === undefined ? [] : [`${formatCount(unread)} lines not understood`]),
  ];
  const parts = [...shown, ...goneText, ...less];
  return `${space === 'lab' ? '' : `${space}'s namespace: `}${parts.length > 0 ? parts.join('; ') : 'no connection'}`;
}

function countsText(sockets: readonly SsSocket[]): string {
  const states = [...Map.groupBy(sockets, ({ state }) => state)].sort(([, a], [, b]) => b.length - a.length);
  const counts = states.map(([state, all]) => `${formatCount(all.length)} ${state}`);
  return `${formatCount(sockets.length)} sockets: ${counts.join(', ')}`;
}

/** `client TIME-WAIT, timer timewait 59.3 s`. */
function socketText({ state, recvQ, sendQ, timer }: SsSocket, name: string): string {
  const queues =
    state === 'LISTEN'
      ? [`accept queue ${formatCount(recvQ)} of ${formatCount(sendQ)}`]
      : [
          ...(recvQ > 0 ? [`receive queue ${formatCount(recvQ)}`] : []),
          ...(sendQ > 0 ? [`send queue ${formatCount(sendQ)}`] : []),
        ];
  const again = timer && timer.retransmits > 0 ? `, ${formatCount(timer.retransmits)} times` : '';
  const runs = timer ? [`timer ${timer.name} ${formatSeconds(timer.ms / 1e3)}${again}`] : [];
  return [`${name} ${state}`, ...queues, ...runs].join(', ');
}
