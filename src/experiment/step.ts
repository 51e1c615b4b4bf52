/**
 * What the kernel said to a step: a value, or a refusal. `outcome` is either in one word, `ok` or the errno's name; `ns` is how
 * long the call held its thread.
 */
export type Answer<T = void> =
  | { readonly ok: true; readonly outcome: 'ok'; readonly value: T; readonly ns: number }
  | {
      readonly ok: false;
      readonly outcome: string;
      readonly errno: string;
      readonly syscall: string;
      readonly ns: number;
    };

/** Awaited: the value, or the cell is errored. `.answer()`: a refusal as data. */
export type Step<T = void> = Promise<T> & { answer(): Promise<Answer<T>> };
