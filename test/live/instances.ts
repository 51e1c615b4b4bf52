import { readdirSync, readlinkSync } from 'node:fs';
import { execa } from 'execa';

/** This program's trace instances on this machine, looked at through a mount that only `ls` sees. */
export async function traceInstances(): Promise<string[]> {
  const at = '/sys/kernel/tracing';
  const look = `[ -d ${at}/instances ] || mount -t tracefs none ${at}; ls ${at}/instances`;
  const { stdout } = await execa('unshare', ['--mount', 'sh', '-c', look]);
  return stdout.split('\n').filter((name) => name.startsWith('lingerlab-'));
}

/** The trace instance that one of these processes has open. */
export function instanceOf(pids: readonly number[]): string | undefined {
  const open = pids.flatMap((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return [];
    }
  });
  return open.flatMap((path) => /\/instances\/(lingerlab-[^/]+)\//.exec(path)?.[1] ?? [])[0];
}

/**
 * Those of them, made since, that no process has open: what a run left. They are gone then. One that another run on this machine
 * is just making may not be open yet, so that each is given two seconds to be.
 */
export async function leftSince(before: readonly string[]): Promise<string[]> {
  const made = (await traceInstances()).filter((name) => !before.includes(name));
  if (made.length === 0) return [];
  const at = '/sys/kernel/tracing';
  const script = `[ -d ${at}/instances ] || mount -t tracefs none ${at}; cd ${at}/instances
    for each do
      while age=$(stat -c %Z "$each") && [ $(($(date +%s) - age)) -lt 2 ]; do sleep 0.1; done
      rmdir "$each" && echo "$each"
    done`;
  const { stdout } = await execa('unshare', ['--mount', 'sh', '-c', script, 'sh', ...made], { reject: false });
  return stdout.split('\n').filter((name) => name !== '');
}
