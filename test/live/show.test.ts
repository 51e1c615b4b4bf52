import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { bin, lingerlab, own, scratch } from './program.ts';
import { onWire } from './wire-cell.ts';

interface Line {
  readonly kind: string;
  readonly lane?: string;
  readonly text: string;
  readonly ms: number;
  readonly event?: { readonly t: number };
}

onWire('the timeline of a cell', () => {
  test('has what every observer saw, of cells that ran and of one that errored', async () => {
    const folder = join(await scratch(), 'run');
    const ran = await lingerlab(['run', own('shown'), '--out', folder]);
    expect(ran.exitCode, ran.stdout + ran.stderr).toBe(1);

    const shown = async (cell: string) => {
      const { exitCode, stdout, stderr } = await lingerlab(['show', folder, cell]);
      expect(exitCode, stderr).toBe(0);
      return stdout;
    };
    const loopback = await shown('shown/network=loopback,throws=no');
    for (const line of [
      /server +listen on 127\.\d+\.\d+\.\d+:\d+/,
      /kernel +client: CLOSED → SYN-SENT/,
      /client +set SO_LINGER to 2/,
      /client +'data', 1,000 bytes/,
      /client +close by end\(\)/,
      /kernel +client: ESTABLISHED → FIN-WAIT-1/,
      /kernel +server: LAST-ACK → CLOSED/,
      /ss +.*client TIME-WAIT, timer timewait/,
      /kernel +counters: .*Tcp\.ActiveOpens 1/,
      /harness +the scenario ends/,
    ]) {
      expect(loopback).toMatch(line);
    }
    const wire = await shown('shown/network=wire');
    expect(wire).toMatch(/wire +#1 client → server: SYN seq 0 <mss/);
    expect(wire).toMatch(/wire +#\d+ client → server: ACK .*ack 1002, lost: dropped by the wire \(rule 1\)/);
    expect(wire).toMatch(/kernel +server: retransmits/);

    const errored = await shown('shown/throws=yes');
    expect(errored).toMatch(/repeat 1 · errored/);
    expect(errored).toMatch(/errored: SCENARIO_THREW: the scenario threw: half-way/);
    expect(errored).toMatch(/client +'data', 1,000 bytes/);
    expect(errored).toContain('the scenario ends; tear-down follows');
  }, 60_000);

  test('is JSON, an event a line, none lost and in order; and ends in peace where nobody reads on', async () => {
    const folder = join(await scratch(), 'run');
    await lingerlab(['run', own('shown'), '--where', 'network=wire', '--out', folder]);
    const { stdout } = await lingerlab(['show', folder, 'shown/network=wire', '--json']);
    const [head, ...lines] = stdout.split('\n').map((line) => JSON.parse(line) as Line);
    const packed = await readFile(join(folder, 'cells/shown/network=wire,throws=no/1/events.ndjson.gz'));
    const recorded = gunzipSync(packed)
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { t: number });
    expect(head).toMatchObject({ kind: 'cell', status: 'ran', events: recorded.length });
    const told = lines.flatMap(({ event }) => event ?? []);
    expect(told.map(({ t }) => t).sort((a, b) => a - b)).toEqual(recorded.map(({ t }) => t).sort((a, b) => a - b));
    expect(lines.map(({ ms }) => ms)).toEqual(lines.map(({ ms }) => ms).sort((a, b) => a - b));
    const command = `'${process.execPath}' '${bin}' show '${folder}' shown --json | head -1; echo "\${PIPESTATUS[0]}"`;
    const piped = await promisify(execFile)('bash', ['-c', command]);
    expect(piped).toMatchObject({ stdout: expect.stringMatching(/^\{"kind":"cell".*\}\n0\n$/), stderr: '' });
  }, 60_000);
});
