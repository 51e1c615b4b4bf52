import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { readPcapng } from '../../src/wire/pcapng.ts';
import { experimentFile, lingerlab, own, scratch } from './program.ts';
import { onWire } from './wire-cell.ts';

onWire('an experiment of one’s own on the wire', () => {
  test('has its rules obeyed, its segments in its record and its report, and a capture', async () => {
    const folder = await scratch();
    const file = own('own-rules');
    const checked = await lingerlab(['check', file]);
    expect(checked.exitCode, checked.stdout + checked.stderr).toBe(0);
    const out = join(folder, 'run');
    const { exitCode, stdout, stderr } = await lingerlab(['run', file, '--out', out]);
    expect(exitCode, stdout + stderr).toBe(0);
    const { cells } = await readRun(out);
    expect(cells.map(({ status, warnings }) => [status, warnings])).toEqual([
      ['ran', []],
      ['ran', []],
    ]);
    for (const { id, facts, segments = [], claims, paths } of cells) {
      expect(facts).toMatchObject({
        released: 1,
        answer: 'ACK',
        'timeWait.holder': 'client',
        'timeWait.endedBy': 'rst',
        'client.closedWith': ['FIN'],
        'server.closedWith': ['FIN', 'RST'],
      });
      expect(claims.map(({ verdict }) => verdict)).toEqual(['confirmed']);
      expect(segments.map(({ deed }) => deed.do)).toEqual(expect.arrayContaining(['held', 'forged']));
      const held = segments.find(({ deed }) => deed.do === 'held')!;
      expect(held.arrived!).toBeGreaterThan(held.t);
      // the orphan's TIME-WAIT begins with no event but this segment
      const fin = segments.find(
        ({ from, flags, deed }) => from === 'server' && flags.includes('FIN') && deed.do === 'carried',
      );
      expect(paths.client!.find(({ state }) => state === 'TIME-WAIT')).toMatchObject({
        at: fin!.arrived,
        source: 'wire',
      });
      const capture = await readFile(join(out, 'cells', 'own-rules', id.split('/')[1]!, '1', 'wire.pcapng'));
      const { packets, torn } = readPcapng(capture);
      expect(torn).toBe(0);
      expect(packets.map(({ comment }) => comment).filter((comment) => comment === 'forged')).toHaveLength(1);
      expect(packets.filter(({ comment }) => comment.startsWith('held'))).toHaveLength(1);
    }
    const report = await readFile(join(out, 'report.md'), 'utf8');
    expect(report).toContain('(report/own-rules-1.svg)');
    const drawn = await readFile(join(out, 'report', 'own-rules-1.svg'), 'utf8');
    expect(drawn).toMatch(/The client sends FIN ACK seq 1 ack 1 at [^,]+, held/);
    const svg = await lingerlab(['report', out, '--ladder', cells[0]!.id]);
    expect(svg.stdout).toMatch(/^<svg[\s\S]*<\/svg>$/);
  }, 60_000);

  test('cannot give rules to a network that is no wire: the cell is errored and says why', async () => {
    const folder = await scratch();
    const file = own('no-wire');
    const { exitCode, stdout } = await lingerlab(['run', file, '--out', join(folder, 'run')]);
    expect(exitCode).toBe(1);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('this cell has no wire, its network is veth; set network:');
  }, 60_000);

  test('is told what it says wrong by its own line, what it leaves held, and what the kernel refuses', async () => {
    const folder = await scratch();
    const tries = {
      end: "await wire.drop(fin.from('clint' as never));",
      empty: 'await wire.rule({} as never);',
      flag: "await wire.inject({ from: 'client', on: near, flags: ['FYN' as never] });",
      seq: "await wire.inject({ from: 'client', on: near, flags: ['ACK'], seq: 2 ** 40 });",
      held: "await wire.hold(data.from('client')); await near.write(9); await wire.seen(data);",
      discarded:
        "const held = await wire.hold(data.from('client'), { times: 1 }); await near.write(9); await wire.seen(data); await held.discard();",
      raw: "await wire.injectRaw('client', Uint8Array.of(0, 1));",
      expected: "await wire.injectRaw('client', Uint8Array.of(0, 1), { mayBeRefused: true });",
      long: "await wire.injectRaw('client', new Uint8Array(65_536), { mayBeRefused: true });",
    };
    const steps = Object.entries(tries).map(([name, step]) => `if (what === '${name}') { ${step} }`);
    const source = `import { data, experiment, fin } from 'lingerlab';
export default experiment({ id: 'wrong', question: 'q', factors: { what: ${JSON.stringify(Object.keys(tries))} },
  network: 'wire', seconds: 0.1,
  async scenario({ client, server, wire }, { what }) {
    const [near] = await client.connect(await server.listen());
${steps.join('\n')}
  }, claims: [], answer: () => 'so' });`;
    const file = await experimentFile(folder, 'wrong.ts', source);
    const out = join(folder, 'run');
    expect((await lingerlab(['run', file, '--out', out])).exitCode).toBe(1);
    const { cells } = await readRun(out);
    const of = (what: string) => cells.find(({ factors }) => factors.what === what)!;
    const lineOf = (what: string) => source.split('\n').findIndex((line) => line.includes(`'${what}') {`)) + 1;
    for (const [what, says] of [
      ['end', `from(): unknown value 'clint' (did you mean "client"?); use client or server`],
      ['empty', 'rule: pattern: must be a pattern'],
      ['flag', `inject(): flags: unknown value 'FYN' (did you mean "FIN"?)`],
      ['seq', 'inject(): seq: must be a whole number from -4294967296 to 4294967296, not 1099511627776'],
      ['long', 'injectRaw(): bytes of a packet: must be a whole number from 0 to 65535, not 65536'],
    ] as const) {
      expect(of(what).reason?.message).toContain(says);
      expect(of(what).reason).toMatchObject({ line: lineOf(what), file: expect.stringMatching(/wrong\.ts$/) });
    }
    const warnings = (what: string) => of(what).warnings.map(({ code, text }) => `${code}: ${text}`);
    // sent again after an RTO at the earliest, which a busy machine may see
    expect(warnings('held').join()).toMatch(/^wire-still-holds: rule 1 \(hold data from the client\) still held #\d+/);
    expect(warnings('raw').join()).toMatch(
      /^wire-refused: the kernel refused packets that the scenario injected: E\w+ 1$/,
    );
    expect([of('discarded').warnings, of('expected').warnings]).toEqual([[], []]);
  }, 60_000);
});
