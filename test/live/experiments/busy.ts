import { experiment, kind } from 'lingerlab';

/** Loads of 0.5 s beside a cell that closes one connection; what came of each is in its facts. */
export default experiment({
  id: 'busy',
  question: '?',
  factors: {
    closer: ['client', 'server', 'neither', 'nobody'],
    by: ['destroy', 'end', 'half-close', 'linger-0'],
    driver: ['loop', 'tinybench'],
  },
  only: ({ closer, by, driver }) =>
    closer === 'client'
      ? driver === 'loop' || by === 'destroy'
      : (by === 'destroy' && driver === 'loop') || (closer === 'server' && by === 'linger-0' && driver === 'loop'),
  load: ({ closer }) => closer !== 'nobody' && 2,
  seconds: 1,
  measures: { closed: kind.count() },
  async scenario(stage, { closer, by, driver }) {
    if (closer === 'nobody') {
      const [near] = await stage.client.connect(await stage.server.listen());
      await near.close('resetAndDestroy');
      await stage.until(near, 'CLOSED');
      return;
    }
    const done = await stage.load({
      closer,
      by,
      driver,
      inFlight: driver === 'loop' ? 8 : 1,
      requests: driver === 'loop' && closer !== 'neither' ? 2 : 1,
      requestBytes: 3,
      responseBytes: 20,
      seconds: 0.5,
      warmUpSeconds: 0.1,
    });
    stage.note('closed', done.closed);
  },
  claims: [],
  answer: () => 'as asked',
});
