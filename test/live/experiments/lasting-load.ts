import { loadExperiment } from 'lingerlab';

/** Kept connections that go on for a minute: there is a middle in which to be stopped. */
export default loadExperiment({
  id: 'busy',
  question: '?',
  factors: { closer: ['neither'] },
  load: { repeats: 2 },
  seconds: 61,
  async scenario({ load }, { closer }) {
    await load({ closer, inFlight: 8, requestBytes: 3, responseBytes: 20, seconds: 60, warmUpSeconds: 0.1 });
  },
  claims: [],
  answer: () => 'as asked',
});
