import { describe, expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import { formatFact } from '../../src/facts/values.ts';
import type { Call, Event } from '../../src/record/event.ts';
import { all, call, flow, listened, ns, opened } from './handmade.ts';

const one = flow();
const set = (at: number, option: string, value: number | 'off', kept: number | 'off' = value): Event =>
  call(one, 'client', at, { verb: 'set', option, value, kept });
/** Of a socket that is no endpoint's. */
const setOn = (
  at: number,
  where: NonNullable<Extract<Call, { verb: 'set' }>['at']>,
  peer: 'client' | 'server' = 'server',
): Event => ({
  t: ns(at),
  source: 'peer',
  kind: 'call',
  peer,
  ns: 0,
  verb: 'set',
  option: 'SO_LINGER',
  value: 1,
  kept: 1,
  at: where,
});
const factsOf = (...events: Event[]) => derive([...opened(one, 10), ...events], all).facts;

describe('options that the scenario set', () => {
  test('are facts of their end, in order, with what the kernel kept', () => {
    const facts = factsOf(set(20, 'SO_LINGER', -1, 2147483647), set(21, 'TCP_LINGER2', 3), set(22, 'SO_LINGER', 'off'));
    expect(facts['client.options']).toEqual([
      { option: 'SO_LINGER', value: -1, kept: 2147483647 },
      { option: 'TCP_LINGER2', value: 3, kept: 3 },
      { option: 'SO_LINGER', value: 'off', kept: 'off' },
    ]);
    expect(facts).not.toHaveProperty(['server.options']);
    expect(formatFact(facts['client.options'])).toBe('SO_LINGER -1 (kept 2147483647), TCP_LINGER2 3, SO_LINGER off');
  });

  test('are not facts where the kernel refused them', () => {
    const refused = call(
      one,
      'client',
      20,
      { verb: 'set', option: 'SO_LINGER', value: 1, length: 4 },
      { errno: 'EINVAL', syscall: 'setsockopt' },
    );
    expect(factsOf(refused)).not.toHaveProperty(['client.options']);
  });

  test('are named by their numbers, their values by their bytes, where they were set so', () => {
    const byNumber = (at: number, level: 'IPPROTO_TCP' | 6, hex: string, kept?: string) =>
      call(one, 'client', at, { verb: 'setNumbered', level, name: 13, hex, ...(kept && { kept }) });
    const facts = factsOf(byNumber(20, 'IPPROTO_TCP', '7265'), byNumber(21, 6, '01', '02000000'));
    // one that can only be set makes the list unknown
    expect(facts['client.options']).toBeNull();
    expect(factsOf(byNumber(20, 6, '01', '02000000'))['client.options']).toEqual([
      { option: '6 13', value: '0x01', kept: '0x02000000' },
    ]);
  });

  test('have a range of ports as it is', () => {
    const value = { low: 40_000, high: 40_007 };
    const facts = factsOf(call(one, 'client', 20, { verb: 'set', option: 'IP_LOCAL_PORT_RANGE', value, kept: value }));
    expect(formatFact(facts['client.options'])).toBe('IP_LOCAL_PORT_RANGE {low 40000, high 40007}');
  });

  test('are unknown where one was not read back', () => {
    const events = [...opened(one, 10), call(one, 'client', 20, { verb: 'set', option: 'SO_LINGER', value: 1 })];
    const { facts, unknown } = derive(events, all);
    expect(facts['client.options']).toBeNull();
    expect(unknown['client.options']?.code).toBe('not-read');
  });

  test('through another descriptor, in another process too, are those of the socket', () => {
    const { client: local, server: remote } = one.address;
    expect(factsOf(setOn(20, { local, remote }, 'client'))['client.options']).toHaveLength(1);
    expect(factsOf(setOn(20, { local: { ...local, port: 1 }, remote }))).not.toHaveProperty(['client.options']);
  });

  test('on the listener before are inherited, and not those after', () => {
    const wildcard = { address: '0.0.0.0', port: one.address.server.port };
    const inherited = [{ option: 'SO_LINGER', value: 1, kept: 1, on: 'listener' }];
    expect(factsOf(setOn(5, { local: one.address.server }))['server.options']).toEqual(inherited);
    expect(factsOf(setOn(5, { local: wildcard }))['server.options']).toEqual(inherited);
    expect(factsOf(setOn(20, { local: one.address.server }))).not.toHaveProperty(['server.options']);
    // of a listener that was closed before
    expect(factsOf(setOn(5, { local: one.address.server }), ...listened(4, 6))).not.toHaveProperty(['server.options']);
  });
});
