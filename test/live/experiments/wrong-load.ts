import { experiment } from 'lingerlab';

/** A load that has peers, and one whose experiment does not say that it is one. */
export default experiment({
  id: 'wrong-load',
  question: '?',
  factors: { does: ['connects', 'loads'] },
  load: ({ does }) => does === 'connects' && 1,
  seconds: 1,
  async scenario(stage, { does }) {
    if (does === 'connects') await stage.client.connect(await stage.server.listen());
    else
      await stage.load({
        closer: 'client',
        inFlight: 8,
        requestBytes: 3,
        responseBytes: 20,
        seconds: 0.5,
        warmUpSeconds: 0.1,
      });
  },
  claims: [],
  answer: () => 'as asked',
});
