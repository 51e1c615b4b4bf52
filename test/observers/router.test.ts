import { describe, expect, test } from 'vitest';
import { Router } from '../../src/observers/router.ts';
import type { Event } from '../../src/record/event.ts';
import { flow, lost, miniSocket, segment, timerExpire, timerStart, went } from '../facts/handmade.ts';

const one = flow();
const two = flow({
  address: { client: { address: '127.0.0.1', port: 40_000 }, server: { address: '127.64.0.2', port: 10_241 } },
});

function cells() {
  const router = new Router();
  const seen = { one: [] as Event[], two: [] as Event[] };
  const sinks = { one: (event: Event) => void seen.one.push(event), two: (event: Event) => void seen.two.push(event) };
  router.add(sinks.one, ['127.64.0.1']);
  router.addPort(sinks.one, 10_240);
  router.add(sinks.two, ['127.64.0.2']);
  router.addPort(sinks.two, 10_241);
  const route = (...events: Event[]): void => {
    for (const event of events) router.route(event);
  };
  return { router, route, seen, sinks };
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

  test('belongs to the cell that has the address, whatever its port, and whoever has that port elsewhere', () => {
    const { route, seen } = cells();
    const server = { address: '127.64.0.1', port: 8080 };
    const overlapping = flow({ address: { client: { address: '127.64.0.1', port: 10_241 }, server } });
    const events = [
      went(overlapping, 'server', 1, 'CLOSED', 'LISTEN'),
      went(overlapping, 'client', 2, 'SYN-SENT', 'ESTABLISHED'),
      segment('reset-sent', overlapping, 'client', 3),
    ];
    route(...events);
    expect(seen).toEqual({ one: events, two: [] });
  });

  test('goes nowhere where a listener ends that was never seen to begin: the kernel had chosen its port', () => {
    const { route, seen } = cells();
    route(went(one, 'server', 1, 'LISTEN', 'CLOSED'));
    expect(seen.one).toEqual([]);
    const whole = [went(one, 'server', 2, 'CLOSED', 'LISTEN'), went(one, 'server', 3, 'LISTEN', 'CLOSED')];
    route(...whole);
    expect(seen.one).toEqual(whole);
  });
});

/** A connection on IPv6 loopback; a connecting socket has no port before its SYN. */
function on6(client: number, server: number, sockets: { client: string; server: string }) {
  const local = { address: '::1', port: client };
  const remote = { address: '::1', port: server };
  const whole = flow({ family: 6, socket: sockets, address: { client: local, server: remote } });
  const before = flow({ ...whole, address: { client: { ...local, port: 0 }, server: remote } });
  const listener = flow({
    ...whole,
    socket: { ...sockets, server: `${sockets.server}-listener` },
    address: { client: { address: '::', port: 0 }, server: { address: '::', port: server } },
  });
  return {
    listens: went(listener, 'server', 1, 'CLOSED', 'LISTEN'),
    sends: went(before, 'client', 2, 'CLOSED', 'SYN-SENT'),
    rest: [
      went(whole, 'client', 3, 'SYN-SENT', 'ESTABLISHED'),
      went(whole, 'server', 4, 'LISTEN', 'SYN-RECEIVED'),
      went(whole, 'server', 5, 'SYN-RECEIVED', 'ESTABLISHED'),
      segment('reset-sent', whole, 'client', 6),
      segment('reset-received', flow({ ...whole, socket: { client: '', server: '' } }), 'server', 6),
      miniSocket(whole, 'client', 7, sockets.client),
      went(whole, 'client', 7, 'FIN-WAIT-2', 'CLOSED'),
      timerExpire(8, sockets.client),
      went(whole, 'server', 9, 'LAST-ACK', 'CLOSED'),
    ],
  };
}

