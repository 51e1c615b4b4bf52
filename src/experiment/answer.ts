/** The answers of steps: what the kernel took, and what it refused. */
import type { Answer } from './handles.ts';

/** Makes the answer of a step that succeeded. */
export const succeeded = <T>(value: T, ns: number): Answer<T> => ({ ok: true, outcome: 'ok', value, ns });

/** Makes the answer of a step that the kernel refused. */
export const refused = (
  { errno, syscall }: { readonly errno: string; readonly syscall: string },
  ns: number,
): Answer<never> => ({ ok: false, outcome: errno, errno, syscall, ns });
