import { experiment, fin, type Network } from 'lingerlab';

/** Its network may be a wire, for all that its types know, and never is. */
export default experiment({
  id: 'no-wire',
  question: 'Is there a wire?',
  factors: { family: [4] },
  network: (): Network => 'veth',
  async scenario({ client, server, wire }, { family }) {
    await client.connect(await server.listen({ family }));
    await wire.hold(fin.from('client'), { times: 1 });
  },
  claims: [],
  answer: () => 'as asked',
});
