import { exitCode, headed, LingerlabError, messageOf } from '../errors.ts';
import { visibleJson, visibleLines, visibleStyled } from '../text/visible.ts';

let write = (text: string, written?: () => void): boolean => process.stdout.write(text, written);

/** Write to stdout. */
export function writeAnswer(text: string, written?: () => void): void {
  write(text, written);
}

/**
 * Where a command's answer goes: stdout, and nothing else goes there. What it has of a run folder or of an experiment may have
 * been written to act on a terminal, and does not; styles stay where it is said to have some.
 */
export function answer(text: string, { styled = false }: { readonly styled?: boolean } = {}): void {
  const shown = styled ? visibleStyled(text) : visibleLines(text);
  writeAnswer(shown.endsWith('\n') ? shown : `${shown}\n`);
}
export const answerJson = (value: unknown): void => writeAnswer(`${visibleJson(value, 2)}\n`);

/** What an experiment's file writes is no answer: it goes to stderr, where a program that reads stdout does not meet it. */
export function keepOthersFromStdout(): void {
  write = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  globalThis.console = new console.Console({ stdout: process.stderr, stderr: process.stderr });
}

/** Characters that are written at once. */
const pieceLength = 65_536;

/** An answer of many lines, written as it is taken: whoever has read enough of it (`| head`) ends it. */
export async function answerLines(lines: Iterable<string> | AsyncIterable<string>): Promise<void> {
  let piece = '';
  const writePiece = () => new Promise<void>((resolve) => writeAnswer(piece, resolve));
  for await (const line of lines) {
    piece += `${line}\n`;
    if (piece.length < pieceLength) continue;
    await writePiece();
    piece = '';
    if (process.stdout.destroyed) return;
  }
  await writePiece();
}

/** Whether colors are wanted on a stream: a terminal, and https://no-color.org. */
export const wantsColor = (stream: { isTTY?: boolean }): boolean => stream.isTTY === true && !process.env.NO_COLOR;

/** Narrower than this, nothing is left beside the names. */
const fewestColumns = 40;

/** Characters in a line: as COLUMNS says, else as wide as the terminal within reason, else 100. */
export function columnsOf(stream: { columns?: number }, env: NodeJS.ProcessEnv = process.env): number {
  const asked = /^[1-9]\d{0,4}$/.test(env.COLUMNS ?? '') ? Number(env.COLUMNS) : undefined;
  if (asked !== undefined) return Math.max(fewestColumns, asked);
  return Math.max(60, Math.min(stream.columns ?? 100, 140));
}

/**
 * Ignores EPIPE on both streams: a reader such as `head` may close its end early, and the exit code stays. Reports any
 * other failure to write, with exit code 1.
 */
export function endQuietly(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return;
      if (stream === process.stdout) process.stderr.write(`lingerlab: cannot write to stdout: ${error.message}\n`);
      process.on('exit', () => {
        process.exitCode = exitCode.failed;
      });
    });
  }
}

/** Where a run is that ended with an error. */
export const savedText = (folder: string): string =>
  visibleLines(`lingerlab: the run so far is saved in ${folder}; lingerlab run --resume with it runs the rest\n`);

/** An error as the user meets it: code, what happened, what to do. */
export function errorText(error: unknown): string {
  if (error instanceof LingerlabError) return visibleLines(headed(error));
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return `lingerlab: INTERNAL: ${messageOf(error)}\n  this is a defect of lingerlab; please report it with these lines:\n${stack}\n`;
}
