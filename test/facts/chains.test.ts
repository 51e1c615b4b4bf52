import { describe, expect, test } from 'vitest';
import { enteredAt, foldChains, isOf } from '../../src/facts/chains.ts';
import { closedInTurn, flow, listened, ns, opened, segment, went } from './handmade.ts';

const one = flow();
const inOneSocket = [...opened(one, 10), ...closedInTurn(one, 'client', 20, 50), ...opened(one, 110)];

describe('folding transitions', () => {
  test('gives each full socket its role by how it begins', () => {
    const events = [...listened(1, 300), ...opened(one, 10), ...closedInTurn(one, 'client', 20, 50)];
    expect(foldChains(events).map(({ role }) => role)).toEqual(['listener', 'client', 'accepted']);
  });

  test('gives a connecting socket the port that it has from its second transition on', () => {
    const [client] = foldChains(opened(one, 10));
    expect(client?.local).toEqual({ address: '127.0.0.1', port: 40_000 });
    expect(client?.transitions[0]?.local.port).toBe(0);
  });

  test('begins another chain when the kernel uses a socket again', () => {
    const clients = foldChains(inOneSocket).filter(({ role }) => role === 'client');
    expect(clients.map(({ begins, until }) => [begins, until])).toEqual([
      [ns(10), ns(110)],
      [ns(110), Number.POSITIVE_INFINITY],
    ]);
    expect(clients.map(({ transitions }) => transitions.length)).toEqual([5, 2]);
  });

  test('takes a transition of no known socket for a chain without its beginning', () => {
    const [chain] = foldChains([went(one, 'client', 20, 'ESTABLISHED', 'FIN-WAIT-1')]);
    expect(chain?.role).toBe('headless');
  });

  test('does not add to a chain after its end', () => {
    const events = [
      ...opened(one, 10),
      ...closedInTurn(one, 'client', 20, 50),
      went(one, 'client', 60, 'LISTEN', 'CLOSED'),
    ];
    expect(foldChains(events).map(({ role, transitions }) => [role, transitions.length])).toEqual([
      ['client', 5],
      ['accepted', 5],
      ['headless', 1],
    ]);
  });
});

test('an event after →CLOSED is of the same life of the socket, until the next begins', () => {
  const [first, second] = foldChains(inOneSocket).filter(({ role }) => role === 'client');
  const lives = [60, 109.9, 110, 120].map((at) => {
    const event = segment('reset-sent', one, 'client', at);
    return [isOf(first!, event), isOf(second!, event)];
  });
  expect(lives).toEqual([
    [true, false],
    [true, false],
    [false, true],
    [false, true],
  ]);
  expect(isOf(first!, segment('reset-sent', one, 'server', 60))).toBe(false);
});

test('a state is entered when the first of the wanted ones is', () => {
  const [client] = foldChains(inOneSocket);
  expect(enteredAt(client, 'FIN-WAIT-1', 'LAST-ACK')).toBe(ns(20));
  expect(enteredAt(client, 'LAST-ACK')).toBeUndefined();
  expect(enteredAt(undefined, 'CLOSED')).toBeUndefined();
});
