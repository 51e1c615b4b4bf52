import { describe, expect, test } from 'vitest';
import type { ExperimentRecord, StatementRecord } from '../../../src/record/schema.ts';
import { type Guide, guideOfRuns } from '../../../src/report/guide/guide.ts';
import { guideMarkdown } from '../../../src/report/guide/markdown.ts';
import { anchorOf, standingText } from '../../../src/report/guide/words.ts';
import { experimentOf, runOf } from '../fixture.ts';

const statement = (over: Partial<StatementRecord> = {}): StatementRecord => ({
  id: 'first-closer-waits',
  about: [{ name: 'closing order', kind: 'measured' }],
  claim: 'first-closer-waits',
  number: '2 of 2',
  text: 'The end that closes first keeps TIME-WAIT.',
  held: 2,
  of: 2,
  cells: [{ id: 'close-order/closes=client', repeats: [1, 2] }],
  ...over,
});
const runWith = (kernel: string, guide: readonly StatementRecord[] | undefined, folder = `results/${kernel}`) =>
  concluded(
    experimentOf({ id: 'close-order', factors: { closes: ['client', 'server'] }, ...(guide && { guide: [...guide] }) }),
    kernel,
    folder,
  );
/** A run of one experiment as run.json alone has it. */
const concluded = (experiment: ExperimentRecord, kernel: string, folder: string) => {
  const plan = ['close-order/closes=client', 'close-order/closes=server'];
  const { run } = runOf([experiment], [], { environment: { kernel }, plan });
  return { folder, run, packed: folder.startsWith('kept') };
};

const saidIn = ({ knobs }: Guide, name = 'closing order') =>
  knobs.find((each) => each.name === name)?.measured.flatMap(({ said }) => said) ?? [];
const differing = statement({ number: '1 of 2', held: 1 });

describe('the guide of one run', () => {
  test('has each statement under each knob and symptom that it is about', () => {
    const both = statement({
      about: [
        { name: 'closing order', kind: 'costs' },
        { name: 'thousands of TIME-WAIT', kind: 'helps' },
      ],
    });
    const guide = guideOfRuns([runWith('6.18.19', [both])]);
    expect(guide.knobs.flatMap(({ name, measured }) => measured.map(({ kind }) => [name, kind]))).toEqual([
      ['closing order', 'costs'],
    ]);
    expect(guide.symptoms.flatMap(({ name, measured }) => measured.map(({ kind }) => [name, kind]))).toEqual([
      ['thousands of TIME-WAIT', 'helps'],
    ]);
  });

  test('says what differs, and in how many results it holds', () => {
    const guide = guideOfRuns([runWith('6.18.19', [differing])]);
    const [said] = saidIn(guide);
    expect(said).toMatchObject({ holds: 'nowhere', number: '1 of 2' });
    expect(standingText(said!, guide)).toBe('differs here: it holds in 1 of 2');
    expect(guideMarkdown(guide, '.')).toContain('- ✗ **[1 of 2](#evidence-close-order-first-closer-waits)**: The end');
  });

  test('says how many of its cells decide nothing', () => {
    const guide = guideOfRuns([runWith('6.18.19', [statement({ lacking: 3 })])]);
    expect(standingText(saidIn(guide)[0]!, guide)).toBe('of its cells, 3 more did not run or decided nothing');
  });

  test('ignores what a later version may say of something that this one does not know', () => {
    const unknown = statement({ about: [{ name: 'tcp_of_tomorrow', kind: 'measured' }] });
    expect(saidIn(guideOfRuns([runWith('6.18.19', [unknown])]))).toEqual([]);
  });
});

