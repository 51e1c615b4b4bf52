import { ack, experiment } from 'lingerlab';

/** A close in order on loopback and on a wire that loses the last ACK; and one whose scenario throws half-way. */
export default experiment({
  id: 'shown',
  question: 'what happened?',
  factors: { network: ['loopback', 'wire'], throws: ['no', 'yes'] },
  only: ({ network, throws }) => network === 'loopback' || throws === 'no',
  network: ({ network }) => network,
  async scenario(stage, { network, throws }) {
    const { client, server, until } = stage;
    const [near, far] = await client.connect(await server.listen());
    await near.set('SO_LINGER', 2);
    await far.write(1000);
    await near.received(1000);
    if (throws === 'yes') throw new Error('half-way');
    if (network === 'wire') await stage.wire.drop(ack.from('client').withAck(1002), { times: 1 });
    await near.close('end');
    await until(near, 'FIN-WAIT-2');
    await far.ended();
    await far.close();
    await until(far, 'CLOSED');
  },
  claims: [],
  answer: () => 'as asked',
});
