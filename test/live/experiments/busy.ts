import { kind, loadExperiment } from 'lingerlab';

/** Loads of half a second; what came of each is in its facts. */
export default loadExperiment({
  id: 'busy',
  question: '?',
  factors: {
    closer: ['client', 'server', 'neither'],
    by: ['destroy', 'end', 'half-close', 'linger-0'],
    driver: ['loop', 'tinybench'],
  },
  only: ({ closer, by, driver }) =>
    closer === 'client'
      ? driver === 'loop' || by === 'destroy'
      : (by === 'destroy' && driver === 'loop') || (closer === 'server' && by === 'linger-0' && driver === 'loop'),
  load: { repeats: 2, baseline: { closer: 'client', by: 'destroy', driver: 'loop' } },
  seconds: 1,
  measures: { closed: kind.count() },
  async scenario({ load, note }, { closer, by, driver }) {
    const done = await load({
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
    note('closed', done.closed);
  },
  claims: [],
  answer: () => 'as asked',
});
