import { describe, expect, test } from 'vitest';
import { endName, viewOf } from '../../src/facts/connections.ts';
import type { SampleEvent } from '../../src/record/event.ts';
import {
  all,
  closedInTurn,
  connected,
  flow,
  ns,
  opened,
  sample,
  scenarioEnds,
  shown,
  timerExpire,
} from './handmade.ts';

const one = flow();
const old = flow({ label: 'old' });
const again = flow({ label: 'new', socket: { client: 'c1', server: '51' }, endpoint: { client: 3, server: 4 } });

describe('an endpoint', () => {
  test('is looked at from the beginning of its connection to that of the next with the same addresses', () => {
    const events = [
      ...[5, 40, 1247, 1300].map((at) => sample(at, shown(old, 'client', 'ESTABLISHED'))),
      ...opened(old, 10),
      ...closedInTurn(old, 'client', 20, 50),
      ...opened(again, 1250),
    ];
    const { connections } = viewOf(events, all);
    expect(connections.map(({ client }) => client.looks.map(({ from }) => from))).toEqual([[ns(40)], [ns(1300)]]);
    expect(connections.map(({ client }) => client.succeededAt)).toEqual([ns(1250), Number.POSITIVE_INFINITY]);
  });

  test('is looked at in its own namespace, where there are two', () => {
    const inSpace = (space: string, at: number): SampleEvent => ({ ...sample(at), space });
    const events = [...opened(one, 10), inSpace('client', 30), inSpace('server', 40)];
    const [connection] = viewOf(events, all).connections;
    expect(connection?.client.looks.map(({ from }) => from)).toEqual([ns(30)]);
    expect(connection?.server.looks.map(({ from }) => from)).toEqual([ns(40)]);
  });

  test('is not mistaken for the other end, whose addresses are its own the other way round', () => {
    const [connection] = viewOf([...opened(one, 10), sample(30, shown(one, 'server', 'CLOSE-WAIT'))], all).connections;
    expect(connection?.client.looks[0]?.socket).toBeUndefined();
    expect(connection?.server.looks[0]?.socket?.state).toBe('CLOSE-WAIT');
  });

  test.each([
    ['lines that were not understood', { unread: 1 }],
    ['TIME-WAITs that were left out', { leftOut: 2001 }],
  ])('is not taken for absent where a sample has %s, and is seen where it shows it', (_, rest) => {
    const events = [
      ...opened(one, 10),
      { ...sample(30), ...rest },
      { ...sample(40, shown(one, 'client', 'ESTABLISHED')), ...rest },
      sample(50),
    ];
    const [connection] = viewOf(events, all).connections;
    expect(connection?.client.looks.map(({ from, socket }) => [from, socket?.state])).toEqual([
      [ns(40), 'ESTABLISHED'],
      [ns(50), undefined],
    ]);
  });

  test('has no chain that began after the harness knew it', () => {
    const late = opened(one, 20).filter(({ kind }) => kind !== 'connection');
    const [connection] = viewOf([connected(one, 12), ...late], all).connections;
    expect(connection?.client.chain).toBeUndefined();
  });
});

test('events are in the order of time, and end with the horizon', () => {
  const events = [timerExpire(90), ...opened(one, 10).toReversed(), scenarioEnds(50)];
  const view = viewOf(events, all, ns(50));
  expect(view.events.map(({ t }) => t)).toEqual(view.events.map(({ t }) => t).toSorted((a, b) => a - b));
  expect(view.events.length).toBe(events.length - 1);
  expect(view.miniTimers).toEqual([]);
});

test("an end's facts have the connection's label in front, where it has one", () => {
  expect([endName('', 'client'), endName('old', 'server')]).toEqual(['client', 'old.server']);
});
