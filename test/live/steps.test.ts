import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { reasonText } from '../../src/report/reason.ts';
import { descendants, eventually } from './processes.ts';
import { lingerlab, liveAtOnce, own, scratch } from './program.ts';

/** The line of an experiment on which a text is, from 1. */
const lineOf = (name: string, text: string): number =>
  readFileSync(own(name), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text)) + 1;

liveAtOnce('steps of a scenario', () => {
  test('a value that a fact cannot have is its cell error, with the line; other cells run', async () => {
    const out = join(await scratch(), 'run');
    expect((await lingerlab(['run', own('noted'), '--out', out])).exitCode).toBe(1);
    const { cells } = await readRun(out);
    const told = Object.fromEntries(
      cells.map((cell) => [cell.factors.value, cell.reason ? reasonText(cell) : cell.status]),
    );
    expect(told).toEqual({
      fine: 'ran',
      nan: expect.stringMatching(/^SCENARIO_THREW: .*note: 'count' must be a finite number, not NaN .*noted\.ts:\d+/),
      undeclared: expect.stringMatching(/^SCENARIO_THREW: .*note: 'word' must be one of a, b, not 'c' .*noted\.ts:\d+/),
    });
  });

  test('that are wrong, or have no answer, are refused with their line', async () => {
    const out = join(await scratch(), 'run');
    const file = own('refused-steps');
    const where = 'what=at,option,end,twice,label,unnamed,refused,reset,closed,carried,dropped,held,translated,late';
    expect((await lingerlab(['run', file, '-w', where, '--out', out])).exitCode).toBe(1);
    const { cells } = await readRun(out);
    const told = Object.fromEntries(
      cells.map((cell) => [cell.factors.what, cell.reason ? reasonText(cell) : cell.status]),
    );
    const at = (text: string, says: string) => `${says} (${file}:${lineOf('refused-steps', text)})`;
    expect(told).toEqual({
      at: at(
        "'wildcrad'",
        `SCENARIO_THREW: the scenario threw: bind(): at: unknown value 'wildcrad' (did you mean "wildcard"?); use own, wildcard, other or { address }`,
      ),
      option: expect.stringMatching(
        /^SCENARIO_THREW: .*set\(\): option: unknown value 'SO_LINGR' \(did you mean "SO_LINGER"\?\)/,
      ),
      end: at(
        "'sever'",
        `SCENARIO_THREW: the scenario threw: sockets(): where: unknown value 'sever' (did you mean "server"?); use client or server`,
      ),
      twice: at(
        "start('client')",
        "SCENARIO_THREW: the scenario threw: start(): name: this cell already has a peer 'client'; choose another name",
      ),
      label: at(
        "as: 'old'",
        "UNKNOWN_LABEL: connection label 'old' is not declared; the experiment has no connections",
      ),
      unnamed: at(
        'wire.drop(fin);',
        "SCENARIO_THREW: the scenario threw: wire.drop: this cell has no wire, its network is loopback; set network: 'wire' in the experiment",
      ),
      refused: expect.stringMatching(
        new RegExp(
          `^STEP_REFUSED: server\\.listen on port \\d+ was refused: listen EADDRINUSE .*:${lineOf('refused-steps', 'server.listen({ port')}\\)$`,
        ),
      ),
      reset: 'ran',
      closed: 'ran',
      carried: 'ran',
      dropped: at(
        'wire.answers(sent)',
        'WIRE_REFUSED: wire answers: the server was not given #4, so it has nothing to answer: dropped (rule 1)',
      ),
      held: at(
        'wire.answers(sent)',
        'WIRE_REFUSED: wire answers: the server was not given #4, so it has nothing to answer: held (rule 1), and still is',
      ),
      translated: at(
        'wire.translate({ forgetAfter: 1 })',
        'WIRE_REFUSED: wire translate: this wire translates already; take one translate() in a cell, and its forget() to begin anew',
      ),
      late: expect.stringMatching(
        new RegExp(
          `^WIRE_REFUSED: wire translate: a connection is behind it already, 10\\.\\S+ to 10\\.\\S+; take it before the first step that connects .*:${lineOf('refused-steps', 'forgetAfter: 2')}\\)$`,
        ),
      ),
    });
    const facts = Object.fromEntries(cells.map((cell) => [cell.factors.what, cell.facts]));
    expect(facts.reset).toMatchObject({ got: 'ok', 'server.errors': [{ call: 'read', errno: 'ECONNRESET' }] });
    expect(facts.closed).toMatchObject({ got: 'ok', 'server.errors': [] });
    expect(facts.carried).toMatchObject({ answers: 1 });
  });

  test('a wire that stopped is named where its cell does not end', async () => {
    const out = join(await scratch(), 'run');
    const run = lingerlab(['run', own('refused-steps'), '-w', 'what=stopped', '--out', out]);
    const wire = () => descendants(run.pid as number).find(({ command }) => command.includes('wire/main'))?.pid;
    const connected = () =>
      existsSync(out) &&
      readdirSync(out, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('wire.pcapng'));
    await eventually('the wire carries packets', () => wire() !== undefined && connected(), 20);
    process.kill(wire() as number, 'SIGSTOP');
    expect((await run).exitCode).toBe(1);
    const { cells } = await readRun(out);
    expect(cells.map(reasonText)).toEqual([
      expect.stringMatching(/^NO_ANSWER: the wire did not answer "\w+" within \d+ s \(.*refused-steps\.ts:\d+\)$/),
    ]);
  });

  test('a killed server has let go of its port when the signal has taken effect', async () => {
    const out = join(await scratch(), 'run');
    await lingerlab(['run', own('killed-server'), '--out', out]);
    const { cells } = await readRun(out);
    expect(cells).toHaveLength(12);
    expect(cells.filter(({ facts }) => facts.first !== 'ok')).toEqual([]);
  });
});
