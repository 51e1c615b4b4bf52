/** What a process of ours can be asked: for each verb what is said with it, and what is answered. */
export type Protocol<P> = { readonly [V in keyof P]: { readonly ask: object; readonly value: unknown } };
export type VerbOf<P> = keyof P & string;

/** What a handler returns: the answer, or nothing where the answer is `undefined`. */
export type Answered<T> = T extends undefined ? void | Promise<void> : T | Promise<T>;

/** The verbs of a process, each with what does it. */
export type Handlers<P extends Protocol<P>> = {
  readonly [V in keyof P]: (ask: P[V]['ask']) => Answered<P[V]['value']>;
};

/** Does what a verb says. What it throws, or rejects with, is the answer that the harness's request rejects with. */
export type Obey<P extends Protocol<P>> = <V extends VerbOf<P>>(
  verb: V,
  ask: P[V]['ask'],
) => Answered<P[V]['value']> | Promise<P[V]['value']>;

/** What the harness sends. */
export interface Request<P extends Protocol<P>, V extends VerbOf<P>> {
  readonly id: number;
  readonly verb: V;
  readonly ask: P[V]['ask'];
}

/** An error on its way between two processes. */
export interface SentError {
  readonly message: string;
  /** Of an error that a user can meet. */
  readonly coded?: { readonly code: string; readonly remedy: string };
}

/** What a process sends: that it has started, an answer, or something that nobody asked for. */
export type Sent<Told> =
  | { readonly ready: true }
  | { readonly id: number; readonly value?: unknown }
  | { readonly id: number; readonly error: SentError }
  | { readonly told: Told };

/** What every process is started with. */
export interface Started {
  /** The pid of the process that started it. */
  readonly parent: number;
}
