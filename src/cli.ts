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
  new Option('-j, --jobs <n>', 'cells at work at once, not counting those that only wait')
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
    'report results/20261120-084500-6.18.44 --ladder lost-last-ack > ladder.svg',
  )
    .argument('<run>', 'a run folder')
    .addOption(
      new Option('--ladder <cell>', 'print the ladder diagram of a cell with a wire, as SVG').conflicts([
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

  command('compare', 'print how runs differ', 'compare results/a results/b', 'compare results/* --fail-on behaviour')
    .argument('<runs...>', 'run folders, two or more')
    .addOption(
      new Option('--fail-on <kind>', 'exit with 1 if there is a difference of this kind').choices([
        'behaviour',
        'performance',
      ]),
    )
    .addOption(new Option('--markdown', 'print Markdown').default(false).conflicts('json'))
    .addOption(json())
    .action((folders, options) =>
      done(import('./commands/compare.ts').then(({ compare }) => compare(folders, options))),
    );

  command('doctor', 'print what this machine can do and what it lacks', 'doctor', 'doctor --json')
    .addOption(json())
    .action((options) => privileged(async () => (await import('./commands/doctor.ts')).doctor(options)));

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
