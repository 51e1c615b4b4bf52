import { expect, test } from 'vitest';
import { makeSpace } from '../../src/lab/space.ts';
import type { SsSocket } from '../../src/record/event.ts';
import { inNamespaces, runInside } from './namespace.ts';
import type { Printed } from './netlink-sockets.ts';

/** `ss` shows a timer of more than 10 s by whole seconds, and is asked a little before. */
const earlierMs = 1500;

const byEnds = (sockets: readonly SsSocket[]) =>
  new Map(sockets.map((each) => [`${each.local.address} ${each.local.port} ${each.remote.port} ${each.state}`, each]));
const withoutTime = (socket: SsSocket | undefined) => socket && { ...socket, timer: socket.timer?.name };

inNamespaces('the kernel asked directly', () => {
  using space = makeSpace('lab');
  const { ss, netlink } = runInside<Printed>(space, './netlink-sockets.ts');

  test('tells the same sockets as ss, field for field', () => {
    expect(ss.map(({ state }) => state).toSorted()).toEqual(
      [
        ...Array.from({ length: 9 }, () => 'LISTEN'),
        ...Array.from({ length: 6 }, () => 'ESTABLISHED'),
        ...Array.from({ length: 3 }, () => ['FIN-WAIT-2', 'CLOSE-WAIT', 'TIME-WAIT']).flat(),
      ].toSorted(),
    );
    const direct = byEnds(netlink);
    expect(netlink).toHaveLength(ss.length);
    for (const [ends, socket] of byEnds(ss)) expect(withoutTime(direct.get(ends)), ends).toEqual(withoutTime(socket));
  });

  test('tells the same timers, and more exactly', () => {
    const direct = byEnds(netlink);
    for (const [ends, { timer }] of byEnds(ss)) {
      if (!timer) continue;
      const { ms } = direct.get(ends)?.timer ?? { ms: Number.NaN };
      expect(Math.abs(ms - timer.ms), ends).toBeLessThan(earlierMs);
    }
  });
});
