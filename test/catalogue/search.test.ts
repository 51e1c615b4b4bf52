import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { builtins } from '../../src/catalogue/registry.ts';
import { searchOf } from '../../src/catalogue/search.ts';
import { load } from '../plan/definitions.ts';

const own = await builtins();
const ids = own.map(({ definition }) => definition.id);
const search = searchOf(own);
const found = (words: string): string[] => search.find(words).map(({ definition }) => definition.id);

/** What people type, and what it should find. */
const words = readFileSync(new URL('words.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t'))
  .map(([word = '', right = '', notYet = '']) => ({
    word,
    right: right.split(' ').filter(Boolean),
    notYet: notYet.split(' ').filter(Boolean),
  }));

test.each(words.filter(({ right }) => right.length > 0))('"$word" finds one of $right first', ({ word, right }) => {
  expect(right.filter((id) => !ids.includes(id))).toEqual([]);
  expect(found(word).slice(0, 3)).toEqual(expect.arrayContaining([expect.toBeOneOf(right)]));
});

test('an experiment that is listed as not existing yet does not exist: move it to the second column once it does', () => {
  expect(words.flatMap(({ notYet }) => notYet).filter((id) => ids.includes(id))).toEqual([]);
  expect(words.every(({ right, notYet }) => right.length + notYet.length > 0)).toBe(true);
});

test('every experiment that comes with the program has tags and symptoms, and each symptom finds it', () => {
  const bare = own.filter(({ definition: { tags = [], symptoms = [] } }) => tags.length < 3 || symptoms.length === 0);
  expect(bare.map(({ definition }) => definition.id)).toEqual([]);
  const lost = own.flatMap(({ definition: { id, symptoms = [] } }) =>
    symptoms.filter((symptom) => !found(symptom).includes(id)).map((symptom) => `${id}: ${symptom}`),
  );
  expect(lost).toEqual([]);
});

describe('one word is found', () => {
  test.each([
    ['TIME_WAIT', 'TIME-WAIT', 'timewait', 'time wait', 'Time-Wait', 'timeWait'],
    ['TCP_KEEPIDLE', 'tcp_keepidle', 'tcp keepidle', 'keepidle'],
    ['FIN_WAIT_1', 'FIN-WAIT-1', 'fin wait 1', 'finwait1'],
  ])('in each spelling of %s', (word, ...others) => {
    for (const other of others) expect(found(other)[0]).toBe(found(word)[0]);
    expect(found(word)).not.toEqual([]);
  });

  test.each([
    ['EADDRINSUE', 'EADDRINUSE'],
    ['ECONRESET', 'ECONNRESET'],
    ['TIME_WIAT', 'TIME_WAIT'],
    ['ligner', 'linger'],
    ['dul-stack', 'dual-stack'],
    ['ephemerl port', 'ephemeral port'],
  ])('with typing errors: %s', (wrong, right) => {
    expect(found(wrong)[0]).toBe(found(right)[0]);
  });
});

test.each([
  ['TIME_WAIT', 'time-wait-length'],
  ['closing', 'close-order'],
])('the name of a group, %s, finds the experiment that stands for it first', (name, lead) => {
  expect(found(name)[0]).toBe(lead);
});

test('the words of the kernel find the errno, and an errno its words', () => {
  const only = [load({ id: 'refused', tags: ['ECONNREFUSED'] }), load({ id: 'other', tags: ['ETIMEDOUT'] })];
  expect(
    searchOf(only)
      .find('connection refused')
      .map(({ definition }) => definition.id),
  ).toEqual(['refused']);
});

test('an error as a program prints it finds early whose symptom it is', () => {
  expect(found('Address already in use').slice(0, 2)).toContain('server-restart');
});

test('a match in id, tag or symptom stands before one in the question, then claims, then factors', () => {
  const claim = { id: 'c', source: 's', holds: () => true };
  const four = [
    load({ id: 'by-factor', factors: { way: ['zebra', 'horse'] } }),
    load({ id: 'by-claim', claims: [{ ...claim, text: 'a zebra has stripes' }] }),
    load({ id: 'by-question', question: 'Has a zebra stripes?' }),
    load({ id: 'by-tag', tags: ['zebra'] }),
    load({ id: 'none', tags: ['donkey'] }),
  ];
  expect(
    searchOf(four)
      .find('Zebra')
      .map(({ definition }) => definition.id),
  ).toEqual(['by-tag', 'by-question', 'by-claim', 'by-factor']);
});

describe('words that no experiment is about', () => {
  test('find nothing, and the nearest words that do are named', () => {
    expect(found('quicksilver')).toEqual([]);
    expect(found('how do I')).toEqual([]);
    expect(search.nearest('ECONNABORTED')).toContain('ECONNRESET');
    for (const word of search.nearest('quicksilver')) expect(found(word)).not.toEqual([]);
  });
});
