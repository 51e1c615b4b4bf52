import { readFileSync } from 'node:fs';

/**
 * Bytes that the kernel takes for one TIME-WAIT of IPv4: the object size of its slab cache, slabinfo(5), struct
 * tcp_timewait_sock. undefined where /proc/slabinfo may not be read, or has no such cache because the kernel merged it.
 */
export function bytesPerTimeWait(): number | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/slabinfo', 'latin1');
  } catch {
    return undefined;
  }
  const size = /^tw_sock_TCP\s+\d+\s+\d+\s+(\d+)\s/m.exec(text)?.[1];
  return size === undefined ? undefined : Number(size);
}
