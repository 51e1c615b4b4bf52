import { LingerlabError } from '../errors.ts';
import { SystemCallError } from '../native/libc.ts';
import { type Child, type ChildOptions, startChild } from './child.ts';
import { noAnswer, settlesWithin } from './deadline.ts';

/** What a program of the system wrote. */
export interface ToolOutput {
  readonly stdout: string;
  /** Empty where it succeeded; otherwise what it wrote to standard error, or how it ended. */
  readonly problem: string;
}

export interface ToolOptions {
  /** What it reads from standard input. */
  readonly input?: string;
  /** Default: {@link toolMs}. */
  readonly deadlineMs?: number;
}

/** `ss` with 21,000 sockets takes 34 ms, a batch of `ip` 5 ms. */
export const toolMs = 5000;

/**
 * Start `ss`, `ip` or another program of the system in the thread's present namespaces, at once; resolves when it has ended.
 * Rejects with NO_TOOL where there is no such program, and with NO_ANSWER where it does not end in time: it is killed then.
 */
export async function runTool(
  program: string,
  args: readonly string[],
  { input, deadlineMs = toolMs }: ToolOptions = {},
): Promise<ToolOutput> {
  const child = start({
    program,
    args,
    descriptors: [input === undefined ? null : 'input', 'output', 'complaint'],
  });
  let stdout = '';
  let stderr = '';
  child.streams.output.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.streams.complaint.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  if (input !== undefined) child.streams.input.resume().end(input);
  if (!(await settlesWithin(child.ended, deadlineMs))) {
    await child.end();
    throw noAnswer(`${[program, ...args].join(' ')} did not end`, deadlineMs);
  }
  const end = await child.ended;
  const how = 'signal' in end ? end.signal : `exit code ${end.code}`;
  return { stdout, problem: how === 'exit code 0' ? '' : stderr.trim() || how };
}

/** The packages of Debian that have the programs which this one starts. */
const packages: Readonly<Record<string, string>> = { ss: 'iproute2', ip: 'iproute2', tc: 'iproute2' };

function start<Stream extends string>(options: ChildOptions<Stream>): Child<Stream> {
  try {
    return startChild(options);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.errno !== 'ENOENT') throw error;
    const of = packages[options.program];
    const remedy = of ? `install ${of}: apt-get install ${of}` : `install ${options.program}`;
    throw new LingerlabError('NO_TOOL', `${options.program} is not on the PATH`, remedy, { cause: error });
  }
}