describe('at an address that cells share', () => {
  test('a socket is followed from its beginning, though its other port is another cell’s', () => {
    const { route, seen } = cells();
    const { listens, sends, rest } = on6(10_241, 10_240, { client: 'c', server: 's' });
    route(listens, sends, ...rest);
    expect(seen).toEqual({ one: [listens, sends, ...rest], two: [] });
  });

  test('a socket of a port that no cell has goes nowhere', () => {
    const { route, seen } = cells();
    const { listens, sends, rest } = on6(40_000, 8080, { client: 'c', server: 's' });
    route(listens, sends, ...rest);
    expect(seen).toEqual({ one: [], two: [] });
  });

  test('at a port that two cells name, each has what began in its turn', async () => {
    const { router, route, seen, sinks } = cells();
    const first = on6(40_000, 8080, { client: 'c1', server: 's1' });
    const second = on6(40_002, 8080, { client: 'c2', server: 's2' });
    for (const sink of [sinks.one, sinks.two]) router.addNamed(sink, 8080);
    expect(router.named).toEqual([8080]);
    expect(router.needsTurn({ address: '::', port: 8080 })).toBe(true);
    expect(router.needsTurn({ address: '127.64.0.1', port: 8080 })).toBe(false);
    expect(router.needsTurn({ address: '::1', port: 10_240 })).toBe(false);
    const inTurn = async (sink: (event: Event) => void, event: Event): Promise<void> => {
      const turn = await router.turn(
        sink,
        8080,
        event === first.listens || event === second.listens ? 'LISTEN' : 'SYN-SENT',
      );
      route(event);
      await turn.begun;
      turn.end();
    };
    await inTurn(sinks.one, first.listens);
    await inTurn(sinks.two, second.listens);
    await inTurn(sinks.two, second.sends);
    await inTurn(sinks.one, first.sends);
    route(...first.rest.flatMap((event, nth) => [event, second.rest[nth]!]));
    expect(seen.one).toEqual([first.listens, first.sends, ...first.rest]);
    expect(seen.two).toEqual([second.listens, second.sends, ...second.rest]);
  });

  test('what another program begins there otherwise does not end a turn: what the step begins is still to come', async () => {
    const { router, route, seen, sinks } = cells();
    router.addNamed(sinks.one, 8080);
    const own = on6(40_000, 8080, { client: 'c1', server: 's1' });
    const strangers = on6(40_002, 8080, { client: 'c2', server: 's2' });
    const during = async (by: 'LISTEN' | 'SYN-SENT', ...events: readonly Event[]) => {
      const turn = await router.turn(sinks.one, 8080, by);
      let hasBegun = false;
      void turn.begun.then(() => {
        hasBegun = true;
      });
      for (const event of events) {
        route(event);
        await Promise.resolve();
        if (hasBegun) turn.end();
      }
      expect(hasBegun).toBe(true);
    };
    await during('LISTEN', strangers.sends, own.listens);
    await during('SYN-SENT', strangers.listens, own.sends);
    route(...own.rest);
    expect(seen.one).toEqual([own.listens, own.sends, ...own.rest]);
  });

  test('of the same connection in two cells, each has its own accepted end, whosever turn it is then', async () => {
    const { router, route, seen, sinks } = cells();
    for (const sink of [sinks.one, sinks.two]) router.addNamed(sink, 8080);
    const first = on6(9090, 8080, { client: 'c1', server: 's1' });
    const second = on6(9090, 8080, { client: 'c2', server: 's2' });
    const began = async (sink: (event: Event) => void, event: Event): Promise<void> => {
      const turn = await router.turn(sink, 8080, 'SYN-SENT');
      route(event);
      await turn.begun;
      turn.end();
    };
    await began(sinks.one, first.sends);
    route(...first.rest);
    await began(sinks.two, second.sends);
    // the turn is over, and another cell's has begun
    await router.turn(sinks.one, 8080, 'SYN-SENT');
    route(...second.rest.filter((event) => 'socket' in event && event.socket !== ''));
    expect(seen.two.filter(({ kind }) => kind === 'transition')).toEqual(
      [second.sends, ...second.rest].filter(({ kind }) => kind === 'transition'),
    );
    expect(seen.one.filter(({ kind }) => kind === 'transition')).toEqual(
      [first.sends, ...first.rest].filter(({ kind }) => kind === 'transition'),
    );
  });

  test('a cell waits until the other’s turn has ended, and a cell that is removed keeps nobody waiting', async () => {
    const { router, sinks } = cells();
    const order: string[] = [];
    const turn = await router.turn(sinks.one, 8080, 'LISTEN');
    const next = router.turn(sinks.two, 8080, 'LISTEN').then((taken) => {
      order.push('two');
      return taken;
    });
    await Promise.resolve();
    order.push('one ends');
    router.remove(sinks.one);
    await turn.begun;
    turn.end();
    turn.end();
    (await next).end();
    expect(order).toEqual(['one ends', 'two']);
    (await router.turn(sinks.one, 8080, 'LISTEN')).end();
  });
});

