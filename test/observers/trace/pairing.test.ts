import { describe, expect, test } from 'vitest';
import { makePairing } from '../../../src/observers/trace/pairing.ts';
import type { Event } from '../../../src/record/event.ts';
import { flow, segment, timerExpire, timerStart, went } from '../../facts/handmade.ts';

const one = flow();
const start = (at: number, timer = 'a0', cpu = 0) => timerStart(at, timer, cpu);
/** The full socket's end, 3 µs after its mini-socket's timer was started. */
const closed = (at: number, cpu = 0, from: 'FIN-WAIT-2' | 'CLOSING' = 'FIN-WAIT-2') =>
  went(one, 'client', at, from, 'CLOSED', cpu);

function paired(...events: Event[]): Event[] {
  const pairing = makePairing();
  return events.flatMap((event) => pairing.take(event));
}
const kinds = (events: readonly Event[]) => events.map(({ kind }) => kind);

describe('a timer and the end of a full socket', () => {
  test.each(['FIN-WAIT-2', 'CLOSING'] as const)(
    'are a mini-socket that the socket left in %s, on the same CPU',
    (from) => {
      const [mini, ...rest] = paired(start(10), closed(10.003, 0, from));
      expect(mini).toEqual({
        ...start(10),
        kind: 'mini-socket',
        socket: one.socket.client,
        local: one.address.client,
        remote: one.address.server,
      });
      expect(rest).toEqual([closed(10.003, 0, from)]);
    },
  );

  test('on another CPU have nothing to do with each other', () => {
    expect(paired(start(10, 'a0', 0), closed(10.003, 1))).toEqual([closed(10.003, 1)]);
  });

  test('are paired on each CPU apart, however their buffers are read', () => {
    const events = paired(start(10, 'a0', 0), start(10.001, 'a1', 1), closed(10.003, 0), closed(10.004, 1));
    expect(events.flatMap((event) => (event.kind === 'mini-socket' ? [[event.cpu, event.timer]] : []))).toEqual([
      [0, 'a0'],
      [1, 'a1'],
    ]);
  });

  test('are not paired when the end comes too late to be of one hand-over', () => {
    expect(paired(start(10), closed(300))).toEqual([closed(300)]);
  });

  test('may be of one hand-over, while which a hypervisor had the CPU: then the trace does not tell', () => {
    expect(paired(start(10), closed(16.2))).toEqual([{ ...closed(16.2), handOver: 'unclear' }]);
  });

  test.each(['LAST-ACK', 'ESTABLISHED', 'CLOSE-WAIT', 'FIN-WAIT-1'] as const)(
    'are not paired when the socket ends in %s, which leaves no mini-socket',
    (from) => {
      expect(kinds(paired(start(10), went(one, 'server', 10.003, from, 'CLOSED')))).toEqual(['transition']);
    },
  );

  test('are not paired when another transition of that CPU lies between', () => {
    const other = went(one, 'server', 10.002, 'CLOSE-WAIT', 'LAST-ACK');
    expect(kinds(paired(start(10), other, closed(10.003)))).toEqual(['transition', 'transition']);
  });

  test('are paired once: the next socket that ends has another timer or none', () => {
    expect(kinds(paired(start(10), closed(10.003), closed(10.006)))).toEqual([
      'mini-socket',
      'transition',
      'transition',
    ]);
  });

  test('of two timers, the later one is paired', () => {
    const [mini] = paired(start(10, 'f0'), start(10.1, 'a0'), closed(10.103));
    expect(mini).toMatchObject({ kind: 'mini-socket', timer: 'a0' });
  });
});

describe('a timer that is not paired', () => {
  test('is dropped with its end: it is somebody else’s', () => {
    expect(paired(start(10, 'f0'), timerExpire(60_000, 'f0'))).toEqual([]);
  });

  test('is kept when it is known: a restart of a mini-socket', () => {
    const known = paired(start(10), closed(10.003), start(500), start(900, 'f0'), start(1000));
    expect(known.slice(2)).toEqual([start(500)]);
  });

  test('is kept when the restart makes the other end reach CLOSED on the same CPU', () => {
    const lastAck = went(one, 'server', 500.005, 'LAST-ACK', 'CLOSED');
    expect(paired(start(10), closed(10.003), start(500), lastAck).slice(2)).toEqual([start(500), lastAck]);
  });

  test('is kept when nothing follows on its CPU before the timer ends', () => {
    const events = paired(start(10), closed(10.003), start(500), timerExpire(60_500, 'a0', 1));
    expect(events.slice(2)).toEqual([start(500), timerExpire(60_500, 'a0', 1)]);
  });
});

describe('the address of a timer', () => {
  test('is nobody’s after the timer ended: its next use is somebody else’s', () => {
    const events = paired(start(10), closed(10.003), timerExpire(60_000), start(60_100), timerExpire(120_000));
    expect(kinds(events)).toEqual(['mini-socket', 'transition', 'mini-timer-expire']);
  });

  test('is a new mini-socket’s when a full socket ends right after its start, though it was known', () => {
    const other = flow({ socket: { client: 'c7', server: '' } });
    const second = went(other, 'client', 20.003, 'FIN-WAIT-2', 'CLOSED');
    const events = paired(start(10), closed(10.003), start(20), second, timerExpire(60_000));
    expect(kinds(events)).toEqual(['mini-socket', 'transition', 'mini-socket', 'transition', 'mini-timer-expire']);
    expect(events[2]).toMatchObject({ socket: 'c7' });
  });
});

test('other events pass through at once', () => {
  const reset = segment('reset-sent', one, 'client', 10.001);
  expect(paired(start(10), reset, closed(10.003)).map(({ kind }) => kind)).toEqual([
    'reset-sent',
    'mini-socket',
    'transition',
  ]);
});
