import type { Command, CommanderError } from 'commander';
import { type ErrorCode, LingerlabError } from '../errors.ts';

/** What commander refuses, by its own codes. */
const codes: Readonly<Record<string, ErrorCode>> = {
  'commander.unknownCommand': 'UNKNOWN_COMMAND',
  'commander.missingArgument': 'BAD_ARGUMENT',
  'commander.excessArguments': 'BAD_ARGUMENT',
};

/**
 * A refusal of commander's as an error of this program: a code, what is wrong, one thing to do. `words` are those of the command
 * line. Undefined where commander printed help: that is no refusal.
 */
export function usageError(
  error: CommanderError,
  program: Command,
  words: readonly string[],
): LingerlabError | undefined {
  if (error.code === 'commander.help' || error.exitCode === 0) return undefined;
  const code = codes[error.code] ?? 'BAD_OPTION';
  return new LingerlabError(code, messageOf(error), remedyOf(code, commandIn(program, words)), { cause: error });
}

/** The command that the words name, or the command of commands that they come as far as: `lingerlab kernels run`. */
function commandIn(program: Command, words: readonly string[]): readonly Command[] {
  const path = [program];
  for (const word of words.filter((each) => !each.startsWith('-'))) {
    const next = path.at(-1)?.commands.find((each) => each.name() === word);
    if (!next) break;
    path.push(next);
  }
  return path;
}

/** `unknown option '--job' (did you mean --jobs?)`. */
const messageOf = ({ message }: CommanderError): string =>
  message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean/, ' (did you mean')
    .replace(/ is invalid\. It must/, ' is invalid: it must')
    .replace(/\.$/, '');

function remedyOf(code: ErrorCode, path: readonly Command[]): string {
  const name = path.map((each) => each.name()).join(' ');
  const command = path.at(-1)!;
  if (command.commands.length > 0) return `${name} --help lists the commands`;
  return code === 'BAD_ARGUMENT'
    ? `write: ${name} ${command.usage()}`
    : `${name} --help lists the options, and what each takes`;
}