describe('the guide of several kernels', () => {
  const of = (...runs: [kernel: string, guide: StatementRecord[] | undefined][]) =>
    guideOfRuns(runs.map(([kernel, guide]) => runWith(kernel, guide)));
  const standing = (guide: Guide) => standingText(saidIn(guide)[0]!, guide);

  test('orders them by their version, whatever the order of the folders', () => {
    const guide = of(['6.12.9', [statement()]], ['5.10.2', [statement()]], ['6.1.90', [statement()]]);
    expect(guide.runs.map(({ label }) => label)).toEqual(['5.10', '6.1', '6.12']);
    expect(standing(guide)).toBe('');
  });

  test('says since which kernel a statement holds, and how it stands before', () => {
    const guide = of(['6.12.9', [statement()]], ['5.10.2', [differing]], ['6.1.90', [statement()]]);
    expect(saidIn(guide)[0]).toMatchObject({ holds: 'partly', number: '2 of 2' });
    expect(standing(guide)).toBe('since 6.1 of these kernels (5.10: 1 of 2)');
  });

  test('says up to which one, or on which ones', () => {
    expect(standing(of(['5.10.2', [statement()]], ['6.1.90', [differing]]))).toBe(
      'up to 5.10 of these kernels (6.1: 1 of 2)',
    );
    expect(standing(of(['5.10.2', [statement()]], ['6.1.90', [differing]], ['6.12.9', [statement()]]))).toBe(
      'on 5.10 and 6.12 (6.1: 1 of 2)',
    );
  });

  test('names the release of a known change that explains it', () => {
    const known = (over: Partial<StatementRecord> = {}) =>
      statement({ id: 'free-once-it-is-closed', claim: 'free-once-it-is-closed', ...over });
    const on = (kernel: string, guide: StatementRecord) =>
      concluded(experimentOf({ id: 'bound-port', guide: [guide] }), kernel, 'x');
    const guide = guideOfRuns([on('6.12.9', known({ held: 0 })), on('6.19.1', known())]);
    expect(standing(guide)).toBe('since Linux 6.18 (6.12: 0 of 2)');
  });

  test('says on which kernels it was tested, where it was not on all', () => {
    const guide = of(['5.10.2', undefined], ['6.1.90', [statement()]]);
    expect(standing(guide)).toBe('tested on 6.1 only');
    expect(guideMarkdown(guide, '.')).toContain('No sentence was saved in `results/5.10.2`');
    const other = of(['5.10.2', []], ['6.1.90', [statement()]], ['6.12.9', [differing]]);
    expect(standing(other)).toBe('up to 6.1 of these kernels (6.12: 1 of 2); tested on 6.1 and 6.12 only');
  });

  test('takes text and number of the newest kernel on which it holds', () => {
    const guide = of(
      ['5.10.2', [statement({ number: '1.0 s', text: 'It takes 1.0 s.' })]],
      ['6.1.90', [statement({ number: '2.0 s', text: 'It takes 2.0 s.' })]],
      ['6.12.9', [statement({ number: '9.0 s', text: 'It takes 9.0 s.', held: 0 })]],
    );
    expect(saidIn(guide)[0]).toMatchObject({ number: '2.0 s', text: 'It takes 2.0 s.' });
  });

  test('tells runs of one series apart by more than the series', () => {
    expect(of(['6.1.90', []], ['6.1.91', []]).runs.map(({ label }) => label)).toEqual(['6.1.90', '6.1.91']);
    const same = guideOfRuns([runWith('6.1.90', [], 'results/a'), runWith('6.1.90', [], 'results/b')]);
    expect(same.runs.map(({ label }) => label)).toEqual(['6.1.90 (results/a)', '6.1.90 (results/b)']);
  });
});

describe('guide.md', () => {
  const text = guideMarkdown(guideOfRuns([runWith('6.18.19', [statement()], '/runs/a')]), '/runs');

  test('leads from each heading of its contents, and from each number, to a place that it has', () => {
    const targets = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target as string);
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => anchorOf(title.replace(/\\/g, '')));
    const anchors = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id as string);
    const all = [...headings, ...anchors];
    expect(targets.length).toBeGreaterThan(20);
    expect(targets.filter((target) => !all.includes(target))).toEqual([]);
    expect(new Set(all).size).toBe(all.length);
  });

  test('lists the results that a sentence rests on, with links from its own folder', () => {
    expect(text).toContain(
      '  - 2 of 2, `close-order/closes=client`; [report](a/report.md#close-order), `lingerlab show a close-order/closes=client`',
    );
  });

  test('says how to run a cell again where a kept run has no events of it', () => {
    const kept = guideMarkdown(guideOfRuns([runWith('6.18.19', [statement()], 'kept/a')]), '.');
    expect(kept).toContain("`lingerlab run 'close-order/closes=client'`");
    expect(kept).not.toContain('lingerlab show');
  });

  test('says which experiments have more of it, where they said nothing here', () => {
    expect(text).toContain(
      'Not run here: simultaneous-close and load, which measure more (`lingerlab run simultaneous-close load`).',
    );
  });

  test('has one line where nothing of a symptom or knob ran', () => {
    expect(text).toContain('Nothing of this ran here: `lingerlab run fin-wait-2` shows it.');
    expect(text.match(/Nothing of this ran here/g)).toHaveLength(28);
  });

  test('shows what a run folder says as text', () => {
    const evil = statement({ text: '<b>*bold*</b> [link](http://x)', number: '<i>' });
    const markdown = guideMarkdown(guideOfRuns([runWith('6.18.19', [evil])]), '.');
    expect(markdown).toContain('&lt;b>\\*bold\\*&lt;/b> \\[link\\](http://x)');
    expect(markdown).not.toContain('<b>');
    expect(markdown).not.toContain('<i>');
  });
});
