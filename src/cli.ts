import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { columnsOf, errorText, writeAnswer } from './commands/output.ts';
import { usageError } from './commands/usage.ts';
import { type ExitCode, exitCode, firstError, LingerlabError, withMachineErrorsTold } from './errors.ts';
import { samplerNames } from './record/event.ts';
import { tool } from './record/tool.ts';

/** Cells at work at once. Four had the throughput of sixteen on two cores, at a quarter of the latency. */
const defaultJobs = 4;

const positive = (text: string): number => {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
};
const collect = (value: string, before: readonly string[]): string[] => [...before, value];
const json = () => new Option('--json', 'print JSON only').default(false);
const verbose = () => new Option('--verbose', 'print every finding').default(false);
const jobs = () =>
  new Option('-j, --jobs <n>', 'most cells at work at once; fewer beside other programs')
    .argParser(positive)
    .default(defaultJobs);

/** An option's text; that it is off by default goes without saying. */
function optionDescription(option: Option): string {
  const { defaultValue, argChoices, description } = option;
  const parts = [
    ...(argChoices ? [argChoices.join(' or ')] : []),
    ...(typeof defaultValue === 'string' || typeof defaultValue === 'number' ? [`default: ${defaultValue}`] : []),
  ];
  return parts.length === 0 ? description : `${description} (${parts.join('; ')})`;
}

/**
 * Parses the command line, calls the command, and returns the exit code. A command's modules are loaded when it is called: those of
 * all commands are twice as many as `list` needs.
 */