describe('at an address that a scenario names', () => {
  /** One cell names 127.0.0.2 and 127.0.0.3, another only 127.0.0.9; each has a port of its own. */
  function naming() {
    const known = cells();
    for (const address of ['127.0.0.2', '127.0.0.3']) known.router.addPlace(known.sinks.one, address);
    known.router.addPlace(known.sinks.two, '127.0.0.9');
    return known;
  }
  const at = (port: number, socket: string) =>
    flow({
      socket: { client: `${socket}c`, server: `${socket}s` },
      address: { client: { address: '127.0.0.3', port: 40_000 }, server: { address: '127.0.0.2', port } },
    });
  const listening = (port: number, socket: string) =>
    flow({
      socket: { client: '', server: `${socket}l` },
      address: { client: { address: '0.0.0.0', port: 0 }, server: { address: '127.0.0.2', port } },
    });
  const whole = (port: number, socket: string) => {
    const connection = at(port, socket);
    return [
      went(listening(port, socket), 'server', 1, 'CLOSED', 'LISTEN'),
      went(connection, 'client', 2, 'CLOSED', 'SYN-SENT'),
      went(connection, 'client', 3, 'SYN-SENT', 'ESTABLISHED'),
      went(connection, 'server', 4, 'LISTEN', 'SYN-RECEIVED'),
      segment('reset-sent', connection, 'client', 5),
    ];
  };

  test('each has what happens at its own port', () => {
    const { route, router, seen, sinks } = naming();
    for (const address of ['127.0.0.2', '127.0.0.3']) router.addPlace(sinks.two, address);
    const [first, second] = [whole(10_240, 'a'), whole(10_241, 'b')];
    route(...first.flatMap((event, nth) => [event, second[nth]!]));
    expect(seen).toEqual({ one: first, two: second });
  });

  test('nothing is of a cell that has the port and did not name the address', () => {
    const { route, seen } = naming();
    route(...whole(10_241, 'b'));
    expect(seen).toEqual({ one: [], two: [] });
  });

  test('a port that several cells name is taken in turns there', () => {
    const { router, sinks } = naming();
    router.addNamed(sinks.one, 8080);
    expect(router.needsTurn({ address: '127.0.0.2', port: 8080 })).toBe(true);
    expect(router.needsTurn({ address: '127.0.0.4', port: 8080 })).toBe(false);
    router.remove(sinks.one);
    expect(router.needsTurn({ address: '127.0.0.2', port: 8080 })).toBe(false);
  });

  test('what is a cell’s own stays so', () => {
    const { route, router, seen, sinks } = naming();
    router.addPlace(sinks.two, '127.64.0.1');
    route(went(one, 'server', 1, 'CLOSED', 'LISTEN'));
    expect(seen.one).toHaveLength(1);
    expect(seen.two).toEqual([]);
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

test('lost events are told once to every cell that has a port', () => {
  const { router, seen, sinks } = cells();
  router.addPort(sinks.one, 10_500);
  router.add(() => expect.unreachable(), ['127.64.0.3']);
  router.route(lost(10, 3));
  expect(seen).toEqual({ one: [lost(10, 3)], two: [lost(10, 3)] });
});

test('a cell that is removed hears nothing more, by address, port or timer; the others do', () => {
  const { router, seen, sinks } = cells();
  router.addPort(sinks.one, 10_500);
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
