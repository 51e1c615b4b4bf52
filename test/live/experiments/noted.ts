import { experiment, kind } from 'lingerlab';

/** Notes what a fact cannot be: the cells that do so are errored, the others run. */
export default experiment({
  id: 'noted',
  question: 'What may a fact be?',
  factors: { value: ['fine', 'nan', 'undeclared'] },
  measures: { count: kind.count(), word: kind.word('a', 'b') },
  async scenario({ note }, { value }) {
    if (value === 'fine') note('count', -1);
    if (value === 'nan') note('count', Number.NaN);
    if (value === 'undeclared') note('word', 'c' as 'a');
  },
  claims: [],
  answer: (outcomes) => `${outcomes.length} of 3`,
});
