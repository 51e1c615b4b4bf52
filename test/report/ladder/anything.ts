import fc from 'fast-check';
import type { CellRecord, SegmentRecord } from '../../../src/record/schema.ts';
import { cellOf, path } from '../fixture.ts';

const nat = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

/** What the wire did with a packet; most are carried. */
const deed = fc.oneof(
  { weight: 3, arbitrary: fc.constant('carried' as const) },
  fc.constantFrom('delayed', 'held', 'dropped', 'lost', 'copy', 'replay', 'forged'),
);
const flags = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(['ACK'], ['PSH', 'ACK']) },
  fc.constantFrom(['ACK'], ['PSH', 'ACK'], ['FIN', 'ACK'], ['RST'], ['SYN']),
);

/** A segment, by how much later and how many numbers behind the one before it left. */
const step = fc.record({
  afterNs: fc.oneof({ weight: 9, arbitrary: nat(60_000) }, nat(3e9)),
  behind: fc.oneof({ weight: 29, arbitrary: fc.constant(1) }, fc.constant(40)),
  deed,
  arrives: fc.oneof({ weight: 39, arbitrary: fc.constant(true) }, fc.constant(false)),
  /** A share of the longest that it can take. */
  late: fc.double({ min: 0, max: 1, noNaN: true }),
  from: fc.constantFrom('client' as const, 'server' as const),
  label: fc.constantFrom('', 'old', 'new'),
  incarnation: fc.constantFrom(1, 2),
  flags,
  seq: nat(4999),
  ack: nat(4999),
  length: fc.constantFrom(0, 1448),
});

/** A record of a wire that does anything. */
export const anyRecord: fc.Arbitrary<CellRecord> = fc
  .record({
    steps: fc.array(step, { minLength: 1, maxLength: 400, size: 'max' }),
    times: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
  })
  .map(({ steps, times }) => {
    let [t, n] = [0, 0];
    const segments = steps.map(({ afterNs, behind, deed, arrives, late, ...own }): SegmentRecord => {
      t += afterNs;
      n += behind;
      const isLost = deed === 'dropped' || deed === 'lost' || !arrives;
      return {
        n,
        t,
        ...(!isLost && { arrived: t + Math.floor(late * (deed === 'held' ? 2e9 : 100_000)) }),
        ...own,
        window: 502,
        deed: deed === 'copy' || deed === 'replay' ? { do: deed, of: n - 1 } : { do: deed },
      };
    });
    const [a, b, c, d] = times.map((share) => Math.floor(share * t) / 1e6).sort((one, other) => one - other) as [
      number,
      number,
      number,
      number,
    ];
    return cellOf(
      'anything',
      {},
      {},
      {
        segments,
        paths: {
          'old.client': path(`SYN-SENT ${a}`, `ESTABLISHED ${b}`, `FIN-WAIT-1 ${c}`, `CLOSED ${c}-${d}~`),
          'old.server': path(`ESTABLISHED ${b}`, `CLOSE-WAIT ${b}-${c}`, `LAST-ACK ${c}-${d}~`, `CLOSED ${d}`),
        },
      },
    );
  });
