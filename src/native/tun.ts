import { closeSync, constants, openSync } from 'node:fs';
import { IFF_NO_PI, IFF_TUN, TUNSETIFF } from './constants.ts';
import { ioctl } from './libc.ts';

/** Make a TUN device in the thread's present namespace; it goes with its descriptor, which is returned. Throws. */
export function openTun(name: string): number {
  const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const request = Buffer.alloc(40);
    request.write(name, 0, 15, 'latin1');
    request.writeInt16LE(IFF_TUN | IFF_NO_PI, 16);
    ioctl(fd, TUNSETIFF, request);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
