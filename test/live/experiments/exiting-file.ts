import { experiment } from 'lingerlab';

const code = 0;
process.exit(code);

export default experiment({
  id: 'exiting-file',
  question: 'is it ever loaded?',
  factors: {},
  async scenario() {},
  claims: [],
  answer: () => 'as asked',
});