export async function cli(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCode.ok;
  const done = async (result: Promise<unknown>) => {
    const told = await result;
    if (typeof told === 'number') code = told as ExitCode;
  };
  const privileged = (call: () => Promise<ExitCode>) =>
    done(import('./lab/user-namespace.ts').then(({ inOwnNamespace }) => inOwnNamespace(call)));
  const program = new Command('lingerlab')
    .description('SO_LINGER and TIME-WAIT experiments on real sockets of this kernel')
    .version(tool().version)
    .exitOverride()
    .configureOutput({ writeOut: writeAnswer, outputError: () => {} })
    .configureHelp({ sortSubcommands: false, helpWidth: columnsOf(process.stdout), optionDescription });
  const command = (name: string, description: string, ...examples: string[]) =>
    program
      .command(name)
      .description(description)
      .addHelpText('after', `\nExamples:\n${examples.map((each) => `  $ lingerlab ${each}`).join('\n')}`);

  command(
    'run',
    'run experiments and report what this kernel does',
    'run',
    'run close-order',
    'run close-order --where closes=client,both --where by=end',
    "run 'close-order/closes=client,*'",
    'run ./my-question.ts --repeat 10',
    'run linger --sysctl net.ipv4.tcp_fin_timeout=10 --sysctls-from /etc/sysctl.d/99-tuning.conf',
    'run --resume results/20261120-084500-6.18.44',
  )
    .argument('[patterns...]', 'ids of experiments or cells, globs of them, or files; none: all')
    .option('-w, --where <factor=value>', 'only cells with one of these values (value,value…); repeatable', collect, [])
    .addOption(
      new Option('--sysctl <name=value>', 'set this sysctl in every cell; repeatable')
        .argParser(collect)
        .default([], '')
        .conflicts('resume'),
    )
    .addOption(
      new Option('--sysctls-from <file>', 'set those of a sysctl.conf; repeatable; --sysctl wins')
        .argParser(collect)
        .default([], '')
        .conflicts('resume'),
    )
    .option('--all', 'also the cells outside the default matrix', false)
    .option('--quick', 'the fewest cells in which every factor value occurs', false)
    .addOption(new Option('--repeat <n>', 'run each cell n times').argParser(positive))
    .addOption(jobs())
    .addOption(
      new Option('--sampler <name>', 'sample sockets by this; netlink is faster')
        .choices(samplerNames)
        .default('ss' as const),
    )
    .option('--fresh-peers', 'start new processes for every cell', false)
    .addOption(new Option('-o, --out <dir>', 'the run folder (default: a new one in results/)').conflicts('resume'))
    .addOption(
      new Option('--resume <dir>', 'run what is missing of the run in this folder').conflicts([
        'all',
        'quick',
        'repeat',
      ]),
    )
    .option('-n, --dry-run', 'print what would run', false)
    .option('--strict', 'exit with 1 if a claim is refuted', false)
    .addOption(json())
    .addOption(new Option('-q, --quiet', 'print the headlines only').default(false).conflicts('verbose'))
    .addOption(verbose())
    .action((patterns, options) => privileged(async () => (await import('./commands/run.ts')).run(patterns, options)));

  command(
    'list',
    'list the experiments, or find those about some words',
    'list',
    'list TIME_WAIT',
    "list 'connection reset after response'",
    'list --json',
  )
    .argument('[words...]', 'what the experiments are about: an option, a sysctl, an errno name, a symptom')
    .addOption(json())
    .addOption(jobs())
    .action((words, options) => done(import('./commands/list.ts').then(({ list }) => list(words, options))));

  command(
    'explain',
    'print what an experiment asks, varies and claims',
    'explain close-order',
    'explain ./my-question.ts',
    'explain EADDRINUSE',
  )
    .argument('<id...>', "an experiment's id or file; other words: which experiments are about them")
    .addOption(json())
    .action((words, options) => done(import('./commands/explain.ts').then(({ explain }) => explain(words, options))));

  command(
    'report',
    'make the report of a run again from its folder',
    'report results/20261120-084500-6.18.44',
    'report results/20261120-084500-6.18.44 --ladder lost-last-ack/lost=once,left=ss-K,second=close,family=4 > ladder.svg',
  )
    .argument('<run>', 'a run folder')
    .addOption(
      new Option('--ladder <cell>', 'print the sequence diagram (ladder) of a cell with a wire, as SVG').conflicts([
        'json',
        'markdown',
      ]),
    )
    .addOption(new Option('--markdown', 'print the report as Markdown; save nothing').default(false).conflicts('json'))
    .addOption(verbose().conflicts(['json', 'markdown']))
    .addOption(json())
    .action((folder, options) => done(import('./commands/report.ts').then(({ report }) => report(folder, options))));

  command(
    'show',
    'show what happened in one cell, event by event',
    'show results/20261120-084500-6.18.44',
    'show results/20261120-084500-6.18.44 lost-last-ack/lost=once,left=ss-K,second=close,family=4',
    'show results/20261120-084500-6.18.44 close-order/closes=both,by=end,data=idle,family=4,node=default --repeat 3 --all',
    'show results/20261120-084500-6.18.44 close-order/closes=client,by=end,data=idle,family=4,node=default --json | jq \'select(.kind == "transition")\'',
  )
    .argument('<run>', 'a run folder')
    .argument('[cell]', 'a cell id, its beginning, or factors that only this cell has; none: list all')
    .addOption(new Option('--repeat <n>', 'which repeat, where the cell has several').argParser(positive))
    .option('--all', 'print each event on its own line, with all its fields', false)
    .addOption(new Option('--json', 'print each event as a line of JSON, and nothing else').default(false))
    .addHelpText(
      'after',
      `
With --json the first line is the cell: {"kind":"cell","id","repeat","status","reason","seconds","connections","events"}.
Each line after it is an entry, in order of time:
  ms     ms since the scenario began; of a sample: when it was complete
  lane   the source: the name of a peer, wire, kernel, harness, ss or netlink
  kind   the kind of the event; "step": a state that no single event shows; "returns": the end of a call that blocked
  text   the event in words, which may change; the other fields do not
  event  the event as events.ndjson.gz has it, times in ns
  step   of a step: the state as the cell's paths have it, "of" its end`,
    )
    .action((folder, cell, options) =>
      done(import('./commands/show.ts').then(({ show }) => show(folder, cell, options))),
    );

  command(
    'compare',
    'print how runs differ',
    'compare results/a results/b',
    'compare results/a results/b --html comparison.html',
    'compare results/* --fail-on behaviour',
  )
    .argument('<runs...>', 'run folders, 2 to 20')
    .addOption(
      new Option('--fail-on <kind>', 'exit with 1 if there is a difference of this kind').choices([
        'behaviour',
        'performance',
      ]),
    )
    .option('--html <file>', 'write a page: what differs, and the evidence')
    .addOption(new Option('--markdown', 'print Markdown').default(false).conflicts('json'))
    .addOption(
      new Option('--csv', 'print a row for each difference of each cell')
        .default(false)
        .conflicts(['json', 'markdown']),
    )
    .addOption(json())
    .action((folders, options) =>
      done(import('./commands/compare.ts').then(({ compare }) => compare(folders, options))),
    );

  command(
    'guide',
    'print a tuning guide whose sentences link to the results that prove them',
    'guide results/20261120-084500-6.18.44',
    'guide results/a results/b -o guide.md',
  )
    .argument('<runs...>', 'run folders, one or more')
    .addOption(new Option('-o, --out <file>', 'write it to this file').conflicts('json'))
    .addOption(json())
    .action((folders, options) => done(import('./commands/guide.ts').then(({ guide }) => guide(folders, options))));

  command('doctor', 'print what this machine can do and what it lacks', 'doctor', 'doctor --json')
    .addOption(json())
    .action((options) => privileged(async () => (await import('./commands/doctor.ts')).doctor(options)));

  const kernels = program
    .command('kernels')
    .description('run experiments on other kernels, in virtual machines')
    .addHelpText('after', '\nExamples:\n  $ lingerlab kernels list\n  $ lingerlab kernels run 5.10 6.12');
  const kernelCommand = (name: string, description: string, ...examples: string[]) =>
    kernels
      .command(name)
      .description(description)
      .addHelpText('after', `\nExamples:\n${examples.map((each) => `  $ lingerlab kernels ${each}`).join('\n')}`);
  const ownKernel = () => new Option('--kernel <file>', 'a kernel of your own: a bzImage, or a .deb with its modules');
  const ownModules = () => new Option('--modules <dir>', 'its modules: the folder that `make modules_install` filled');

  kernelCommand('list', 'list the kernels that can be had, and those that were fetched', 'list', 'list --json')
    .option('--update', 'ask the mirror again, even if the lists are less than an hour old', false)
    .addOption(ownKernel())
    .addOption(ownModules())
    .addOption(json())
    .action((options) => done(import('./commands/kernels/list.ts').then(({ listKernels }) => listKernels(options))));

  kernelCommand(
    'fetch',
    'fetch kernels into the cache',
    'fetch 6.1 6.12',
    'fetch debian:trixie-backports',
    'fetch --locked --lock kernels.lock.json',
  )
    .argument(
      '[series...]',
      'a series (6.12), a version (6.12.118), or debian:SUITE for its newest; none: the default set',
    )
    .option('--locked', 'fetch exactly the kernels of the lock file', false)
    .option('--lock <file>', 'the lock file (default: kernels.lock.json in the cache)')
    .addOption(json())
    .action((series, options) =>
      done(import('./commands/kernels/fetch.ts').then(({ fetchCommand }) => fetchCommand(series, options))),
    );

  const realTime = () =>
    new Option('--real-time', "let guests follow this machine's clock: under KVM where that works").default(false);
  const append = () => new Option('--append <words>', "more of the kernel's command line");
  kernelCommand(
    'run',
    'run experiments on kernels, each in a virtual machine, and compare',
    'run',
    'run 5.10 6.12 host',
    "run 6.1 7.3 -- close-order 'linger-*' --quick",
    'run --kernel arch/x86/boot/bzImage --against results/good --fail-on behaviour -- close-order',
  )
    .argument(
      '[series...]',
      'series, versions, or `host` for this machine without a virtual one; none: the default set',
    )
    .usage('[options] [series...] [-- patterns and options of run]')
    .addOption(ownKernel())
    .addOption(ownModules())
    .addOption(realTime())
    .addOption(append())
    .option('-o, --out <dir>', "the folder for the runs' folders (default: a new one in results/)")
    .option('--against <run>', 'compare each kernel with this run: 1 where it differs, 125 where that cannot be said')
    .addOption(
      new Option('--fail-on <kind>', 'which differences from that run count').choices(['behaviour', 'performance']),
    )
    .addOption(json())
    .action((series, options) => {
      // what follows `--` is for the run inside; commander hands it on with the rest
      const dashes = argv.indexOf('--');
      const inside = dashes === -1 ? [] : argv.slice(dashes + 1);
      const words = series.slice(0, series.length - inside.length);
      return done(import('./commands/kernels/run.ts').then(({ runOnKernels }) => runOnKernels(words, inside, options)));
    });

  kernelCommand('shell', 'open a shell in a kernel, with lingerlab ready', 'shell 6.12')
    .argument('[series]', 'a series or a version')
    .addOption(ownKernel())
    .addOption(ownModules())
    .addOption(realTime())
    .addOption(append())
    .action((series, options) =>
      done(import('./commands/kernels/shell.ts').then(({ kernelShell }) => kernelShell(series, options))),
    );

  command('new', 'write a first file of an experiment of your own', 'new my-question')
    .argument('<id>', 'lower-case words joined by hyphens; writes <id>.ts into this folder')
    .action((id) => done(import('./commands/new.ts').then(({ newExperiment }) => newExperiment(id))));

  command('check', 'check the types and the definition of your own experiment', 'check ./my-question.ts')
    .argument('<file>', 'an experiment file')
    .addOption(json())
    .action((file, options) => done(import('./commands/check.ts').then(({ check }) => check(file, options))));

  command('schema', 'print the JSON Schema of a run folder', 'schema run', 'schema cell')
    .argument('<file>', '`run` for run.json, `cell` for a line of cells.ndjson')
    .action((file) => done(import('./commands/schema.ts').then(({ schema }) => schema(file))));

  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    const refused = error instanceof CommanderError ? usageError(error, program, argv) : error;
    // commander printed help
    if (refused === undefined) return (error as CommanderError).exitCode === 0 ? exitCode.ok : exitCode.usage;
    const first = withMachineErrorsTold(firstError(refused));
    process.stderr.write(errorText(first));
    return first instanceof LingerlabError ? first.exitCode : exitCode.failed;
  }
}
