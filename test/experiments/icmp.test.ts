import { describe, expect, test } from 'vitest';
import unanswered from '../../experiments/opening/unanswered.ts';
import icmpErrors from '../../experiments/segments/icmp-errors.ts';

const claimOf = (claims: readonly { readonly id: string; readonly holds: unknown }[], id: string) =>
  claims.find((claim) => claim.id === id)?.holds as (facts: unknown, cell: unknown) => boolean;

const port = claimOf(icmpErrors.definition.claims, 'ends-a-connect');
const host = claimOf(unanswered.definition.claims, 'unreachable-at-once');

const holds = {
  'icmp-errors': (family: 4 | 6, result: string, ms: number, ...errors: string[]) =>
    port(
      { connect: result, connectMs: ms, 'client.errors': errors.map((errno) => ({ call: 'read', errno })) },
      { state: 'SYN-SENT', message: 'port-unreachable', family },
    ),
  unanswered: (family: 4 | 6, result: string, ms: number, ...errors: string[]) =>
    host(
      {
        ...{ answer: result, answeredMs: ms, 'client.path': ['SYN-SENT', 'CLOSED'] },
        'client.errors': errors.map((errno) => ({ call: 'read', errno })),
      },
      { opening: 'unreachable', family },
    ),
};

describe.each([
  ['icmp-errors', 'ECONNREFUSED'],
  ['unanswered', 'EHOSTUNREACH'],
] as const)('in %s an ICMP message ends connect(2)', (name, errno) => {
  const of = holds[name];

  test('with its errno, before the SYN is sent again', () => {
    expect(of(4, errno, 22)).toBe(true);
    expect(of(6, errno, 22)).toBe(true);
    expect(of(4, errno, 1022)).toBe(false);
    expect(of(4, 'ETIMEDOUT', 22)).toBe(false);
  });

  // met once in some thousands: SO_ERROR was 0 and read(2) got the errno
  test('over IPv4 though it seemed to succeed, where the next call gets the errno', () => {
    expect(of(4, 'ok', 22, errno)).toBe(true);
    expect(of(6, 'ok', 22, errno)).toBe(false);
    expect(of(4, 'ok', 22)).toBe(false);
    expect(of(4, 'ok', 22, 'ECONNRESET')).toBe(false);
    expect(of(4, 'ok', 1022, errno)).toBe(false);
  });
});
