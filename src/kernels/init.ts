/** Where things are in a guest. */
export const inGuest = {
  program: '/opt/lingerlab',
  job: '/in/job',
  files: '/in/files',
  out: '/out',
} as const;

/** Begins a line on the console that our own init has written. */
export const mark = 'lingerlab-guest:';

/** Programs that cells start; each is looked for in the guest before anything runs. */
export const guestPrograms = ['node', 'ss', 'ip', 'tc', 'prlimit'] as const;
/** What busybox does in the guest. Not `ip`, and not sh: busybox's sh prefers an `ip` of its own. */
export const applets = [
  'mount mkdir mknod modprobe poweroff cat find dd rm sync hostname setsid stty ls ps kill dmesg sleep grep tail head vi less uname',
]
  .join(' ')
  .split(' ');

/** /sbin/init of a guest: mounts, modules, the check, then the job, or a shell where there is none. */
export const initScript = `#!/bin/dash
# the first process of a guest: prepares what cells need, runs the job, and turns the machine off
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=\${TERM:-linux} LANG=C.UTF-8
say() { echo "${mark} $*"; }
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm /dev/net
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || mount -t debugfs debugfs /sys/kernel/debug
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
read -r up rest < /proc/uptime
say booted "$up"
hostname lingerlab
for module in tun veth inet_diag tcp_diag; do modprobe -q "$module"; done
fit=yes
for program in ${guestPrograms.join(' ')}; do command -v "$program" >/dev/null || { say lacks "$program"; fit=no; }; done
[ $fit = yes ] || { say unfit; sync; poweroff -f; }
ip link set lo up || say lacks loopback
[ -c /dev/net/tun ] || say lacks /dev/net/tun
[ -e /sys/kernel/tracing/trace_clock ] || [ -e /sys/kernel/debug/tracing/trace_clock ] || say lacks tracefs
ip link add probe0 type veth peer name probe1 && ip link del probe0 || say lacks veth
# in virtual time an idle guest goes on to its next timer at once: one that waits for its disk would lose seconds, and its driver would
# give up. So all that cells read is read before they begin, while something keeps the guest busy; what they write goes to memory first
(while :; do :; done) &
find / -xdev -type f -exec cat {} + >/dev/null
dd if=/dev/zero of=${inGuest.out}/.room bs=1M count=64 2>/dev/null
rm ${inGuest.out}/.room
kill $!
if [ -e ${inGuest.job} ]; then
  say begins
  while :; do
    sleep 5
    [ ! -e ${inGuest.out}/run/cells.ndjson ] || say results "$(grep -c . ${inGuest.out}/run/cells.ndjson)"
  done &
  { dash ${inGuest.job}; echo $? >/run/code; } 2>&1 | cat
  read -r up rest < /proc/uptime
  say ended "$(cat /run/code)" "$up"
else
  cd /root
  setsid -c bash -l </dev/ttyS0 >/dev/ttyS0 2>&1
fi
sync
poweroff -f
`;

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The job of a guest: lingerlab with these arguments, in a folder whose contents come out. */
export const jobScript = (args: readonly string[]): string =>
  [`cd ${inGuest.out}`, `exec lingerlab ${args.map(quoted).join(' ')}`, ''].join('\n');
