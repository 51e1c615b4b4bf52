import { type Instruments, kind, type Opened, type Side, type Stage } from 'lingerlab';

/** Facts of a connection that opens: the states that `ss` shows of both ends, and the result of connect(2). */

/** Declares these facts; `pairs` are the states that `ss` can show: `SYN-SENT –`. */
export const asking = <const Pairs extends readonly string[]>(pairs: Pairs) => ({
  shown: {
    ...kind.words(...pairs),
    label: 'client, server at each look',
    text: 'states at each look, by ss: first the client, then the server; – where ss shows no socket',
  },
  answer: kind.outcome({ label: 'connect(2)', text: 'result of connect(2)' }),
  answeredMs: kind.ms({ label: 'connect(2) took', text: 'time from connect(2) to its result' }),
});

interface Shows<Pair> extends Pick<Instruments, 'look'> {
  readonly note: (name: 'shown', shown: Pair[]) => void;
}

/** Returns a function that looks at both ends with `ss` and notes the states of all looks so far. */
export function showing<Pair extends string>({ look, note }: Shows<Pair>) {
  const shown: Pair[] = [];
  return async (near: Side, other: Side): Promise<void> => {
    const states = await Promise.all([near, other].map(async (side) => (await look(side))?.state ?? '–'));
    shown.push(states.join(' ') as Pair);
    note('shown', shown);
  };
}

type Settles = Pick<Stage<readonly [], Pick<ReturnType<typeof asking>, 'answer' | 'answeredMs'>>, 'note'>;

/** Waits for the result of connect(2) and notes it. */
export async function settle({ note }: Settles, near: Opened): Promise<void> {
  const { outcome, ns } = await near.connected().answer();
  note('answer', outcome);
  note('answeredMs', ns / 1e6);
}
