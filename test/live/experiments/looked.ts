import { experiment, kind } from 'lingerlab';
export default experiment({
  id: 'looked',
  question: 'is it there?',
  factors: {},
  measures: { seen: kind.outcome() },
  async scenario({ client, server, look, note }) {
    const [near] = await client.connect(await server.listen());
    note('seen', (await look(near))?.state ?? 'gone');
  },
  claims: [],
  answer: () => 'as asked',
});
