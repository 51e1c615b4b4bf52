import { experiment } from 'lingerlab';
export default experiment({
  id: 'places',
  question: 'lost where?',
  factors: { place: ['js', 'js-raw', 'sendQueue', 'network', 'receiveQueue', 'readBuffer'] },
  async scenario({ client, server, until }, { place }) {
    const [near, far] = await client.connect(await server.listen());
    const over = () =>
      Promise.all([until(near, 'TIME-WAIT', 'CLOSED'), until(far, 'TIME-WAIT', 'CLOSED'), near.gone(), far.gone()]);
    if (place === 'js' || place === 'js-raw') {
      await far.stopReading();
      const written = near.write(16_000_000).answer();
      // a peer obeys in turn: the kernel has taken all it can
      await near.info();
      await near.close(place === 'js' ? 'destroy' : 'close(2)');
      await written;
      await far.resume();
      await far.ended();
      await far.close();
    } else if (place === 'sendQueue') {
      await near.fill(far, { bytes: 300_000 });
      await near.set('SO_LINGER', 0);
      await near.close('destroy');
      await until(far, 'CLOSED');
      await far.resume();
    } else if (place === 'network') {
      await far.close('destroy');
      await until(far, 'FIN-WAIT-2');
      await near.write(700);
      // net has read the end of the stream, and so does not hear of the RST
      await until(near, 'CLOSED');
      await near.close('destroy');
    } else if (place === 'receiveQueue') {
      await far.stopReading();
      await near.write(5000);
      await far.unread('kernel', 5000);
      await far.close('destroy');
    } else {
      await far.pause();
      await near.write(3000);
      await far.unread('node', 3000);
      await far.close('destroy');
      await near.ended();
      await near.close();
    }
    await over();
  },
  claims: [],
  answer: () => 'as asked',
});
