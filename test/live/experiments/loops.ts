import { experiment } from 'lingerlab';

/** Places at which an experiment does not give the thread back, or ends the process. */
export default experiment({
  id: 'loops',
  question: 'where?',
  factors: { where: ['nowhere', 'begin', 'step', 'timer', 'claim', 'exit', 'later'] },
  async scenario({ client, server, rest }, { where }) {
    while (where === 'begin');
    await client.connect(await server.listen());
    while (where === 'step');
    if (where === 'timer') setTimeout(loop, 10);
    if (where === 'exit') process.exit(0);
    if (where === 'later') setTimeout(() => process.exit(0), 10);
    await rest(0.1);
  },
  claims: [{ id: 'c', text: 'it ends', source: 'this test', holds: (_, { where }) => where !== 'claim' || loop() }],
  answer: () => 'as asked',
});

function loop(): never {
  for (;;);
}
