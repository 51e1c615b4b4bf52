/** Answers calls of the program's functions, one after the other, until it is disconnected; see program.ts. */
import type { Asked, Called } from './program.ts';

process.on('message', (asked: Asked) => {
  void answer(asked).then((called) => process.send?.(called));
});

async function answer({ module, name, args, cwd }: Asked): Promise<Called<unknown>> {
  process.chdir(cwd);
  const { [name]: called } = (await import(module)) as Record<string, (...args: unknown[]) => Promise<unknown>>;
  try {
    return { value: await called!(...args) };
  } catch (thrown) {
    const { code, message, remedy } = thrown as NonNullable<Called<unknown>['error']>;
    return { error: { code, message, remedy } };
  }
}
