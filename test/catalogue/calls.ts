/** Answers calls of the program's functions, one after the other, until it is disconnected; see program.ts. */
import type { Asked, Called } from './program.ts';

process.on('message', (asked: Asked) => {
  void answer(asked).then((called) => process.send?.(called));
});

async function answer({ module, name, args, cwd }: Asked): Promise<Called<unknown>> {
  process.chdir(cwd);
  const { [name]: called } = (await import(module)) as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const written = { stdout: '', stderr: '' };
  const [stdout, stderr] = [process.stdout, process.stderr].map((stream) => stream.write.bind(stream));
  process.stdout.write = (text: unknown) => {
    written.stdout += text;
    return true;
  };
  process.stderr.write = (text: unknown) => {
    written.stderr += text;
    return true;
  };
  const outcome = await called!(...args).then(
    (value) => ({ value }),
    ({ code, message, remedy }: NonNullable<Called<unknown>['error']>) => ({ error: { code, message, remedy } }),
  );
  process.stdout.write = stdout!;
  process.stderr.write = stderr!;
  return { ...outcome, ...written };
}
