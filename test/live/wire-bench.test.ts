import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { measureWire, underLoad } from '../../src/doctor/wire-cost.ts';
import { lockPorts } from '../../src/lab/ports.ts';
import { readRun } from '../../src/record/read.ts';
import { wireCostText } from '../../src/report/model/overview.ts';
import { fallingBehind } from '../../src/wire/statistics.ts';
import { lingerlab, scratch } from './program.ts';
import { onWire } from './wire-cell.ts';

/** User and system time that a process has taken, in s: /proc/<pid>/stat, 100 ticks a second. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const say = (line: string) => void process.stdout.write(`${line}\n`);

onWire('the cost of the wire', () => {
  test('in round trips beside veth, packets and bytes a second', { timeout: 120_000 }, async () => {
    using ports = lockPorts();
    const rounds = [await measureWire(ports), await measureWire(ports), await measureWire(ports)];
    for (const cost of rounds) say(wireCostText(cost));
    // the best of each: other programs only add to either
    const bestOf = (on: 'wire' | 'veth') => Math.min(...rounds.map(({ roundTripUs }) => roundTripUs![on].p50));
    const added = bestOf('wire') - bestOf('veth');
    expect(added).toBeGreaterThan(0);
    // a wire that slept through a timer tick, or waited for a turn of another loop, would be beyond
    expect(added).toBeLessThan(1000);
    for (const { mtu, roundTripUs, packetsPerSecond, megabytesPerSecond } of rounds) {
      expect(mtu).toBe(1500);
      for (const { p50, p99 } of Object.values(roundTripUs!)) {
        expect(p50).toBeGreaterThan(0);
        expect(p99).toBeGreaterThanOrEqual(p50);
      }
      expect(packetsPerSecond).toBeGreaterThan(1000);
      // no more payload in a packet than 1500 bytes without the headers, and packets that carry none
      const perPacket = (megabytesPerSecond * 1e6) / packetsPerSecond;
      expect(perPacket).toBeGreaterThan(100);
      expect(perPacket).toBeLessThan(1461);
    }
  });

  test('in CPU', { timeout: 120_000 }, async () => {
    using ports = lockPorts();
    await underLoad('wire', ports, async (load, lab) => {
      const { pid } = lab.wire!;
      const { bytes, seconds } = await load<{ bytes: number; seconds: number }>('bulk', 1500);
      const cpu = cpuSeconds(pid);
      const statistics = await lab.wire!.ask('statistics', {});
      const packets = statistics.carried.client + statistics.carried.server;
      say(
        `${(packets / seconds / 1000).toFixed(0)}k packets/s, ${(bytes / seconds / 1e6).toFixed(0)} MB/s; ` +
          `${((cpu / packets) * 1e6).toFixed(1)} µs of CPU a packet; ${fallingBehind(statistics).join('; ') || 'kept up'}`,
      );
      expect(statistics.bytes.client).toBeGreaterThan(bytes);
      expect([statistics.faults, statistics.refused]).toEqual([[], {}]);
    });
  });

  // by process.exit(), one of 10 waited for good: V8's compiler, which it joins, had asked for a collection
  test('does not keep its process from ending', { timeout: 120_000 }, async () => {
    using ports = lockPorts();
    for (let nth = 0; nth < 10; nth++) await measureWire(ports);
  });

  test('is what the doctor says, and a run that has cells on it, not another', { timeout: 120_000 }, async () => {
    const told = JSON.parse((await lingerlab(['doctor', '--json'])).stdout);
    const finding = told.findings.find(({ id }: { id: string }) => id === 'wire');
    expect(finding).toMatchObject({ ok: true, cost: { mtu: 1500 } });
    expect(finding.found).toBe(wireCostText(finding.cost));
    const folder = await scratch();
    const environmentOf = async (...args: string[]) => {
      const out = `${folder}/${args[0]}`;
      expect((await lingerlab(['run', ...args, '--out', out])).exitCode).toBe(0);
      const { run } = await readRun(out);
      return { wire: run.sessions[0]!.environment.wire, report: readFileSync(`${out}/report.md`, 'utf8') };
    };
    const wired = await environmentOf('transfer', '-w', 'bytes=small', '-w', 'timestamps=on');
    expect(wired.wire!.packetsPerSecond).toBeGreaterThan(1000);
    expect(wired.report).toContain(wireCostText(wired.wire!));
    const { wire, report } = await environmentOf('linger-values', '--quick');
    expect(wire).toBeUndefined();
    expect(report).not.toContain('a round trip takes');
  });
});
