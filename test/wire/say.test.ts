import { expect, test } from 'vitest';
import { ack, any, data, fin, notTcp, type Pattern, syn, synAck, tcp } from '../../src/experiment/patterns.ts';
import { drop, hold, loss } from '../../src/experiment/rules.ts';
import { patternText, ruleText } from '../../src/wire/say.ts';
import { client, server } from './seen.ts';

test.each<[Pattern, string]>([
  [any, 'any packet'],
  [tcp, 'TCP'],
  [notTcp, 'what is no TCP segment'],
  [syn.from('client'), 'SYN without ACK from the client'],
  [fin.from('server').nth(2), 'the 2nd FIN from the server'],
  [synAck.nth(11), 'the 11th SYN,ACK'],
  [ack.withAck(2), 'bare ACK without data with ack 2'],
  [data.withBytes(10, 20).withSeq(1), 'data with 10 to 20 bytes with seq 1'],
  [fin.or(data.containing('a"b')), '(FIN or data containing "a\\"b")'],
  [tcp.withOption('sack').not(), 'not (TCP with the option sack)'],
  [tcp.covering(9).on({ local: client, remote: server }), `TCP with the byte 9 on port ${client.port}`],
])('a pattern is said in words', (pattern, expected) => {
  expect(patternText(pattern)).toBe(expected);
});

test('a rule is said with what it does, and how often', () => {
  expect(ruleText(hold(fin.from('client')))).toBe('hold FIN from the client');
  expect(ruleText(drop(fin, { times: 1 }))).toBe('drop FIN, 1 time');
  expect(ruleText(drop(fin, { times: 3 }))).toBe('drop FIN, 3 times');
  expect(ruleText(loss(data, 0.1, { seed: 1 }))).toBe('loss data');
});
