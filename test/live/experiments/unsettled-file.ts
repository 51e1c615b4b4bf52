import { experiment } from 'lingerlab';

// an event loop that stays alive, and an await that does not end
setInterval(() => undefined, 1000);
await new Promise<never>(() => undefined);

/** Never finishes loading. */
export default experiment({
  id: 'unsettled-file',
  question: 'Does it load?',
  factors: {},
  async scenario() {},
  claims: [],
  answer: () => 'no',
});
