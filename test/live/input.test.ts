import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { sourceHashOf } from '../../src/catalogue/modules.ts';
import { type ReadRun, readRun } from '../../src/record/read.ts';
import { reasonText } from '../../src/report/reason.ts';
import { commandLine } from '../catalogue/program.ts';
import { experimentOf, runOf } from '../report/fixture.ts';
import { bin, experimentFile, lingerlab, live, own, plainRest, scratch } from './program.ts';

const definition = (id: string, more: string) => `import { experiment } from 'lingerlab';
  export default experiment({ id: '${id}', question: 'what?', factors: { n: [1, 2] }, ${more} ${plainRest} });`;
const harmless = 'async scenario({ server }) { await server.listen(); },';

let folder = '';
beforeAll(async () => {
  folder = await scratch();
  const put = (name: string, text: string) => experimentFile(folder, name, text);
  await put('enum.ts', `enum Closes { client }\n${definition('enumerated', harmless)}`);
  await put('unfit.ts', definition('unfit', `secondz: 3, ${harmless}`));
  await put('twice.ts', definition('close-order', harmless));
  await put('thing.ts', 'export default { id: "thing" };');
  await mkdir(join(folder, 'full'));
  await writeFile(join(folder, 'full', 'notes.txt'), 'mine');
  await writeFile(join(folder, 'a-file'), '');
  await writeFile(join(folder, 'q.json'), '{"a": 1}');
  await mkdir(join(folder, 'saved'));
  await mkdir(join(folder, 'saved', 'report.md'));
  await writeFile(join(folder, 'saved', 'run.json'), JSON.stringify(runOf([], []).run));
  const { run: plain } = runOf([], []);
  for (const name of ['endless', 'zero', 'fifo']) {
    await mkdir(join(folder, name));
    const repeats = name === 'endless' ? { 'close-order/closes=client': 1e9 } : {};
    await writeFile(join(folder, name, 'run.json'), JSON.stringify({ ...plain, repeats }));
  }
  await symlink('/dev/zero', join(folder, 'zero', 'cells.ndjson'));
  await symlink('/dev/zero', join(folder, 'zero.ts'));
  await execa('mkfifo', [join(folder, 'fifo', 'cells.ndjson')]);
  await mkdir(join(folder, 'newer'));
  await writeFile(join(folder, 'newer', 'run.json'), JSON.stringify({ schemaVersion: 99 }));
  await mkdir(join(folder, 'broken'));
  await writeFile(join(folder, 'broken', 'run.json'), '{"schemaVersion": 1,');
});

interface Wrong {
  readonly what: string;
  readonly args: readonly string[];
  readonly says: readonly string[];
}

