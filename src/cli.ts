import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { check } from './commands/check.ts';
import { compare } from './commands/compare.ts';
import { doctor } from './commands/doctor.ts';
import { explain } from './commands/explain.ts';
import { list } from './commands/list.ts';
import { newExperiment } from './commands/new.ts';
import { errorText, writeAnswer } from './commands/output.ts';
import { report } from './commands/report.ts';
import { run } from './commands/run.ts';
import { schema } from './commands/schema.ts';
import { show } from './commands/show.ts';
import { type ExitCode, exitCode, firstError, LingerlabError, withMachineErrorsTold } from './errors.ts';
import { inOwnNamespace } from './lab/user-namespace.ts';
import { samplerNames } from './record/event.ts';
import { tool } from './record/tool.ts';

/** Cells at work at once. Four had the throughput of sixteen on two cores, at a quarter of the latency. */
const defaultJobs = 4;

const positive = (text: string): number => {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
};
const collect = (value: string, before: readonly string[]): string[] => [...before, value];
const json = () => new Option('--json', 'print the answer as JSON, and nothing else, on stdout').default(false);
const jobs = () =>
  new Option('-j, --jobs <n>', 'cells at work at once; cells that only wait do not count')
    .argParser(positive)
    .default(defaultJobs);

/** Parse, call, exit code. */
export async function cli(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCode.ok;
  const done = async (result: Promise<unknown>) => {
    const told = await result;
    if (typeof told === 'number') code = told as ExitCode;
  };
  const privileged = (call: () => Promise<ExitCode>) => done(inOwnNamespace(call));
  const program = new Command('lingerlab')
    .description('SO_LINGER and TIME-WAIT experiments on real sockets of this kernel')
    .version(tool().version)
    .exitOverride()
    .configureOutput({ writeOut: writeAnswer })
    .showHelpAfterError('(lingerlab --help tells more)')
    .configureHelp({ sortSubcommands: false });
  const command = (name: string, description: string, ...examples: string[]) =>
    program
      .command(name)
      .description(description)
      .addHelpText('after', `\nExamples:\n${examples.map((each) => `  $ lingerlab ${each}`).join('\n')}`);

  command(
    'run',
    'run experiments, and report what this kernel does',
    'run',
    'run close-order',
    'run close-order --where closes=client,both --where by=end',
    "run 'close-order/closes=client,*'",
    'run ./my-question.ts --repeat 10',
    'run linger --sysctl net.ipv4.tcp_fin_timeout=10 --sysctls-from /etc/sysctl.d/99-tuning.conf',
    'run --resume results/20261120-084500-6.18.44',
  )
    .argument('[patterns...]', 'experiment ids, cell ids, globs over either, or files; none: everything')
    .option('-w, --where <factor=value>', 'only cells with these values (value,value…); repeatable', collect, [])
    .addOption(
      new Option('--sysctl <name=value>', 'run every cell under this setting; repeatable')
        .argParser(collect)
        .default([], '')
        .conflicts('resume'),
    )
    .addOption(
      new Option('--sysctls-from <file>', 'the same of each line of a sysctl.conf; repeatable; --sysctl wins')
        .argParser(collect)
        .default([], '')
        .conflicts('resume'),
    )
    .option('--all', 'cells outside the default matrix, too', false)
    .option('--quick', 'as few cells as it takes to see every factor value', false)
    .addOption(new Option('--repeat <n>', 'how often each cell runs').argParser(positive))
    .addOption(jobs())
    .addOption(
      new Option(
        '--sampler <name>',
        '`ss`, or `netlink`: ask the kernel itself, faster, and nobody can repeat it by hand',
      )
        .choices(samplerNames)
        .default('ss' as const),
    )
    .addOption(new Option('-o, --out <dir>', 'the run folder; default: a new one under results/').conflicts('resume'))
    .addOption(new Option('--resume <dir>', 'go on with the run in this folder').conflicts(['all', 'quick', 'repeat']))
    .option('-n, --dry-run', 'show what would run', false)
    .option('--strict', 'exit with 1 where a claim was refuted', false)
    .addOption(json())
    .option('-q, --quiet', 'print the answers only', false)
    .action((patterns, options) => privileged(() => run(patterns, options)));

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
    .action((words, options) => done(list(words, options)));

  command(
    'explain',
    'print what an experiment asks, varies and claims',
    'explain close-order',
    'explain ./my-question.ts',
    'explain EADDRINUSE',
  )
    .argument('<id...>', "an experiment's id or file; other words: which experiments are about them")
    .addOption(json())
    .action((words, options) => done(explain(words, options)));

  command(
    'report',
    'make the report of a run again, from its folder alone',
    'report results/20261120-084500-6.18.44',
    'report results/20261120-084500-6.18.44 --ladder lost-last-ack > ladder.svg',
  )
    .argument('<run>', 'a run folder')
    .addOption(
      new Option('--ladder <cell>', 'only print the ladder diagram of a cell that ran over a wire, as SVG').conflicts([
        'json',
        'markdown',
      ]),
    )
    .addOption(
      new Option('--markdown', 'print the report as Markdown instead of saving it').default(false).conflicts('json'),
    )
    .addOption(json())
    .action((folder, options) => done(report(folder, options)));

  command(
    'show',
    'show what happened in one cell, event by event',
    'show results/20261120-084500-6.18.44 lost-last-ack/lost=once,left=ss-K,second=close,family=4',
    'show results/20261120-084500-6.18.44 close-order/closes=both,by=end,data=idle,family=4,node=default --repeat 3 --all',
    'show results/20261120-084500-6.18.44 close-order/closes=client,by=end,data=idle,family=4,node=default --json | jq \'select(.kind == "transition")\'',
  )
    .argument('<run>', 'a run folder')
    .argument('<cell>', 'a cell id; its factors in any order, or as many of them as only it has; or its beginning')
    .addOption(new Option('--repeat <n>', 'which repeat, where the cell has several').argParser(positive))
    .option('--all', 'a line for each event, with all that is known of it; nothing is counted together', false)
    .addOption(new Option('--json', 'print every event as a line of JSON, and nothing else, on stdout').default(false))
    .addHelpText(
      'after',
      `
With --json the first line is the cell: {"kind":"cell","id","repeat","status","reason","seconds","connections","events"}.
Each line after it is an entry, in order of time:
  ms     ms since the scenario began; of a sample when it had been taken
  lane   who saw or did it: a peer by its name, wire, kernel, harness, ss or netlink
  kind   the kind of the event; "step": a state that no single event shows; "returns": the end of a call that blocked
  text   in words; they may change, the other fields do not
  event  the event as events.ndjson.gz has it, times in ns
  step   of a step: the state as the cell's paths have it, "of" its end`,
    )
    .action((folder, cell, options) => done(show(folder, cell, options)));

  command('compare', 'tell how runs differ', 'compare results/a results/b', 'compare results/* --fail-on behaviour')
    .argument('<runs...>', 'run folders, two or more')
    .addOption(
      new Option('--fail-on <kind>', 'exit with 1 where a difference of this kind was found').choices([
        'behaviour',
        'performance',
      ]),
    )
    .addOption(new Option('--markdown', 'print Markdown').default(false).conflicts('json'))
    .addOption(json())
    .action((folders, options) => done(compare(folders, options)));

  command('doctor', 'tell what this machine can do', 'doctor', 'doctor --json')
    .addOption(json())
    .action((options) => privileged(() => doctor(options)));

  command('new', 'write a file to begin an experiment of your own with', 'new my-question')
    .argument('<id>', 'lower-case words joined by hyphens; the file is <id>.ts in this folder')
    .action((id) => done(newExperiment(id)));

  command('check', 'type-check and validate an experiment of your own', 'check ./my-question.ts')
    .argument('<file>', 'an experiment file')
    .addOption(json())
    .action((file, options) => done(check(file, options)));

  command('schema', 'print the JSON Schema of a run folder', 'schema run', 'schema cell')
    .argument('<file>', '`run` for run.json, `cell` for a line of cells.ndjson')
    .action((file) => done(schema(file)));

  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    // commander has already told, and help is no error
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    const first = withMachineErrorsTold(firstError(error));
    process.stderr.write(errorText(first));
    return first instanceof LingerlabError ? first.exitCode : exitCode.failed;
  }
}
