import { describe, expect, test } from 'vitest';
import type { Side } from '../../../src/experiment/handles.ts';
import type { Sight } from '../../../src/facts/connections.ts';
import type { CellObservers } from '../../../src/observers/observers.ts';
import type { Placed } from '../../../src/peers/handles/registry.ts';
import { until, type Waiting } from '../../../src/peers/handles/until.ts';
import type { PeerProcess } from '../../../src/peers/process.ts';
import type { Event } from '../../../src/record/event.ts';
import type { State } from '../../../src/tcp/states.ts';
import {
  all,
  blind,
  closedInTurn,
  connectCall,
  connected,
  flow,
  noMiniTimers,
  ns,
  opened,
  sample,
  shown,
} from '../../facts/handmade.ts';

const one = flow();
const gone = { ok: false, errno: 'EBADF', syscall: 'getsockopt', ns: 0 };

interface Given {
  readonly events: Event[];
  readonly sight?: Sight;
  /** What TCP_INFO says; nothing: the descriptor is gone. */
  readonly info?: () => State | undefined;
  /** What a sample adds to the record. */
  readonly sampled?: (count: number) => Event;
  /** Called each time the trace is read. */
  readonly flushed?: (count: number) => void;
  readonly signal?: AbortSignal;
}

/** The client's end, waited for; with how often it was sampled and how often the cell rested. */
function waitingFor({ events, sight = all, info, sampled, flushed, signal }: Given) {
  const counts = { samples: 0, flushes: 0, rests: 0, samplesAtWork: 0 };
  let resting = false;
  const peer = {
    name: 'client',
    ask: () => {
      const state = info?.();
      return Promise.resolve(state === undefined ? gone : { ok: true, value: { state }, ns: 0 });
    },
  } as unknown as PeerProcess;
  const observers = {
    flush: () => {
      counts.flushes++;
      return Promise.resolve(flushed?.(counts.flushes));
    },
    sample: () => {
      counts.samples++;
      if (!resting) counts.samplesAtWork++;
      if (sampled) events.push(sampled(counts.samples));
      return Promise.resolve();
    },
  } as unknown as CellObservers;
  const waiting: Waiting = {
    events,
    sight,
    observers,
    now: () => ns(1000 + counts.flushes),
    record: (event) => void events.push(event),
    signal: signal ?? new AbortController().signal,
    resting: async (wait) => {
      counts.rests++;
      resting = true;
      try {
        return await wait();
      } finally {
        resting = false;
      }
    },
  };
  const { client, server } = one.address;
  const endpoint: Side = { end: 'client', local: client, remote: server };
  const placed: Placed = { endpoint, at: { peer, id: one.endpoint.client }, label: '' };
  return { counts, until: (...states: State[]) => until(placed, states, waiting) };
}

const closed = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)];

