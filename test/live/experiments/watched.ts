import { experiment } from 'lingerlab';

/** A load that leaves more TIME-WAITs than a sampler looks at, watched ten times a second. */
export default experiment({
  id: 'watched',
  question: '?',
  factors: { by: ['destroy'] },
  load: () => 1,
  seconds: 3,
  async scenario(stage, { by }) {
    await stage.load({
      closer: 'client',
      by,
      inFlight: 8,
      requests: 2,
      requestBytes: 3,
      responseBytes: 20,
      watched: 10,
      seconds: 1.5,
      warmUpSeconds: 0.1,
    });
  },
  claims: [],
  answer: () => 'as asked',
});
