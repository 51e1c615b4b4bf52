import { experiment } from 'lingerlab';

export default experiment({
  id: 'looping-answer',
  question: 'what is the answer?',
  factors: {},
  async scenario() {},
  claims: [],
  answer: () => {
    for (;;);
  },
});
