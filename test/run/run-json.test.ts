import { describe, expect, test } from 'vitest';
import type { AnyDefinition, LoadedExperiment } from '../../src/experiment/definition.ts';
import { beginning, finding, refusedSettings } from '../../src/run/run-json.ts';
import { exampleEnvironment } from '../record/example.ts';
import { closeOrder, goodRun } from '../verdict/example.ts';

test('a setting that the kernel refused is a warning with what the cells ran on instead', () => {
  const pinned = {
    'net.ipv4.tcp_max_tw_buckets': { set: '65536', own: '131072' },
    'net.ipv4.tcp_congestion_control': { set: 'bbr', own: 'bbr', refused: 'cubic' },
  };
  const [warning, ...more] = refusedSettings(pinned);
  expect(more).toEqual([]);
  expect(warning).toEqual({
    code: 'sysctl-refused',
    text: 'every cell ran with net.ipv4.tcp_congestion_control = bbr: this kernel refused cubic',
    remedy: expect.stringMatching(/the same value/),
  });
});

describe('groups of questions', () => {
  const words = { closes: { text: 'which end closes first', values: { client: 'the client' } } };
  const loaded = (id: string, group: LoadedExperiment['group'], headline: string | undefined): LoadedExperiment => ({
    definition: { ...closeOrder, id, words, answer: () => ({ headline, findings: [] }) } as AnyDefinition,
    group,
    file: `builtin:${id}`,
    builtin: true,
    modules: [],
    sourceHash: id,
  });
  const cells = ['a', 'b', 'c'].flatMap((experiment) => goodRun().map((cell) => ({ ...cell, experiment })));
  const trace = { missing: '', transitions: true, resets: true, retransmits: true, miniTimers: true, instance: '' };
  const run = (...experiments: LoadedExperiment[]) => {
    const selection = { experiments, cells: [] };
    const clock = { monotonicNs: '1', wall: '2025-11-20T09:00:00.000Z' };
    const began = beginning({ selection, argv: [], environment: exampleEnvironment, clock, startedAt: clock.wall });
    return { began, found: finding(began, selection, cells, { trace, left: [], ended: new Map() }) };
  };
  const closing = { title: 'Closing', order: 20 };

  test('are in order, with the headline of the first experiment that has one', () => {
    const { began, found } = run(
      loaded('a', closing, undefined),
      loaded('b', closing, 'The first closer keeps it.'),
      loaded('c', { title: 'Stuck', order: 60 }, undefined),
    );
    expect(found.groups).toEqual([
      {
        title: 'Closing',
        order: 20,
        experiments: ['a', 'b'],
        headline: { text: 'The first closer keeps it.', experiment: 'b' },
      },
      { title: 'Stuck', order: 60, experiments: ['c'], headline: null },
    ]);
    expect(began.groups.map(({ headline }) => headline)).toEqual([null, null]);
    expect(began.experiments[0]?.words).toEqual(words);
  });

  test('have the headline of the experiment that stands for them, where it has one', () => {
    const lead = { ...closing, lead: 'b' };
    const headlineOf = (second: string | undefined) =>
      run(loaded('a', lead, 'One.'), loaded('b', lead, second)).found.groups[0]?.headline;
    expect(headlineOf('Two.')).toEqual({ text: 'Two.', experiment: 'b' });
    expect(headlineOf(undefined)).toEqual({ text: 'One.', experiment: 'a' });
  });
});
