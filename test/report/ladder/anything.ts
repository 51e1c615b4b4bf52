import type { CellRecord, SegmentRecord } from '../../../src/record/schema.ts';
import { cellOf, path } from '../fixture.ts';

/** Records of {@link anything} that tests draw. */
export const seeds = Array.from({ length: 60 }, (_, seed) => seed * 7 + 1);

/** Numbers that look like chance, the same each time: a linear congruential generator. */
export function chance(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
}

/** A record of a wire that does anything. */
export function anything(seed: number): CellRecord {
  const random = chance(seed);
  const deeds = [
    'carried',
    'carried',
    'carried',
    'delayed',
    'held',
    'dropped',
    'lost',
    'copy',
    'replay',
    'forged',
  ] as const;
  const flags = [['ACK'], ['PSH', 'ACK'], ['FIN', 'ACK'], ['RST'], ['SYN']] as const;
  let [t, n] = [0, 0];
  const segments = Array.from({ length: 1 + random(400) }, (): SegmentRecord => {
    t += random(10) === 0 ? random(3e9) : random(60_000);
    n += random(30) === 0 ? 40 : 1;
    const deed = deeds[random(deeds.length)] ?? 'carried';
    const isLost = deed === 'dropped' || deed === 'lost' || random(40) === 0;
    return {
      n,
      t,
      ...(!isLost && { arrived: t + random(deed === 'held' ? 2e9 : 100_000) }),
      from: random(2) === 0 ? 'client' : 'server',
      label: ['', 'old', 'new'][random(3)] ?? '',
      incarnation: 1 + random(2),
      flags: [...(flags[random(random(4) === 0 ? 5 : 2)] ?? [])],
      seq: random(5000),
      ack: random(5000),
      length: random(2) * 1448,
      window: 502,
      deed: deed === 'copy' || deed === 'replay' ? { do: deed, of: n - 1 } : { do: deed },
    };
  });
  const times = Array.from({ length: 4 }, () => random(t + 1) / 1e6).sort((a, b) => a - b);
  const [a, b, c, d] = times as [number, number, number, number];
  return cellOf(
    'anything',
    { seed },
    {},
    {
      segments,
      paths: {
        'old.client': path(`SYN-SENT ${a}`, `ESTABLISHED ${b}`, `FIN-WAIT-1 ${c}`, `CLOSED ${c}-${d}~`),
        'old.server': path(`ESTABLISHED ${b}`, `CLOSE-WAIT ${b}-${c}`, `LAST-ACK ${c}-${d}~`, `CLOSED ${d}`),
      },
    },
  );
}
