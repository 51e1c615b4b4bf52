import { experiment } from 'lingerlab';

/**
 * A byte every 100 ms for as long as a test needs to stop a process: that the kernel sends none of them again, and that the server
 * reads each at once, is so as long as nothing stands still.
 */
export default experiment({
  id: 'stopped',
  question: 'Does a peer, or a wire, that stands still change what the kernels do?',
  factors: { on: ['veth', 'wire'] },
  seconds: 5,
  network: ({ on }) => on,
  async scenario({ client, server, rest }) {
    const [near, far] = await client.connect(await server.listen());
    for (let sent = 1; sent <= 40; sent++) {
      await near.write(1);
      await rest(0.1);
    }
    await near.close();
    await far.close();
  },
  claims: [
    {
      id: 'nothing-sent-again',
      text: 'no segment is sent again',
      source: 'RFC 6298, section 5',
      holds: (facts) => facts['client.retransmits'] === 0 && facts['server.retransmits'] === 0,
    },
    {
      id: 'no-stall',
      text: 'neither event loop stands still for half a second',
      source: 'libuv, uv_run()',
      holds: (facts) => facts['client.stallMs'] < 500 && facts['server.stallMs'] < 500,
    },
  ],
  answer: () => 'as asked',
});
