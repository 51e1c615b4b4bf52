import { execa } from 'execa';

/** This program's trace instances on this machine, looked at through a mount that only `ls` sees. */
export async function traceInstances(): Promise<string[]> {
  const at = '/sys/kernel/tracing';
  const look = `[ -d ${at}/instances ] || mount -t tracefs none ${at}; ls ${at}/instances`;
  const { stdout } = await execa('unshare', ['--mount', 'sh', '-c', look]);
  return stdout.split('\n').filter((name) => name.startsWith('lingerlab-'));
}