const wrong: readonly Wrong[] = [
  { what: 'an unknown experiment', args: ['run', 'close-ordr'], says: ['UNKNOWN_EXPERIMENT', '"close-order"'] },
  { what: 'an unknown factor', args: ['run', '-w', 'close=client'], says: ['UNKNOWN_FACTOR', '"closes"'] },
  { what: 'an unknown value', args: ['run', '-w', 'closes=clint'], says: ['UNKNOWN_FACTOR_VALUE', '"client"'] },
  { what: 'no id for a new experiment', args: ['new', 'My_Question'], says: ['BAD_OPTION', 'joined by hyphens'] },
  { what: 'an id that the program has', args: ['new', 'close-order'], says: ['BAD_OPTION', '"close-order"'] },
  { what: 'a new experiment over another file', args: ['new', 'unfit'], says: ['FILE_EXISTS', 'unfit.ts'] },
  { what: 'a factor without value', args: ['run', '-w', 'closes'], says: ['BAD_OPTION'] },
  { what: 'an unknown option', args: ['run', '--job', '2'], says: ['unknown option', '--jobs'] },
  { what: 'an unknown command', args: ['rum'], says: ["unknown command 'rum'", 'run'] },
  { what: 'no jobs', args: ['run', '--jobs', '0'], says: ['--jobs', 'from 1 on'] },
  { what: 'half a repeat', args: ['run', '--repeat', '1.5'], says: ['--repeat', 'from 1 on'] },
  { what: 'no run', args: ['report', 'nowhere'], says: ['RUN_NOT_FOUND'] },
  { what: 'a newer run', args: ['report', 'newer'], says: ['RUN_NEWER', '99'] },
  { what: 'an unreadable run', args: ['compare', 'broken', 'broken'], says: ['RUN_UNREADABLE', 'run.json'] },
  { what: 'one run to compare', args: ['compare', 'newer'], says: ['BAD_OPTION'] },
  { what: 'a kind of difference that is none', args: ['compare', 'a', 'b', '--fail-on', 'any'], says: ['behaviour'] },
  { what: 'an out folder with something in it', args: ['run', '--quick', '-o', 'full'], says: ['RUN_EXISTS'] },
  { what: 'an out folder below a file', args: ['run', '--quick', '-o', 'a-file/run'], says: ['RUN_NOT_WRITABLE'] },
  { what: 'resume with patterns', args: ['run', 'close-order', '--resume', 'newer'], says: ['BAD_OPTION'] },
  {
    what: 'a misspelt sysctl',
    args: ['run', 'linger', '--sysctl', 'net.ipv4.tcp_fin_timeot=3'],
    says: ['BAD_OPTION', '"net.ipv4.tcp_fin_timeout"'],
  },
  {
    what: 'a value that the kernel refuses, and a setting of the host',
    args: ['run', 'linger', '--sysctl', 'net.ipv4.tcp_fin_timeout=abc', '--sysctl', 'vm.swappiness=1'],
    says: ['tcp_fin_timeout = abc (EINVAL)', 'vm.swappiness is no sysctl of a network namespace'],
  },
  {
    what: 'a setting that takes away what each cell needs',
    args: ['run', 'linger', '--sysctl', 'net.ipv6.conf.all.disable_ipv6=1'],
    says: ['BAD_OPTION', 'disables IPv6, which every cell needs'],
  },
  { what: 'a sysctl without a value', args: ['run', 'linger', '--sysctl', 'net.ipv4.tcp_sack'], says: ['BAD_OPTION'] },
  {
    what: 'no file of sysctls',
    args: ['run', 'linger', '--sysctls-from', 'non.conf'],
    says: ['BAD_OPTION', 'non.conf'],
  },
  {
    what: 'other sysctls for a run that goes on',
    args: ['run', '--resume', 'newer', '--sysctl', 'net.ipv4.tcp_sack=0'],
    says: ['--resume', '--sysctl'],
  },
  { what: 'syntax that type stripping refuses', args: ['run', './enum.ts'], says: ['EXPERIMENT_SYNTAX', 'enum.ts:1'] },
  { what: 'a definition that does not fit', args: ['run', './unfit.ts'], says: ['BAD_DEFINITION', 'seconds'] },
  { what: 'a duplicate id', args: ['run', './twice.ts', 'close-order'], says: ['DUPLICATE_EXPERIMENT', 'twice.ts'] },
  { what: 'a file without an experiment', args: ['run', './thing.ts'], says: ['thing.ts'] },
  {
    what: 'a file without a name like one',
    args: ['run', '/etc/passwd'],
    says: ['EXPERIMENT_LOAD', 'not a TypeScript'],
  },
  { what: 'a file of another sort', args: ['run', 'q.json'], says: ['EXPERIMENT_LOAD', 'q.json is not a TypeScript'] },
  { what: 'a folder', args: ['run', './'], says: ['EXPERIMENT_LOAD', './ is a folder'] },
  { what: 'a folder by its name', args: ['run', 'full'], says: ['EXPERIMENT_LOAD', 'full is a folder'] },
  { what: 'no source to check', args: ['check', '/etc/passwd'], says: ['EXPERIMENT_LOAD', 'not a TypeScript'] },
  { what: 'data to check', args: ['check', 'q.json'], says: ['EXPERIMENT_LOAD', 'q.json is not a TypeScript'] },
  { what: 'a folder to check', args: ['check', '/tmp'], says: ['EXPERIMENT_LOAD', '/tmp is a folder'] },
  { what: 'more repeats than a run can have', args: ['run', '--repeat', '100001'], says: ['BAD_OPTION', '100000'] },
  {
    what: 'more results than a run can keep',
    args: ['run', '--repeat', '100000'],
    says: ['BAD_OPTION', 'at most 250000'],
  },
  { what: 'a run that says so of itself', args: ['report', 'endless'], says: ['RUN_UNREADABLE', 'repeats'] },
  { what: 'cells that never end', args: ['report', 'zero'], says: ['RUN_UNREADABLE', 'not a regular file'] },
  { what: 'cells that nobody writes', args: ['report', 'fifo'], says: ['RUN_UNREADABLE', 'not a regular file'] },
  {
    what: 'an experiment that never ends',
    args: ['run', './zero.ts'],
    says: ['EXPERIMENT_LOAD', 'not a regular file'],
  },
  { what: 'a file that is not there', args: ['run', './non.ts'], says: ['EXPERIMENT_LOAD', 'non.ts'] },
];

