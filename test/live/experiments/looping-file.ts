import { experiment } from 'lingerlab';

const always = Math.PI > 3;
while (always);

export default experiment({
  id: 'looping-file',
  question: 'is it ever loaded?',
  factors: {},
  async scenario() {},
  claims: [],
  answer: () => 'as asked',
});
