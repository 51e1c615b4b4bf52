import { messageOf } from '../errors.ts';
import { readAvailable, refusedWrite } from '../native/libc.ts';

/** What the pump needs of a device: packets whole, one at a time, without waiting. Nothing of it throws. */
export interface Device {
  /** The length of a packet that it read to there; -1: none waits. */
  read(into: Uint8Array): number;
  /** Why the kernel did not take the packet: an errno's name; undefined where it did. */
  write(packet: Uint8Array): string | undefined;
  /** Why it can be read no more. */
  readonly error: string | undefined;
}

/** The device behind a TUN descriptor, which stays its opener's. */
export function tunDevice(fd: number): Device {
  let error: string | undefined;
  return {
    read(into) {
      try {
        return readAvailable(fd, into);
      } catch (thrown) {
        error = messageOf(thrown);
        return -1;
      }
    },
    write: (packet) => refusedWrite(fd, packet),
    get error() {
      return error;
    },
  };
}
