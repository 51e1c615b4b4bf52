import { checkFile } from '../catalogue/check.ts';
import { type ExitCode, exitCode } from '../errors.ts';
import { watchThread } from '../process/watchdog.ts';
import { endAtOnce } from './at-once.ts';
import { answer, answerJson, wantsColor } from './output.ts';

/** `lingerlab check FILE`: type-check and validate an experiment without running it; 1 where it does not fit. */
export async function check(file: string, { json }: { readonly json: boolean }): Promise<ExitCode> {
  watchThread(endAtOnce);
  const { ok, output, notes = [] } = await checkFile(file, { pretty: !json && wantsColor(process.stdout) });
  if (json) answerJson({ file, ok, output, notes });
  else answer([...(ok ? [`${file}: fits`] : [output.trimEnd()]), ...notes].join('\n'));
  return ok ? exitCode.ok : exitCode.failed;
}
