import { LingerlabError, messageOf } from '../errors.ts';

/** Where a command's answer goes: stdout, and nothing else goes there. */
export const answer = (text: string): void => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
export const answerJson = (value: unknown): void => answer(JSON.stringify(value, null, 2));

/** Whether colors are wanted on a stream: a terminal, and https://no-color.org. */
export const wantsColor = (stream: { isTTY?: boolean }): boolean => stream.isTTY === true && !process.env.NO_COLOR;

export const columnsOf = (stream: { columns?: number }): number => Math.max(60, Math.min(stream.columns ?? 100, 140));

/** An error as the user meets it: code, what happened, what to do. */
export function errorText(error: unknown): string {
  if (error instanceof LingerlabError) return `lingerlab: ${error.code}: ${error.message}\n  ${error.remedy}\n`;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return `lingerlab: INTERNAL: ${messageOf(error)}\n  this is a defect of lingerlab; please report it with these lines:\n${stack}\n`;
}
