import { expect, test } from 'vitest';
import { saidText } from '../../../src/report/markdown/facts.ts';
import { columnsOf, saidIn } from '../../../src/report/model/facts.ts';

const heads = (...facts: string[]): string[] => columnsOf(facts).map(({ name }) => name);

test('what both ends have is one column, where the first of them is', () => {
  expect(heads('timeWait.holder', 'client.path', 'word', 'server.path')).toEqual(['timeWait.holder', 'path', 'word']);
  expect(heads('old.client.path', 'old.server.path', 'new.client.path')).toEqual(['old.path', 'new.client.path']);
});

test('an end says what it has, both ends once what they share', () => {
  const [column] = columnsOf(['server.path', 'client.path']);
  const of = (client: string, server: string): string | undefined =>
    column && saidText(saidIn(column, (fact) => (fact.startsWith('client') ? client : server)));
  expect(of('FIN', 'RST')).toBe('client FIN<br>server RST');
  expect(of('FIN', 'FIN')).toBe('both FIN');
});

test('ends by role are one column, which says whose each is', () => {
  const roles = ['closing', 'other'];
  const [lost, alone] = columnsOf(['other.lost', 'closing.lost', 'closing.errors'], roles);
  expect([lost?.name, alone?.name]).toEqual(['lost', 'closing.errors']);
  expect(lost && saidText(saidIn(lost, (fact) => (fact === 'closing.lost' ? '5 B' : '0 B')))).toBe(
    'closing end 5 B<br>other end 0 B',
  );
});
