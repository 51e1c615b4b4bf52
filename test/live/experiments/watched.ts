import { loadExperiment } from 'lingerlab';

/** Loads that leave more TIME-WAITs than a sampler looks at, watched ten times a second. */
export default loadExperiment({
  id: 'watched',
  question: '?',
  factors: { by: ['destroy', 'end', 'half-close'] },
  load: { repeats: 1 },
  seconds: 1,
  async scenario({ load }, { by }) {
    await load({
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
