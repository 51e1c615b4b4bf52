import { LingerlabError } from '../../errors.ts';
import { acceptedArgument, acceptedLine } from '../../experiment/accepted-steps.ts';
import type { Answer } from '../../experiment/handles.ts';
import type { ExecOptions, Program, ProgramEnded } from '../../experiment/program.ts';
import type { PeerProcess } from '../process.ts';
import type { Verbs } from '../protocol.ts';
import { type Cast, take } from './cast.ts';

interface Exec {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: ExecOptions;
}

/** Starts a program in a peer's namespace. */
export async function exec(
  cast: Cast,
  process: PeerProcess,
  { command, args, options }: Exec,
): Promise<Answer<Program>> {
  const answer = await process.ask('exec', { command, args: [...args], ...options });
  if (!answer.ok) return answer;
  cast.programs.add(answer.value.pid, `${process.name}.${answer.value.program}`);
  return { ...answer, value: programHandle(cast, process, answer.value) };
}

const patternText = (pattern: string | RegExp | undefined): string =>
  pattern === undefined ? '' : typeof pattern === 'string' ? ` with ${JSON.stringify(pattern)}` : ` with ${pattern}`;

function programHandle(cast: Cast, process: PeerProcess, { program, pid }: Verbs['exec']['value']): Program {
  const name = `${process.name}.${program}`;
  return {
    pid,
    line(pattern) {
      acceptedLine(pattern);
      const what = `a line${patternText(pattern)}`;
      return take(cast, `${name}: ${what}`, line(process, { program, pattern, name, what }));
    },
    output: () => take(cast, `${name}.output`, process.ask('programOutput', { program })),
    write(text) {
      acceptedArgument('program.write(): text', text);
      return take(cast, `${name}.write`, process.ask('programWrite', { program, text }));
    },
    closeInput: () => take(cast, `${name}.closeInput`, process.ask('programClose', { program })),
    signal(signal) {
      acceptedArgument('program.signal()', signal);
      return take(cast, `${name}.signal ${signal}`, process.ask('programSignal', { program, signal }));
    },
    ended: () => take(cast, `${name}.ended`, process.ask('programEnded', { program })),
  };
}

interface Line {
  readonly program: string;
  readonly pattern: string | RegExp | undefined;
  readonly name: string;
  readonly what: string;
}

async function line(process: PeerProcess, { program, pattern, name, what }: Line): Promise<Answer<string>> {
  const asked =
    pattern === undefined
      ? {}
      : { pattern: typeof pattern === 'string' ? { text: pattern } : { source: pattern.source, flags: pattern.flags } };
  const answer = await process.ask('programLine', { program, ...asked });
  if (!answer.ok) return answer;
  if ('line' in answer.value) return { ...answer, value: answer.value.line };
  throw endedFirst(name, what, answer.value.ended);
}

/** Why it ended is in so many characters of what it wrote last. */
const told = 500;

function endedFirst(name: string, what: string, { how, stdout, stderr }: ProgramEnded): LingerlabError {
  const wrote = (stderr.trim() || stdout.trim()).slice(-told);
  return new LingerlabError(
    'PROGRAM_ENDED',
    `${name} ended (${how}) before it wrote ${what}${wrote && `; it wrote: ${wrote}`}`,
    'run `lingerlab show` with this cell: it prints the whole output of the program',
  );
}
