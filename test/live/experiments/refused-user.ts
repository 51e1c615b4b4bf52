import { experiment, kind } from 'lingerlab';
export default experiment({
  id: 'users',
  question: 'who?',
  factors: {},
  measures: { refused: kind.outcome() },
  async scenario({ start, note }) {
    const other = await start('other', { uid: 65534 }).answer();
    note('refused', other.ok ? 'ok' : `${other.syscall} ${other.errno}`);
  },
  claims: [],
  answer: () => 'as asked',
});
