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
  const command = program.commands.find((each) => each.name() === words.find((word) => !word.startsWith('-')));
  return new LingerlabError(code, messageOf(error), remedyOf(code, command), { cause: error });
}

/** `unknown option '--job' (did you mean --jobs?)`. */
const messageOf = ({ message }: CommanderError): string =>
  message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean/, ' (did you mean')
    .replace(/ is invalid\. It must/, ' is invalid: it must')
    .replace(/\.$/, '');

function remedyOf(code: ErrorCode, command: Command | undefined): string {
  if (command === undefined || code === 'UNKNOWN_COMMAND') return 'lingerlab --help lists the commands';
  const { name, usage } = { name: command.name(), usage: command.usage() };
  return code === 'BAD_ARGUMENT'
    ? `write: lingerlab ${name} ${usage}`
    : `lingerlab ${name} --help lists the options, and what each takes`;
}
