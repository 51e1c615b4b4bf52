import { constants } from 'node:os';
import { loadKoffi } from './koffi.ts';

const koffi = loadKoffi();

/**
 * The only place that declares libc functions, but for exit.ts. Calls are synchronous: `koffi.errno()` is lost after an asynchronous one,
 * and pool threads stay in the network namespace in which they started.
 */
const libc = koffi.load('libc.so.6');

/** Second names of numbers that Linux has under another: what strace and the kernel's sources print is the first. */
const aliases = new Set(['EWOULDBLOCK', 'ENOTSUP']);
const names = new Map(
  Object.entries(constants.errno)
    .filter(([name]) => !aliases.has(name))
    .map(([name, value]) => [value, name]),
);

/** The name of an errno value, `E<number>` where Node does not know it. */
export const errnoName = (errno: number): string => names.get(errno) ?? `E${errno}`;

/** A system call that the kernel refused. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly syscall: string;
  /** The errno's name: EADDRINUSE. */
  readonly errno: string;

  constructor(syscall: string, errno: string) {
    super(`${syscall}: ${errno}`);
    this.syscall = syscall;
    this.errno = errno;
  }
}

koffi.struct('iovec', { iov_base: 'void *', iov_len: 'size_t' });
koffi.struct('msghdr', {
  msg_name: 'void *',
  msg_namelen: 'uint32_t',
  msg_iov: 'iovec *',
  msg_iovlen: 'size_t',
  msg_control: 'void *',
  msg_controllen: 'size_t',
  msg_flags: 'int',
});

/** struct msghdr with one struct iovec, recvmsg(2). */
export interface Message {
  readonly msg_name: Uint8Array | null;
  readonly msg_namelen: number;
  readonly msg_iov: { readonly iov_base: Uint8Array; readonly iov_len: number };
  readonly msg_iovlen: 1;
  readonly msg_control: Uint8Array;
  readonly msg_controllen: number;
  readonly msg_flags: number;
}

type Argument = number | bigint | string | null | Uint8Array | Message | readonly (string | null)[];

/** A libc function that returns -1 and sets errno on failure; the wrapper throws {@link SystemCallError} instead. */
/* @__NO_SIDE_EFFECTS__ */
const call = (name: string, signature: string) => {
  const native = libc.func(signature);
  return (...args: Argument[]): number => {
    const result = Number(native(...args));
    if (result === -1) throw new SystemCallError(name, errnoName(koffi.errno()));
    return result;
  };
};

export const close = call('close', 'int close(int)');
const nativeClose = libc.func('int close(int)');
/**
 * close(2) in a thread of libuv's pool, which waits where it lingers. Rejects with {@link SystemCallError}; its errno is lost
 * on the way.
 */
export const closeInPool = (fd: number): Promise<void> =>
  new Promise((resolve, reject) => {
    nativeClose.async(fd, (error: unknown, result: number) => {
      if (error) reject(error);
      else if (result === -1) reject(new SystemCallError('close', 'unknown'));
      else resolve();
    });
  });
export const dup = call('dup', 'int dup(int)');
export const dup2 = call('dup2', 'int dup2(int, int)');
export const socket = call('socket', 'int socket(int, int, int)');
export const bind = call('bind', 'int bind(int, void *, uint32_t)');
export const listen = call('listen', 'int listen(int, int)');
export const connect = call('connect', 'int connect(int, void *, uint32_t)');
/** accept(2) with flags for the new descriptor. */
export const accept = call('accept', 'int accept4(int, void *, void *, int)');
export const poll = call('poll', 'int poll(void *, unsigned long, int)');
export const getsockname = call('getsockname', 'int getsockname(int, void *, void *)');
export const getpeername = call('getpeername', 'int getpeername(int, void *, void *)');
export const read = call('read', 'long read(int, void *, size_t)');
export const write = call('write', 'long write(int, void *, size_t)');
export const sendmsg = call('sendmsg', 'long sendmsg(int, msghdr *, int)');
export const recvmsg = call('recvmsg', 'long recvmsg(int, msghdr *, int)');
export const shutdown = call('shutdown', 'int shutdown(int, int)');
export const setsockopt = call('setsockopt', 'int setsockopt(int, int, int, void *, uint32_t)');
export const getsockopt = call('getsockopt', 'int getsockopt(int, int, int, void *, void *)');
export const unshare = call('unshare', 'int unshare(int)');
export const setns = call('setns', 'int setns(int, int)');
export const prctl = call('prctl', 'int prctl(int, unsigned long)');
export const flock = call('flock', 'int flock(int, int)');
export const ioctl = call('ioctl', 'int ioctl(int, unsigned long, void *)');
export const schedSetaffinity = call('sched_setaffinity', 'int sched_setaffinity(int, size_t, void *)');
export const schedSetscheduler = call('sched_setscheduler', 'int sched_setscheduler(int, int, void *)');
export const mount = call('mount', 'int mount(const char *, const char *, const char *, unsigned long, void *)');
export const clockNanosleep = call('clock_nanosleep', 'int clock_nanosleep(int, int, void *, void *)');
export const clockGettime = call('clock_gettime', 'int clock_gettime(int, void *)');
export const clockGetcpuclockid = call('clock_getcpuclockid', 'int clock_getcpuclockid(int, void *)');
export const getrusage = call('getrusage', 'int getrusage(int, void *)');
export const clockGetres = call('clock_getres', 'int clock_getres(int, void *)');

