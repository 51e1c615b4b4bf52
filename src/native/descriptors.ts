import { socketConstants as c } from './constants.ts';
import { bind, close, getsockname, type Message, recvmsg, sendmsg, socket } from './libc.ts';

/** CMSG_LEN() and CMSG_SPACE() of one int where size_t has 8 bytes, cmsg(3). */
const controlLength = 20;
const controlSpace = 24;
/** sizeof(struct sockaddr_un), unix(7). */
const longestName = 110;

/** One byte, which a message must have to carry a descriptor on every kind of socket, with room for a descriptor. */
const message = (name: Buffer | null, control: Buffer): Message => ({
  msg_name: name,
  msg_namelen: name?.length ?? 0,
  msg_iov: { iov_base: Buffer.alloc(1), iov_len: 1 },
  msg_iovlen: 1,
  msg_control: control,
  msg_controllen: control.length,
  msg_flags: 0,
});

/**
 * A socket to which another process of the same network namespace can send a descriptor. The kernel chooses its abstract
 * name, unix(7): autobind. Throws SystemCallError.
 */
export function openMailbox(): { readonly fd: number; readonly name: Buffer } {
  const fd = socket(c.AF_UNIX, c.SOCK_DGRAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
  try {
    const family = Buffer.alloc(2);
    family.writeUInt16LE(c.AF_UNIX);
    bind(fd, family, family.length);
    const name = Buffer.alloc(longestName);
    const length = Buffer.from(Int32Array.of(longestName).buffer);
    getsockname(fd, name, length);
    return { fd, name: name.subarray(0, length.readInt32LE()) };
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Send a descriptor to a mailbox: SCM_RIGHTS, unix(7). This process keeps its own. Throws SystemCallError. */
export function sendDescriptor(mailbox: Buffer, fd: number): void {
  const control = Buffer.alloc(controlSpace);
  control.writeBigUInt64LE(BigInt(controlLength), 0);
  control.writeInt32LE(c.SOL_SOCKET, 8);
  control.writeInt32LE(c.SCM_RIGHTS, 12);
  control.writeInt32LE(fd, 16);
  const from = socket(c.AF_UNIX, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0);
  try {
    sendmsg(from, message(mailbox, control), 0);
  } finally {
    close(from);
  }
}

/** The descriptor that was sent to a mailbox; throws SystemCallError, with EAGAIN where none was. */
export function receiveDescriptor(mailbox: number): number {
  const control = Buffer.alloc(controlSpace);
  recvmsg(mailbox, message(null, control), c.MSG_DONTWAIT | c.MSG_CMSG_CLOEXEC);
  if (control.readInt32LE(12) !== c.SCM_RIGHTS || control.readBigUInt64LE(0) !== BigInt(controlLength)) {
    throw new TypeError('the message carried no descriptor');
  }
  return control.readInt32LE(16);
}
