import type { SsSocket } from '../../record/event.ts';

type Timer = NonNullable<SsSocket['timer']>;

/** Parse what follows `timer:(`, as in `timewait,59sec,0)`. Undefined if it is not a timer. */
export function parseTimer(text: string): Timer | undefined {
  const first = text.indexOf(',');
  const second = text.indexOf(',', first + 1);
  if (first < 1 || second < 0 || !text.endsWith(')')) return undefined;
  const ms = parseMs(text.slice(first + 1, second));
  const retransmits = Number(text.slice(second + 1, -1));
  if (ms === undefined || !Number.isInteger(retransmits)) return undefined;
  return { name: text.slice(0, first), ms, retransmits };
}

const durations = /^(?:(\d+)min)?(?:(\d+)(?:\.(\d{1,3}))?(sec|ms))?$/;

/**
 * Milliseconds of iproute2's print_ms_timer: `119min`, `1min58sec`, `59sec`, `5.992sec`, `200ms`, nothing for 0. Until
 * iproute2 6.12 seconds with milliseconds were printed as `5.992ms`. It cuts off: seconds from ten minutes on, milliseconds
 * from ten seconds on.
 */
export function parseMs(text: string): number | undefined {
  const known = seen.get(text);
  if (known !== undefined) return known;
  const match = durations.exec(text);
  if (!match) return undefined;
  const [, minutes = '0', whole = '0', fraction, unit] = match;
  const inSeconds = unit === 'sec' || fraction !== undefined;
  const ms =
    Number(minutes) * 60_000 + Number(whole) * (inSeconds ? 1000 : 1) + Number((fraction ?? '').padEnd(3, '0'));
  if (seen.size < 4096) seen.set(text, ms);
  return ms;
}

/** A sample of thousands of sockets has a few dozen different times. */
const seen = new Map<string, number>();
