import { expect, test } from 'vitest';
import { kind } from '../../../src/facts/kinds.ts';
import { formatFact } from '../../../src/facts/values.ts';
import { headText, saidText } from '../../../src/report/markdown/facts.ts';
import { columnsOf, saidIn } from '../../../src/report/model/facts.ts';
import { experimentOf, saved } from '../fixture.ts';

const plainly = experimentOf({ id: 'x' });
const heads = (...facts: string[]): string[] => columnsOf(facts, plainly).map(({ name }) => name);

test('what both ends have is one column, where the first of them is', () => {
  expect(heads('timeWait.holder', 'client.path', 'word', 'server.path')).toEqual(['timeWait.holder', 'path', 'word']);
  expect(heads('old.client.path', 'old.server.path', 'new.client.path')).toEqual(['old.path', 'new.client.path']);
});

test('an end says what it has, both ends once what they share', () => {
  const [column] = columnsOf(['server.path', 'client.path'], plainly);
  const of = (client: string, server: string): string | undefined =>
    column && saidText(saidIn(column, (fact) => (fact.startsWith('client') ? client : server)));
  expect(of('FIN', 'RST')).toBe('client FIN<br>server RST');
  expect(of('FIN', 'FIN')).toBe('both FIN');
});

test('ends by role are one column, which says whose each is', () => {
  const roles = ['closing', 'other'];
  const [lost, alone] = columnsOf(['other.lost', 'closing.lost', 'closing.errors'], experimentOf({ id: 'x', roles }));
  expect([lost?.name, alone?.name]).toEqual(['lost', 'closing.errors']);
  expect(lost && saidText(saidIn(lost, (fact) => (fact === 'closing.lost' ? '5 B' : '0 B')))).toBe(
    'closing end 5 B<br>other end 0 B',
  );
});

test('a column has the label of its fact, as words; without one the name, as code', () => {
  const facts = saved({ got: kind.outcome({ label: 'client reads' }), sent: kind.outcome() });
  const columns = columnsOf(['got', 'sent'], experimentOf({ id: 'x', facts }));
  expect(columns.map(({ name }) => name)).toEqual(['got', 'sent']);
  expect(columns.map(headText)).toEqual(['client reads', '`sent`']);
});

test('words have arrows between them, unless they are a set; three equal ones are counted', () => {
  expect(formatFact(['FIN', 'RST', 'RST'], kind.words())).toBe('FIN → RST → RST');
  expect(formatFact(['FIN', 'RST', 'RST', 'RST'], kind.words())).toBe('FIN → 3 × RST');
  expect(formatFact(['POLLIN', 'POLLOUT'], { ...kind.words(), isSet: true })).toBe('POLLIN, POLLOUT');
});
