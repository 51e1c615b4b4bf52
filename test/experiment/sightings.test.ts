import { expectTypeOf, test } from 'vitest';
import { any, data, fin, notTcp, type Pattern, rst, syn, tcp } from '../../src/experiment/patterns.ts';
import type { SightingOf, Wire } from '../../src/experiment/wire.ts';
import type { SegmentSighting, Sighting } from '../../src/record/event.ts';

/** What a wait for a pattern resolves with. */
type Waited<P extends Pattern> = P extends Pattern<infer K> ? SightingOf<K> : never;
const waited = <P extends Pattern>(pattern: P): Waited<P> => pattern as unknown as Waited<P>;

test('a pattern of TCP segments gives a sighting that has a segment', () => {
  for (const pattern of [
    tcp,
    fin.from('server').nth(2),
    any.withSeq(1),
    any.from('client').withOption('mss'),
    syn.or(rst, data),
    any.and(fin),
    tcp.and(fin.not()),
  ]) {
    expectTypeOf(waited(pattern)).toEqualTypeOf<SegmentSighting>();
  }
});

test('what may be no TCP segment gives one that may have none', () => {
  expectTypeOf(waited(any)).toEqualTypeOf<Sighting>();
  expectTypeOf(waited(notTcp)).toEqualTypeOf<Sighting>();
  expectTypeOf(waited(fin.not())).toEqualTypeOf<Sighting>();
  expectTypeOf(waited(fin.or(notTcp))).toEqualTypeOf<Sighting>();
  expectTypeOf(waited(any.from('server').nth(2))).toEqualTypeOf<Sighting>();
});

test('a wait has the type of its pattern, and a pattern as data promises nothing', () => {
  const waits = async (wire: Wire) => {
    expectTypeOf(await wire.seen(fin)).toEqualTypeOf<SegmentSighting>();
    expectTypeOf(await wire.seen(any, { after: 3 })).toEqualTypeOf<Sighting>();
    expectTypeOf(await wire.seen({ match: { is: 'any' } })).toEqualTypeOf<Sighting>();
    expectTypeOf(await wire.seen(fin, { within: 0.2 })).toEqualTypeOf<SegmentSighting | undefined>();
    expectTypeOf(await wire.seen(any, { after: 3, within: 1 })).toEqualTypeOf<Sighting | undefined>();
    // @ts-expect-error there is no such option
    await wire.seen(fin, { withn: 1 });
    await wire.icmp(3, 'fragmentation-needed', { mtu: 1400 });
    // @ts-expect-error without an MTU it says nothing
    await wire.icmp(3, 'fragmentation-needed');
    // @ts-expect-error no other kind has one
    await wire.icmp(3, 'port-unreachable', { mtu: 1400 });
    expectTypeOf((await wire.answers(3))[0]).toEqualTypeOf<SegmentSighting | undefined>();
    const either: Pattern = fin;
    expectTypeOf(await wire.seen(either)).toEqualTypeOf<Sighting>();
    // @ts-expect-error what may be no TCP segment is no pattern of segments
    const segments: Pattern<'tcp'> = any;
    return segments;
  };
  expectTypeOf(waits).returns.resolves.toEqualTypeOf<Pattern<'tcp'>>();
});
