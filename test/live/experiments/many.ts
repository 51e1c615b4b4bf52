import { experiment } from 'lingerlab';
export default experiment({
  id: 'many',
  question: 'how many?',
  factors: { network: ['loopback', 'veth'], family: [4, 6] },
  network: ({ network }) => network,
  async scenario({ client, server, until }, { family }) {
    const listener = await server.listen({ family });
    for (let count = 0; count < 23; count++) {
      const [near, far] = await client.connect(listener);
      await near.close('destroy');
      // an acknowledgement that crossed the second FIN would end TIME-WAIT (RFC 1337)
      await Promise.all([until(far, 'CLOSE-WAIT'), until(near, 'FIN-WAIT-2')]);
      await far.close('destroy');
      await until(far, 'CLOSED');
    }
  },
  claims: [],
  answer: () => 'as asked',
});