describe('wrong input', () => {
  test.each(wrong)('$what: told with its remedy, exit code 2, stdout empty', async ({ args, says }) => {
    const { exitCode, stderr, stdout } = await commandLine(args, folder);
    for (const word of says) expect(stderr).toContain(word);
    expect(stderr).not.toContain('INTERNAL');
    expect(stderr.trim().split('\n').length).toBeGreaterThanOrEqual(2);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });

  test('a report that cannot be saved is shown, and told with its remedy', async () => {
    const { exitCode, stdout, stderr } = await commandLine(['report', 'saved'], folder);
    expect(stderr).toMatch(/RUN_NOT_WRITABLE: .*report.md/);
    expect(stdout).toContain('Linux');
    expect(stdout).not.toContain('Report: ');
    expect(exitCode).toBe(2);
    const printed = await commandLine(['report', 'saved', '--markdown'], folder);
    expect(printed).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringMatching(/^# How TCP/) });
  });

  test('help is no error, and shows examples', async () => {
    const { exitCode, stdout } = await commandLine(['run', '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('$ lingerlab run close-order');
  });
});

describe('a reader that has read enough', () => {
  const piped = (command: string, reader: string) =>
    execa('bash', ['-c', `"$0" "${bin}" ${command} | ${reader}; echo "exit \${PIPESTATUS[0]}"`, process.execPath], {
      reject: false,
      cwd: folder,
    });
  test.each([
    ['of lines', 'list', 'true'],
    ['of the first lines', 'list', 'head -2'],
    ['of a long plan', 'run --all --dry-run', 'head -1'],
    ['of a text larger than a pipe holds', 'run --all --dry-run --json', 'head -c 9'],
    ['of help', 'run --help', 'true'],
  ])('%s ends the command quietly', async (_, command, reader) => {
    const { stdout, stderr } = await piped(command, reader);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/exit 0$/);
  });

  test('a disk that is full does not: the failure is told', async () => {
    const { stdout, stderr } = await piped('list > /dev/full', 'true');
    expect(stderr).toMatch(/^lingerlab: cannot write to stdout: .*ENOSPC/);
    expect(stdout).toBe('exit 1');
  });
});

test('a value of --where joins those given before', async () => {
  const plan = async (...where: string[]) =>
    JSON.parse((await commandLine(['run', 'close-order', ...where, '--json', '--dry-run'])).stdout).cells.length;
  const both = await plan('-w', 'closes=client', '-w', 'closes=server');
  expect(both).toBe(await plan('-w', 'closes=client,server'));
  expect(both).toBeGreaterThan(await plan('-w', 'closes=server'));
});

test('what an experiment writes is no answer', async () => {
  const writes = "console.log('loaded');\n  process.stdout.write('written');\n  export default";
  const noisy = definition('noisy', harmless).replace('export default', writes);
  const file = await experimentFile(folder, 'noisy.ts', noisy);
  const { stdout, stderr } = await lingerlab(['run', file, '--dry-run', '--json']);
  expect(JSON.parse(stdout).cells).toHaveLength(2);
  expect(stderr).toBe('loaded\nwritten');
});

test('--resume does not load a file that has changed', async () => {
  const file = await experimentFile(folder, 'ran.ts', "throw new Error('it was run');");
  const experiment = { ...experimentOf({ id: 'ran' }), file, builtin: false, sourceHash: 'another' };
  await mkdir(join(folder, 'ran'));
  await writeFile(join(folder, 'ran', 'run.json'), JSON.stringify(runOf([experiment], []).run));
  const { exitCode, stderr } = await commandLine(['run', '--resume', 'ran'], folder);
  expect(stderr).toContain(`RESUME_REFUSED: cannot resume ran: experiment ran has changed (${file})`);
  expect(stderr).not.toContain('it was run');
  expect(exitCode).toBe(2);
});

test('--resume does not load a file whose module has changed, or is gone', async () => {
  const throwing = "import './module-of.ts';\nthrow new Error('it was run');";
  const file = await experimentFile(folder, 'with-module.ts', throwing);
  const module = await experimentFile(folder, 'module-of.ts', '// then\n');
  const sourceHash = await sourceHashOf(file, await readFile(file), ['module-of.ts']);
  const experiment = { ...experimentOf({ id: 'ran' }), file, builtin: false, sourceHash, modules: ['module-of.ts'] };
  const out = join(folder, 'ran-with-module');
  await mkdir(out);
  await writeFile(join(out, 'run.json'), JSON.stringify(runOf([experiment], []).run));
  const resumed = () => commandLine(['run', '--resume', out], folder);
  // as it was then, it is loaded
  expect((await resumed()).stderr).toContain('it was run');
  await writeFile(module, '// now\n');
  const changed = await resumed();
  await rm(module);
  for (const { stderr, exitCode } of [changed, await resumed()]) {
    expect(stderr).toContain(`RESUME_REFUSED: cannot resume ${out}: experiment ran has changed (${file})`);
    expect(stderr).not.toContain('it was run');
    expect(exitCode).toBe(2);
  }
});

test('what a run folder has of control characters does not reach the terminal', async () => {
  const out = join(folder, 'escapes');
  await mkdir(out);
  const answer = { headline: 'So \u001b]0;title\u0007 and \u009b2J.', findings: [] };
  await writeFile(join(out, 'run.json'), JSON.stringify(runOf([experimentOf({ id: 'x', answer })], []).run));
  for (const args of [
    ['report', out],
    ['report', out, '--json'],
    ['compare', out, out],
  ]) {
    const { stdout } = await commandLine(args);
    expect(stdout, args.join(' ')).not.toMatch(/[^\P{Cc}\n]/u);
  }
  expect((await commandLine(['report', out])).stdout).toContain('\\u001b]0;title');
});

test('COLUMNS says how wide the text is', async () => {
  const out = join(folder, 'narrow');
  await mkdir(out);
  const headline =
    'The end that closes first, unless it resets, and then neither of both ends is left with anything at all.';
  const answer = { headline, findings: [] };
  await writeFile(join(out, 'run.json'), JSON.stringify(runOf([experimentOf({ id: 'x', answer })], []).run));
  const widest = async (env: Record<string, string>) =>
    Math.max(...(await lingerlab(['report', out], { env })).stdout.split('\n').map(({ length }) => length));
  expect(await widest({ COLUMNS: '60' })).toBeLessThanOrEqual(60);
  expect(await widest({ COLUMNS: '' })).toBeGreaterThan(60);
});

live('a disk that gets full', () => {
  test('ends the run with what happened and what to do, not as a defect', async () => {
    const disk = await scratch();
    // a namespace of mounts of its own: the small disk goes with the command
    const script = `mount -t tmpfs -o size=300k lingerlab-test "$2" && exec "$0" "$1" run linger --out "$2/run"`;
    const { exitCode, stderr } = await execa(
      'unshare',
      ['--mount', 'bash', '-c', script, process.execPath, bin, disk],
      { reject: false, stdin: 'ignore' },
    );
    expect(stderr).not.toContain('INTERNAL');
    expect(stderr).toMatch(/RUN_NOT_WRITABLE: cannot write .*ENOSPC.*\n {2}name another place/);
    expect(exitCode).toBe(2);
  });
});

live('a scenario that fails', () => {
  const reasons: Readonly<Record<string, string | RegExp>> = {
    throws: 'SCENARIO_THREW: the scenario threw: on purpose',
    'is-refused-a-step': /^STEP_REFUSED: server\.listen on port \d+ was refused: listen EADDRINUSE/,
    'does-not-await': 'STEP_UNAWAITED: client.received 1 bytes was still running',
    'kills-its-peer': 'PEER_DIED: peer client ended: SIGKILL',
    'never-ends':
      /^CELL_DEADLINE: the scenario did not end within [\d.]+ s: it waited for no step, but for a promise of its own/,
    'waits-for-nothing':
      /^CELL_DEADLINE: the scenario did not end within [\d.]+ s: it waited for until\(CLOSING\) of the client, which was seen in SYN-SENT, ESTABLISHED \(/,
    'throws-late': 'SCENARIO_THREW: the scenario threw: late',
    'rejects-late': 'SCENARIO_THREW: the scenario threw: lost',
    'has-no-such-label': "UNKNOWN_LABEL: connection label 'old' is not declared",
    'notes-what-is-not-declared': 'not declared',
  };
  let cells: ReadRun['cells'] = [];
  let text = '';

  beforeAll(async () => {
    const out = join(folder, 'run-fails');
    const { exitCode, stdout, stderr } = await lingerlab(['run', own('fails'), '--out', out]);
    expect(exitCode).toBe(1);
    expect(stderr).not.toContain('INTERNAL');
    text = stdout + (await readFile(join(out, 'report.md'), 'utf8'));
    const read = await readRun(out);
    expect(read.run.status).toBe('complete');
    cells = read.cells;
  });

  test.each(Object.entries(reasons))('%s: its cell is errored and says why', (how, says) => {
    const cell = cells.find(({ factors }) => factors.how === how);
    expect(cell?.status).toBe('errored');
    expect(cell && reasonText(cell)).toEqual(
      says instanceof RegExp ? expect.stringMatching(says) : expect.stringContaining(says),
    );
    expect(text.split(/[A-Z_]+|not declared/.exec(String(says))![0]).length).toBeGreaterThan(2);
  });

  test('the cell that does not is kept', () => {
    expect(cells.filter(({ status }) => status === 'ran').map(({ factors }) => factors.how)).toEqual(['goes-well']);
    expect(cells).toHaveLength(Object.keys(reasons).length + 1);
  });
});

live('output for programs', () => {
  test('--json prints the answer and nothing else on stdout; --dry-run runs nothing', async () => {
    const where = ['close-order', '-w', 'closes=client', '-w', 'by=end', '-w', 'family=4', '-w', 'data=idle'];
    const { stdout, exitCode } = await lingerlab(['run', ...where, '--json', '-o', join(folder, 'json')]);
    expect(exitCode).toBe(0);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({ status: 'complete', ran: 2, errored: [], folder: join(folder, 'json') });
    expect(told.experiments[0].answer.findings[0]).toMatchObject({ number: '2 of 2' });

    const plan = await lingerlab(['run', ...where, '--json', '--dry-run'], { cwd: folder });
    expect(JSON.parse(plan.stdout).cells).toHaveLength(2);
  });

  test('--strict exits with 1 where a claim is refuted, without it with 0', async () => {
    const file = own('refuted');
    expect((await lingerlab(['run', file, '-o', join(folder, 'lax')])).exitCode).toBe(0);
    const { exitCode, stdout } = await lingerlab(['run', file, '-o', join(folder, 'strict'), '--strict']);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('never so');
  });

  test('a report is made again from the folder alone, the experiment gone', async () => {
    const file = join(folder, 'gone.ts');
    await copyFile(own('single'), file);
    const out = join(folder, 'gone');
    await lingerlab(['run', file, '-o', out]);
    const first = await readFile(join(out, 'report.md'), 'utf8');
    await writeFile(file, 'no experiment any more');
    await writeFile(join(out, 'report.md'), '');
    const { exitCode, stdout } = await lingerlab(['report', out]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('single: as asked');
    expect(await readFile(join(out, 'report.md'), 'utf8')).toBe(first);
  });
});

test('explain says what each fact that is shown tells: one by role, and a counter', async () => {
  const { stdout } = await commandLine(['explain', 'linger']);
  const shown = stdout.slice(stdout.indexOf('facts shown'), stdout.indexOf('claims of each cell'));
  expect(shown).toContain('closing.lost: bytes that this end wrote');
  expect(shown).toContain('TCPAbortOnData: change of this kernel counter');
  expect(shown).not.toMatch(/: *$/m);
});