export const socketpair = call('socketpair', 'int socketpair(int, int, int, void *)');
export const waitpid = call('waitpid', 'int waitpid(int, void *, int)');
export const sigfillset = call('sigfillset', 'int sigfillset(void *)');

/** A libc function that returns 0 or an errno; the wrapper throws {@link SystemCallError} for one. */
/* @__NO_SIDE_EFFECTS__ */
const posix = (name: string, parameters: string) => {
  const native = libc.func(`int ${name}(${parameters})`);
  return (...args: Argument[]): void => {
    const errno = Number(native(...args));
    if (errno !== 0) throw new SystemCallError(name, errnoName(errno));
  };
};

export const posixSpawnp = posix('posix_spawnp', 'void *, const char *, void *, void *, const char **, const char **');
export const posixSpawnAttr = {
  init: posix('posix_spawnattr_init', 'void *'),
  setflags: posix('posix_spawnattr_setflags', 'void *, short'),
  setsigdefault: posix('posix_spawnattr_setsigdefault', 'void *, void *'),
  destroy: posix('posix_spawnattr_destroy', 'void *'),
};
export const posixSpawnActions = {
  init: posix('posix_spawn_file_actions_init', 'void *'),
  adddup2: posix('posix_spawn_file_actions_adddup2', 'void *, int, int'),
  destroy: posix('posix_spawn_file_actions_destroy', 'void *'),
};

export const timerfdCreate = call('timerfd_create', 'int timerfd_create(int, int)');
export const timerfdSettime = call('timerfd_settime', 'int timerfd_settime(int, int, void *, void *)');

export const epollCreate = call('epoll_create1', 'int epoll_create1(int)');
export const epollCtl = call('epoll_ctl', 'int epoll_ctl(int, int, int, void *)');
export const epollWait = call('epoll_wait', 'int epoll_wait(int, void *, int, int)');

export const inetPton = call('inet_pton', 'int inet_pton(int, const char *, void *)');
const nativeNtop = libc.func('void *inet_ntop(int, void *, void *, uint32_t)');

/** The text of a binary address, inet_ntop(3). */
export function inetNtop(family: number, address: Uint8Array): string {
  const text = Buffer.alloc(46);
  nativeNtop(family, address, text, text.length);
  return text.toString('latin1', 0, text.indexOf(0));
}

/** if_nametoindex(3) of the thread's namespace; 0 where it has no such device. */
export const ifNametoindex: (name: string) => number = libc.func('uint32_t if_nametoindex(const char *)');
const nativeIndextoname = libc.func('void *if_indextoname(uint32_t, void *)');

/** if_indextoname(3) of the thread's namespace; the number where it has no such device any more. */
export function ifIndextoname(index: number): string {
  const name = Buffer.alloc(16);
  nativeIndextoname(index, name);
  return name.toString('latin1', 0, name.indexOf(0)) || String(index);
}

const nativeRead = libc.func('long read(int, void *, size_t)');
const EAGAIN = constants.errno.EAGAIN;

/** read(2) on a non-blocking descriptor: the bytes read, or -1 when nothing waits. Throws {@link SystemCallError} otherwise. */
export function readAvailable(fd: number, into: Uint8Array): number {
  const result = Number(nativeRead(fd, into, into.length));
  if (result >= 0) return result;
  const errno = koffi.errno();
  if (errno === EAGAIN) return -1;
  throw new SystemCallError('read', errnoName(errno));
}

const nativeConnect = libc.func('int connect(int, void *, uint32_t)');
const EINPROGRESS = constants.errno.EINPROGRESS;

/** connect(2) of a non-blocking socket; undefined where it goes on or is done, else the errno's name. */
export function refusedConnect(fd: number, address: Uint8Array): string | undefined {
  if (nativeConnect(fd, address, address.length) === 0) return undefined;
  const errno = koffi.errno();
  return errno === EINPROGRESS ? undefined : errnoName(errno);
}

const nativeAccept = libc.func('int accept4(int, void *, void *, int)');

/** accept(2) of a non-blocking listener: the descriptor, or -1 when nothing waits. Throws {@link SystemCallError} otherwise. */
export function acceptAvailable(fd: number, flags: number): number {
  const result = Number(nativeAccept(fd, null, null, flags));
  if (result >= 0) return result;
  const errno = koffi.errno();
  if (errno === EAGAIN) return -1;
  throw new SystemCallError('accept', errnoName(errno));
}

const nativeWrite = libc.func('long write(int, void *, size_t)');

/** write(2) of all these bytes; the errno's name where the kernel refuses them, undefined where it took them. */
export function refusedWrite(fd: number, bytes: Uint8Array): string | undefined {
  return Number(nativeWrite(fd, bytes, bytes.length)) >= 0 ? undefined : errnoName(koffi.errno());
}
