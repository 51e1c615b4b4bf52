import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { childrenCpu, cpuOf, ownCpu } from '../../src/native/cpu.ts';

/** Work until this process has used so many more seconds of CPU by its own account. */
const spin = `
  const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
  while (used() < Number(process.argv[1]));
`;

test("a process's own CPU is what Node says it is", () => {
  const said = () => Object.values(process.cpuUsage()).reduce((sum, us) => sum + us / 1e6, 0);
  const [before, own, after] = [said(), ownCpu(), said()];
  expect(own).toBeGreaterThanOrEqual(before - 1e-6);
  expect(own).toBeLessThanOrEqual(after + 1e-6);
});

test('a child that has ended is counted with what it used, and not before it has ended', async () => {
  const before = childrenCpu();
  const child = spawn(process.execPath, [
    '-e',
    `${spin}; process.stdout.write('x'); setInterval(() => {}, 1000)`,
    '0.2',
  ]);
  await once(child.stdout, 'data');
  expect(cpuOf(child.pid!)).toBeGreaterThanOrEqual(0.2);
  expect(childrenCpu()).toBe(before);
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(childrenCpu() - before).toBeGreaterThanOrEqual(0.2);
  expect(cpuOf(child.pid!)).toBeUndefined();
});

test("a child's child counts with the child", () => {
  const before = childrenCpu();
  execFileSync('sh', ['-c', `"$0" -e "$1" 0.2; true`, process.execPath, spin]);
  expect(childrenCpu() - before).toBeGreaterThanOrEqual(0.2);
});
