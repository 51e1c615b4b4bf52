import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LingerlabError } from '../errors.ts';
import { addAddress6 } from '../native/namespaces.ts';
import { addressBytes } from '../tcp/address-text.ts';
import { batch } from './link.ts';
import type { Space } from './space.ts';

/** IFA_F_TENTATIVE of include/uapi/linux/if_addr.h: the address cannot be bound yet. */
const tentative = 0x40;
/** The kernel's own work makes an address of `lo` usable: within a ms, unless the machine is overloaded. */
const usableMs = 2000;

/**
 * Gives `lo` of a namespace one more IPv6 address, to which sockets connect from `::1` unless they are bound; resolves when it can
 * be bound. Throws NO_NAMESPACES, or NO_ANSWER of ip(8).
 */
export async function addLoopback6(space: Space, address: string): Promise<void> {
  space.inside(() => addAddress6('lo', address, 128));
  const deadline = performance.now() + usableMs;
  while (!isUsable(space, address)) {
    if (performance.now() > deadline)
      throw new LingerlabError('NO_NAMESPACES', `the loopback device lo refuses the address ${address}`, 'report this');
    await sleep(1);
  }
  // the kernel's own route would have sockets connect to the address from itself
  const route = `local ${address} dev lo table local`;
  await batch('ip', space, [`route del ${route}`, `route add ${route} src ::1`]);
}

/** By /proc/net/if_inet6, whose fifth column has the flags. */
function isUsable(space: Space, address: string): boolean {
  const bytes = Buffer.from(addressBytes(address)).toString('hex');
  return space.inside(() =>
    readFileSync('/proc/thread-self/net/if_inet6', 'latin1')
      .split('\n')
      .map((line) => line.split(/\s+/))
      .some(([which, , , , flags = '']) => which === bytes && (Number.parseInt(flags, 16) & tentative) === 0),
  );
}
