import { type Instruments, kind, type Opened, type Side, type Stage } from 'lingerlab';

/** What is asked while a connection opens: `ss` of both ends at once, and connect(2) of its answer. */

/** The facts of that; `pairs` are the states that `ss` may show: `SYN-SENT –`. */
export const asking = <const Pairs extends readonly string[]>(pairs: Pairs) => ({
  shown: { ...kind.words(...pairs), text: 'what ss showed of client and server each time that it was asked' },
  answer: kind.outcome({ text: 'what the kernel made of connect(2)' }),
  answeredMs: kind.ms({ text: 'from connect(2) to that' }),
});

interface Shows<Pair> extends Pick<Instruments, 'look'> {
  readonly note: (name: 'shown', shown: Pair[]) => void;
}

/** Asks `ss` of both ends each time that it is called, and notes all that it has shown. */
export function showing<Pair extends string>({ look, note }: Shows<Pair>) {
  const shown: Pair[] = [];
  return async (near: Side, other: Side): Promise<void> => {
    const states = await Promise.all([near, other].map(async (side) => (await look(side))?.state ?? '–'));
    shown.push(states.join(' ') as Pair);
    note('shown', shown);
  };
}

type Settles = Pick<Stage<readonly [], Pick<ReturnType<typeof asking>, 'answer' | 'answeredMs'>>, 'note'>;

/** Waits for the answer of connect(2), and notes it. */
export async function settle({ note }: Settles, near: Opened): Promise<void> {
  const { outcome, ns } = await near.connected().answer();
  note('answer', outcome);
  note('answeredMs', ns / 1e6);
}
