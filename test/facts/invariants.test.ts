import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import { contradictoryFacts, invariants, violations } from '../../src/facts/invariants.ts';
import type { FactValue } from '../../src/record/fact.ts';
import { keptRun } from '../kept.ts';
import { records } from './arbitrary.ts';

type Facts = Readonly<Record<string, FactValue | null>>;
const ids = (facts: Facts) => violations(facts).map(({ id }) => id);
const ofClient = (facts: Facts): Facts =>
  Object.fromEntries(Object.entries(facts).map(([name, value]) => [`client.${name}`, value]));

test('hold in every record, whatever of it was not observed', () => {
  fc.assert(
    fc.property(records, ({ events, sight }) => {
      expect(violations(derive(events, sight).facts)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('hold in every result of the kept reference', () => {
  const cells = gunzipSync(readFileSync(join(keptRun, 'cells.ndjson.gz')))
    .toString()
    .trim()
    .split('\n');
  const violated = cells.flatMap((line) => {
    const { id, facts } = JSON.parse(line) as { id: string; facts: Facts };
    return violations(facts).map((each) => `${id}: ${each.of} ${each.id}`);
  });
  expect(cells.length).toBeGreaterThan(1000);
  expect(violated).toEqual([]);
});

/** Facts by which each is violated. */
const violating: Record<string, Facts> = {
  'delivered-was-written': ofClient({ written: 10, delivered: 11 }),
  'lost-is-the-rest': ofClient({ written: 10, delivered: 6, lost: 0 }),
  'places-add-up': ofClient({ lost: 0, 'lost.js': 1, 'lost.network': 3 }),
  'lost-in-places': ofClient({ lost: 0, lostIn: ['network'] }),
  'path-is-legal': ofClient({ path: ['FIN-WAIT-1', 'LAST-ACK'] }),
  'mini-socket-on-path': ofClient({ path: ['FIN-WAIT-1'], miniSocket: ['TIME-WAIT'] }),
  'times-of-states-passed': ofClient({ path: ['ESTABLISHED'], 'stateMs.CLOSING': 3 }),
  'fin-of-who-closed': ofClient({ path: ['ESTABLISHED', 'CLOSED'], closedWith: ['FIN'] }),
  'resent-was-counted': ofClient({ resentAt: [], retransmits: 4 }),
  'times-go-on': ofClient({ resentAt: [-0.1] }),
  'events-of-node': ofClient({ events: ['connect'], sawEnd: true }),
  'holder-passed-time-wait': { 'timeWait.holder': 'none', 'client.path': ['FIN-WAIT-2', 'TIME-WAIT'] },
  'nobody-has-no-times': { 'timeWait.holder': 'none', 'timeWait.seconds': 60 },
  'ended-once': { 'timeWait.endedBy': 'recycled', 'timeWait.seconds': 60 },
  'ended-is-closed': { 'timeWait.holder': 'client', 'timeWait.endedBy': 'rst', 'client.path': ['TIME-WAIT'] },
  'began-with-closing': {
    'timeWait.holder': 'client',
    'timeWait.beganWith': 'ACK of FIN',
    'client.path': ['FIN-WAIT-2', 'TIME-WAIT'],
  },
  'times-of-time-wait': { 'timeWait.cutShort': -1 },
};

describe('a violation', () => {
  test.each(invariants.map(({ id }) => id))('%s', (id) => {
    expect(ids(violating[id] ?? {})).toContain(id);
    const labelled = Object.entries(violating[id] ?? {}).map(([name, value]) => [`old.${name}`, value] as const);
    expect(ids(Object.fromEntries(labelled))).toContain(id);
  });

  test('is none where a fact is unknown', () => {
    expect(ids(ofClient({ written: 10, delivered: null, lost: 0, resentAt: null, retransmits: 4 }))).toEqual([]);
  });

  test('is a warning that names the end, and what holds otherwise', () => {
    expect(contradictoryFacts({ 'old.client.lost': 0, 'old.client.lostIn': ['js'] })).toEqual([
      expect.objectContaining({
        code: 'facts-contradict',
        text: 'old.client: lost-in-places: lostIn names each place in which bytes were lost, and none else',
      }),
    ]);
  });
});