describe('waiting for a state', () => {
  test('asks for a sample where the trace could not tell whether a mini-socket took over', async () => {
    const unclear = closed.flatMap((event): Event[] => {
      if (event.kind === 'mini-socket') return [];
      return event.kind === 'transition' && event.from === 'FIN-WAIT-2' ? [{ ...event, handOver: 'unclear' }] : [event];
    });
    const client = waitingFor({
      events: unclear,
      sampled: () => sample(70, shown(one, 'client', 'TIME-WAIT', 59_980)),
    });
    expect(await client.until('TIME-WAIT', 'CLOSED')).toBe('TIME-WAIT');
    expect(client.counts.samples).toBe(1);
  });

  test('ends at once when the endpoint has passed through it', async () => {
    const client = waitingFor({ events: [...closed] });
    expect(await client.until('FIN-WAIT-2')).toBe('FIN-WAIT-2');
    expect(client.counts).toMatchObject({ flushes: 1, samples: 0, rests: 0 });
  });

  test('gives the first of several that was passed', async () => {
    expect(await waitingFor({ events: [...closed] }).until('TIME-WAIT', 'FIN-WAIT-1')).toBe('FIN-WAIT-1');
  });

  test('ends when the trace has it', async () => {
    const events: Event[] = opened(one, 10);
    const flushed = (count: number) => void (count === 3 && events.push(...closedInTurn(one, 'client', 20, 50)));
    const client = waitingFor({ events, flushed });
    expect(await client.until('TIME-WAIT')).toBe('TIME-WAIT');
    expect(client.counts).toMatchObject({ flushes: 3, samples: 0 });
  });

  test('ends by TCP_INFO where there is no trace', async () => {
    let looks = 0;
    const info = (): State => (++looks < 3 ? 'ESTABLISHED' : 'FIN-WAIT-2');
    const client = waitingFor({ events: [connectCall(9), connected(one, 12)], sight: blind, info });
    expect(await client.until('FIN-WAIT-2')).toBe('FIN-WAIT-2');
    expect(client.counts.samples).toBe(0);
  });

  test.each([
    ['the descriptor is gone', undefined],
    ['TCP_INFO says CLOSED, which a mini-socket may have followed', 'CLOSED'],
  ] as const)('asks for samples where there is no trace and %s', async (_, state) => {
    const client = waitingFor({
      events: [connectCall(9), connected(one, 12)],
      sight: blind,
      info: () => state,
      sampled: (count) => sample(30 + count * 10, ...(count < 3 ? [] : [shown(one, 'client', 'TIME-WAIT', 59_000)])),
    });
    expect(await client.until('TIME-WAIT')).toBe('TIME-WAIT');
    expect(client.counts.samples).toBe(3);
  });

  test('asks for samples where the trace does not tell mini-sockets', async () => {
    const events = closed.filter(({ kind }) => kind !== 'mini-socket');
    const sampled = () => sample(70, shown(one, 'client', 'TIME-WAIT', 59_000));
    const client = waitingFor({ events, sight: noMiniTimers, sampled });
    expect(await client.until('TIME-WAIT')).toBe('TIME-WAIT');
    expect(client.counts.samples).toBe(1);
  });

  test('does not take a socket for gone that may be in a line that was not understood', async () => {
    const client = waitingFor({
      events: [connectCall(9), connected(one, 12)],
      sight: blind,
      sampled: (count) => ({ ...sample(30 + count * 10), ...(count < 4 && { unread: 1 }) }),
    });
    expect(await client.until('CLOSED')).toBe('CLOSED');
    expect(client.counts.samples).toBe(4);
  });

  test.each([
    ['no line of them is understood', (at: number) => ({ ...sample(at), unread: 3 })],
    ['they are of another namespace', (at: number) => ({ ...sample(at), space: 'server' })],
  ])('fails soon, with the reason, where samples do not tell: %s', async (_, sampledAt) => {
    const client = waitingFor({
      events: [connectCall(9), connected(one, 12)],
      sight: blind,
      sampled: (count) => sampledAt(30 + count * 10),
    });
    await expect(client.until('TIME-WAIT')).rejects.toMatchObject({
      code: 'NOT_OBSERVED',
      message: 'until(TIME-WAIT) of the client: 5 samples in a row did not show whether its socket exists',
    });
  });

  test('asks for none where the trace tells everything, however long that takes', async () => {
    const events: Event[] = opened(one, 10);
    const flushed = (count: number) => void (count === 10 && events.push(...closedInTurn(one, 'client', 20, 50)));
    const client = waitingFor({ events, flushed });
    await client.until('TIME-WAIT');
    expect(client.counts.samples).toBe(0);
  });

  test('gives the cell’s place at work away once it takes long, for looking as well as for pausing', async () => {
    const client = waitingFor({
      events: [connectCall(9), connected(one, 12)],
      sight: blind,
      sampled: (count) => sample(30 + count * 10, ...(count < 10 ? [] : [shown(one, 'client', 'TIME-WAIT', 59_000)])),
    });
    await client.until('TIME-WAIT');
    // pauses of 0 to 32 ms at work, of 64 ms at rest
    expect(client.counts).toMatchObject({ samples: 10, rests: 2, samplesAtWork: 8 });
  });

  test('ends with the reason when the cell is given up', async () => {
    const failure = new AbortController();
    const flushed = (count: number) => void (count === 3 && failure.abort(new Error('given up')));
    const client = waitingFor({ events: opened(one, 10), flushed, signal: failure.signal });
    await expect(client.until('TIME-WAIT')).rejects.toMatchObject({ message: 'given up' });
  });
});
