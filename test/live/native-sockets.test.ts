import { expect, test } from 'vitest';
import { makeSpace } from '../../src/lab/space.ts';
import { inNamespaces, runInside } from './namespace.ts';
import type { Printed } from './native-connected-pair.ts';

inNamespaces('descriptors of connected net sockets', () => {
  using space = makeSpace('lab');
  const printed = runInside<Printed>(space, './native-connected-pair.ts');

  test('options that are set read back', () => {
    expect(printed.options).toEqual({
      'SO_LINGER 0': 0,
      'SO_LINGER 5': 5,
      'SO_LINGER off': 'off',
      'TCP_LINGER2 3': 3,
      'TCP_LINGER2 -1': -1,
      'SO_REUSEADDR true': true,
      'SO_REUSEPORT true': true,
      'IP_BIND_ADDRESS_NO_PORT true': true,
    });
  });

  test('an accepted socket has the options of its listener, on which libuv set SO_REUSEADDR', () => {
    expect(printed.accepted).toEqual({ SO_LINGER: 7, TCP_LINGER2: 9, SO_REUSEADDR: true });
  });

  test('TCP_INFO tells a listener, an established connection and its round trip', () => {
    expect(printed.listening).toBe('LISTEN');
    for (const { state, retransmits, unacked, rttUs, rtoUs } of printed.established) {
      expect([state, retransmits, unacked]).toEqual(['ESTABLISHED', 0, 0]);
      expect(rttUs).toBeGreaterThan(0);
      expect(rttUs).toBeLessThan(1_000_000);
      expect(rtoUs).toBeGreaterThanOrEqual(200_000);
    }
  });

  test('TCP_INFO tells the states of a connection of which one end is shut down', () => {
    expect(printed.halfClosed).toEqual(['FIN-WAIT-2', 'CLOSE-WAIT']);
  });

  test('SIOCOUTQ tells what the other kernel has no room for, and TCP_INFO that it was never sent', () => {
    const { written, taken, sendQueue, notSent } = printed.held;
    expect(taken).toBeGreaterThan(0);
    expect(sendQueue).toBe(written - taken);
    expect(sendQueue).toBeGreaterThan(0);
    expect(notSent).toBe(sendQueue);
  });

  test('the pending error of a socket that was reset is told once', () => {
    expect(printed.reset).toEqual({ state: 'CLOSED', error: 'ECONNRESET', again: 'none' });
  });
});
