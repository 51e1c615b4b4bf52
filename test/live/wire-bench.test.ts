import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Network } from '../../src/experiment/definition.ts';
import type { End } from '../../src/facts/states.ts';
import { type Lab, makeLab } from '../../src/lab/lab.ts';
import { lockPorts } from '../../src/lab/ports.ts';
import { quantile } from '../../src/stats/quantile.ts';
import { fallingBehind } from '../../src/wire/statistics.ts';
import { onWire } from './wire-cell.ts';

const script = fileURLToPath(new URL('wire-load.ts', import.meta.url));

const start = (lab: Lab, end: End, ...args: readonly string[]): ChildProcess =>
  lab.space(end).inside(() => spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }));

async function printed(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  return text;
}

/** What a client of a load printed on a network, and the lab's wire, where it has one, while that still is. */
async function load<T>(
  network: Network,
  what: 'echo' | 'bulk',
  amount: number,
  look: (lab: Lab, value: never) => Promise<T>,
) {
  using ports = lockPorts();
  await using lab = await makeLab({ network, sysctls: {}, ports, serial: 1 });
  const [address, port] = [lab.address('server', 4), String(lab.port())];
  const server = start(lab, 'server', 'serve', address, port);
  try {
    await once(server.stdout!, 'data');
    return await look(
      lab,
      JSON.parse(await printed(start(lab, 'client', what, address, port, String(amount)))) as never,
    );
  } finally {
    server.kill('SIGKILL');
    await once(server, 'close');
  }
}

/** User and system time that a process has taken, in s: /proc/<pid>/stat, 100 ticks a second. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const say = (line: string) => void process.stdout.write(`${line}\n`);

onWire('the cost of the wire', () => {
  test('in round trips, beside veth', { timeout: 120_000 }, async () => {
    const times = (network: Network) => load(network, 'echo', 4000, async (_lab, value: number[]) => value.slice(500));
    const rounds: { veth: number[]; wire: number[] }[] = [];
    // taking turns, so that a burst of load on the machine does not hit one alone
    for (let round = 0; round < 3; round++) rounds.push({ veth: await times('veth'), wire: await times('wire') });
    const of = (network: 'veth' | 'wire', q: number) => Math.min(...rounds.map((each) => quantile(each[network], q)!));
    const [veth, wire] = [of('veth', 0.5), of('wire', 0.5)];
    say(`round trip p50: veth ${veth.toFixed(1)} µs, wire ${wire.toFixed(1)} µs, added ${(wire - veth).toFixed(1)} µs`);
    const [veth99, wire99] = [of('veth', 0.99), of('wire', 0.99)];
    say(
      `round trip p99: veth ${veth99.toFixed(1)} µs, wire ${wire99.toFixed(1)} µs, added ${(wire99 - veth99).toFixed(1)} µs`,
    );
    expect(wire).toBeGreaterThan(veth);
    // a wire that slept through a timer tick, or waited for a turn of another loop, would be far beyond
    expect(wire / veth).toBeLessThan(20);
  });

  test('in packets and bytes a second, and in CPU', { timeout: 120_000 }, async () => {
    const bytes = 300e6;
    for (let round = 0; round < 3; round++) {
      const carried = await load('wire', 'bulk', bytes, async (lab, seconds: number) => {
        const { pid } = lab.wire!;
        const cpu = cpuSeconds(pid);
        const statistics = await lab.wire!.ask('statistics', {});
        return { seconds, cpu, statistics, packets: statistics.carried.client + statistics.carried.server };
      });
      const { seconds, cpu, packets, statistics } = carried;
      say(
        `${(packets / seconds / 1000).toFixed(0)}k packets/s, ${(bytes / seconds / 1e6).toFixed(0)} MB/s; ` +
          `${((cpu / packets) * 1e6).toFixed(1)} µs of CPU a packet; ${fallingBehind(statistics).join('; ') || 'kept up'}`,
      );
      expect(statistics.bytes.client).toBeGreaterThan(bytes);
      expect([statistics.faults, statistics.refused]).toEqual([[], {}]);
    }
  });
});
