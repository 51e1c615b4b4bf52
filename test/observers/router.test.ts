import { describe, expect, test } from 'vitest';
import { Router } from '../../src/observers/router.ts';
import type { Event } from '../../src/record/event.ts';
import { flow, lost, miniSocket, segment, timerExpire, timerStart, went } from '../facts/handmade.ts';

const one = flow();
const two = flow({
  address: { client: { address: '127.0.0.1', port: 40_000 }, server: { address: '127.64.0.2', port: 10_241 } },
});

const isOwn = (own: string) => (address: string) => address === own;

function cells() {
  const router = new Router();
  const seen = { one: [] as Event[], two: [] as Event[] };
  const sinks = { one: (event: Event) => void seen.one.push(event), two: (event: Event) => void seen.two.push(event) };
  router.add(10_240, isOwn('127.64.0.1'), sinks.one);
  router.add(10_241, isOwn('127.64.0.2'), sinks.two);
  return { router, seen, sinks };
}

describe('an event with addresses', () => {
  test.each(['client', 'server'] as const)('of the %s goes to the cell that has the listener’s port', (end) => {
    const { router, seen } = cells();
    const events = [went(two, end, 10, 'ESTABLISHED', 'FIN-WAIT-1'), segment('reset-sent', two, end, 11)];
    for (const event of events) router.route(event);
    expect(seen).toEqual({ one: [], two: events });
  });

  test('of a port that no cell has goes nowhere', () => {
    const { router, seen } = cells();
    const stranger = flow({ address: { ...one.address, server: { address: '127.0.0.1', port: 80 } } });
    router.route(went(stranger, 'client', 10, 'ESTABLISHED', 'FIN-WAIT-1'));
    expect(seen).toEqual({ one: [], two: [] });
  });

  test('of a port that a stranger has at another address goes nowhere', () => {
    const { router, seen } = cells();
    const stranger = flow({ address: { ...one.address, server: { address: '127.0.0.1', port: 10_240 } } });
    router.route(went(stranger, 'server', 10, 'CLOSED', 'LISTEN'));
    expect(seen).toEqual({ one: [], two: [] });
  });

  test('of a cell with two ports goes to it through each', () => {
    const { router, seen, sinks } = cells();
    router.add(10_500, isOwn('127.64.0.1'), sinks.one);
    const second = flow({ address: { ...one.address, server: { address: '127.64.0.1', port: 10_500 } } });
    router.route(went(second, 'server', 10, 'CLOSED', 'LISTEN'));
    expect(seen.one.length).toBe(1);
  });
});

describe('the timer of a mini-socket', () => {
  test('belongs to the cell whose full socket left it: restarts and end', () => {
    const { router, seen } = cells();
    const events = [miniSocket(two, 'client', 10, 'a0'), timerStart(500, 'a0'), timerExpire(60_000, 'a0')];
    for (const event of events) router.route(event);
    expect(seen).toEqual({ one: [], two: events });
  });

  test('is nobody’s after its end', () => {
    const { router, seen } = cells();
    for (const event of [miniSocket(two, 'client', 10), timerExpire(60_000), timerStart(60_001), timerExpire(90_000)])
      router.route(event);
    expect(seen.two.map(({ kind }) => kind)).toEqual(['mini-socket', 'mini-timer-expire']);
  });

  test('belongs to the later cell when the kernel uses its address again', () => {
    const { router, seen } = cells();
    for (const event of [miniSocket(one, 'client', 10), miniSocket(two, 'client', 20), timerExpire(60_020)])
      router.route(event);
    expect(seen.one.map(({ kind }) => kind)).toEqual(['mini-socket']);
    expect(seen.two.map(({ kind }) => kind)).toEqual(['mini-socket', 'mini-timer-expire']);
  });

  test('that no cell knows goes nowhere', () => {
    const { router, seen } = cells();
    router.route(timerExpire(10, 'f0'));
    expect(seen).toEqual({ one: [], two: [] });
  });
});

test('lost events are told to every cell, once', () => {
  const { router, seen, sinks } = cells();
  router.add(10_500, isOwn('127.64.0.1'), sinks.one);
  router.route(lost(10, 3));
  expect(seen).toEqual({ one: [lost(10, 3)], two: [lost(10, 3)] });
});

test('a cell that is removed hears nothing more, by port or timer; the others do', () => {
  const { router, seen, sinks } = cells();
  router.add(10_500, isOwn('127.64.0.1'), sinks.one);
  router.route(miniSocket(one, 'client', 10, 'a0'));
  router.route(miniSocket(two, 'client', 10, 'a1'));
  router.remove(sinks.one);
  for (const event of [
    went(one, 'client', 20, 'ESTABLISHED', 'FIN-WAIT-1'),
    timerExpire(60_000, 'a0'),
    timerExpire(60_000, 'a1'),
    lost(60_001, 1),
  ])
    router.route(event);
  expect(seen.one.map(({ kind }) => kind)).toEqual(['mini-socket']);
  expect(seen.two.map(({ kind }) => kind)).toEqual(['mini-socket', 'mini-timer-expire', 'lost']);
});
