import { expect, test } from 'vitest';
import { ack, any, data, fin, notTcp, type Pattern, syn, synAck, tcp } from '../../src/experiment/patterns.ts';
import { drop, hold, loss } from '../../src/experiment/rules.ts';
import type { Deed } from '../../src/record/deed.ts';
import { deedText, patternText, ruleText } from '../../src/wire/say.ts';
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

test.each<[Deed, string]>([
  [{ do: 'carried' }, 'carried'],
  [{ do: 'refused', refusedBy: 'kernel', errno: 'EIO' }, 'refused by the kernel: EIO'],
  [{ do: 'black hole', rule: 1 }, 'black hole (rule 1)'],
  [{ do: 'held', rule: 2 }, 'held (rule 2), and still is'],
  [{ do: 'held', rule: 2, heldNs: 412e6 }, 'held 412.000 ms (rule 2)'],
  [{ do: 'held', rule: 2, heldNs: 5e6, discarded: true }, 'held 5.000 ms, then dropped (rule 2)'],
  [
    { do: 'delayed', rule: 2, heldNs: 5e6, refusedBy: 'kernel', errno: 'EIO' },
    'delayed 5.000 ms, then refused by the kernel: EIO (rule 2)',
  ],
  [{ do: 'delayed', rule: 3, behind: 1, heldNs: 1e3 }, 'overtaken 0.001 ms (rule 3)'],
  [{ do: 'copy', of: 7, rule: 3 }, 'duplicate of #7 (rule 3)'],
  [{ do: 'replay', of: 7 }, 'replay of #7'],
  [{ do: 'forged', refusedBy: 'kernel', errno: 'EINVAL' }, 'forged, refused by the kernel: EINVAL'],
  [{ do: 'forged', as: 'unreachable', of: 9 }, 'forged: host unreachable, of #9'],
  [{ do: 'forged', as: 'echo', of: 4 }, 'echo request, after #4'],
])('what became of a packet is said in the capture: %o', (deed, expected) => {
  expect(deedText(deed)).toBe(expected);
});
