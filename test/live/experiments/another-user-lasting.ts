import { experiment } from 'lingerlab';
export default experiment({
  id: 'lasting',
  question: 'still there?',
  factors: {},
  seconds: 60,
  async scenario({ start, rest }) {
    const other = await start('other', { uid: 65534 });
    await other.signal('SIGSTOP');
    await rest(60);
  },
  claims: [],
  answer: () => 'as asked',
});
