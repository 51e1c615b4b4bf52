import { describe, expect, test } from 'vitest';
import { validateDefinition } from '../../src/catalogue/validate.ts';
import { LingerlabError } from '../../src/errors.ts';
import { kind } from '../../src/facts/kinds.ts';

const claim = { id: 'c', text: 't', source: 's', holds: () => true };
const right = {
  kind: 'scenario',
  id: 'close-order',
  question: 'Which end?',
  factors: { closes: ['client', 'server'], family: [4, 6], nodelay: [true, false] },
  scenario: async () => {},
  claims: [claim],
  answer: () => '',
};

function problems(change: Record<string, unknown>): string[] {
  try {
    validateDefinition({ ...right, ...change }, 'mine.ts');
    return [];
  } catch (thrown) {
    const { code, message } = thrown as LingerlabError;
    expect(thrown).toBeInstanceOf(LingerlabError);
    expect(code).toBe('BAD_DEFINITION');
    const [head, ...lines] = message.split('\n');
    expect(head).toBe('mine.ts does not define an experiment:');
    return lines.map((line) => line.trim());
  }
}

test('a right definition is returned as it is, functions and all', () => {
  expect(validateDefinition(right, 'mine.ts')).toBe(right);
});

test('every optional part is taken, as a value or as a function of the cell', () => {
  const full = {
    group: 'Closing',
    only: () => true,
    network: 'veth',
    sysctls: () => ({}),
    seconds: 62.5,
    quiet: true,
    race: () => 20,
    connections: ['old', 'new'],
    measures: { freeAfter: kind.seconds(), 'bind.result': kind.outcome(), winner: kind.word('old', 'new') },
    across: [{ ...claim, id: 'all' }],
    shows: ['old.timeWait.holder', 'winner', 'counters.lab.TcpExt.TWRecycled'],
  };
  expect(problems(full)).toEqual([]);
  expect(problems({ network: () => 'loopback', seconds: () => 1, quiet: () => true })).toEqual([]);
  expect(problems({ factors: {} })).toEqual([]);
});

test('all problems are told at once', () => {
  expect(problems({ id: 'Close order', question: ' ', scenario: undefined, claims: {}, seconds: 0 })).toEqual([
    'id: must be lower-case words joined by hyphens, such as "close-order"',
    'question: must not be empty',
    'seconds: must be a positive number, or a function of the cell',
    'scenario: is missing',
    'claims: must be a list',
  ]);
});

test.each([null, undefined, 3, 'text', []])('%j is no definition', (definition) => {
  expect(() => validateDefinition(definition, 'mine.ts')).toThrow(/^mine\.ts does not define an experiment:\n {2}\w/);
});

describe('an experiment of loads', () => {
  const load = { kind: 'load', load: { repeats: 3 } };

  test('says how often its cells run, and what they are compared with', () => {
    expect(problems(load)).toEqual([]);
    const whole = { repeats: () => 3, baseline: () => ({ family: 4 }), counts: () => true };
    expect(problems({ ...load, load: whole, shows: ['rate.perSecond'] })).toEqual([]);
    expect(problems({ kind: 'load' })).toEqual(['load: is missing']);
    expect(problems({ ...load, load: () => 3 })).toEqual(['load: must be an object: { repeats: 20, baseline: { … } }']);
    expect(problems({ ...load, load: { repeat: 3, baseline: 'client' } })).toEqual([
      'load.repeats: is missing',
      'load.baseline: must be an object with values of factors, or a function of the cell',
      'load: there is no "repeat" here (did you mean "repeats"?)',
    ]);
  });

  test.each([
    [{ ...load, quiet: true }, 'there is no "quiet" here: that is for experiment({ … }), whose scenario has peers'],
    [{ load: load.load }, 'there is no "load" here: that is for loadExperiment({ … }), whose scenario has load()'],
    [{ ...load, shows: ['timeWait.holder'] }, 'shows: there is no fact "timeWait.holder"'],
    [{ shows: ['rate.perSecond'] }, 'shows: there is no fact "rate.perSecond"'],
    [
      { ...load, measures: { 'rate.perSecond': kind.count() } },
      'measures.rate.perSecond: the name is taken, every load has this fact',
    ],
  ])('and a usual one are not mixed up: %o', (change, problem) => {
    expect(problems(change)).toEqual([expect.stringContaining(problem)]);
  });
});

describe('an unknown key is refused with the nearest right one', () => {
  test.each([
    [{ scenarios: 1 }, 'there is no "scenarios" here (did you mean "scenario"?)'],
    [{ sysctl: () => ({}) }, 'there is no "sysctl" here (did you mean "sysctls"?)'],
    [{ xyz: 1 }, 'there is no "xyz" here'],
    [{ claims: [{ ...claim, whem: () => true }] }, 'claims "c": there is no "whem" here (did you mean "when"?)'],
    [{ across: [{ ...claim, id: 'a', whn: () => true }] }, 'across "a": there is no "whn" here (did you mean "when"?)'],
  ])('%o', (change, problem) => {
    expect(problems(change)).toEqual([problem]);
  });
});

describe('factors become cell ids and folder names', () => {
  test.each([
    [{ linger: [] }, 'factors.linger: needs at least one value'],
    [{ linger: 'off' }, 'factors.linger: must be a list of values'],
    [{ 'so-linger': ['off'] }, 'factors.so-linger: its name must be a letter followed by letters, digits or _'],
    [{ '1st': ['off'] }, 'factors.1st: its name must be a letter followed by letters, digits or _'],
    [{ how: ['close(2)'] }, 'factors.how: the value "close(2)" may have letters, digits, and . + - _ only'],
    [{ how: [''] }, 'factors.how: the value "" may have letters, digits, and . + - _ only'],
    [{ how: [1, '1'] }, 'factors.how: the value "1" is given twice'],
    [{ how: [Number.NaN] }, 'factors.how: NaN is no value'],
    [{ how: [null] }, 'factors.how: null is no value: a text, a number, true or false is'],
    [undefined, 'factors: is missing; write {} where nothing varies'],
    [['off'], "factors: must be an object: { linger: ['off', 'zero'] }"],
    [
      Object.fromEntries(['a', 'b', 'c'].map((name) => [name, Array.from({ length: 50 }, (_, i) => i)])),
      'factors: make 125000 cells; at most 100000 can be planned',
    ],
  ])('%o', (factors, problem) => {
    expect(problems({ factors })).toEqual([problem]);
  });

  test('numbers, signs and dots are values', () => {
    expect(problems({ factors: { seconds: [-1, 0.5, 1e21, '1.5s', 'a+b', 'a_b'] } })).toEqual([]);
  });
});

describe('claims', () => {
  test('have an id, a text and a source', () => {
    expect(problems({ claims: [{ holds: () => true }, { ...claim, source: '' }, 3] })).toEqual([
      'claims[0].id: is missing',
      'claims[0].text: is missing',
      'claims[0].source: is missing',
      'claims "c".source: must not be empty',
      'claims[2]: must be an object',
    ]);
  });

  test('share one set of ids with those over all cells', () => {
    expect(problems({ claims: [claim, claim] })).toEqual(['claims: the id "c" is given twice']);
    expect(problems({ across: [claim] })).toEqual(['claims: the id "c" is given twice']);
  });
});

describe('names of connections and own facts', () => {
  test('do not hide those of facts', () => {
    expect(problems({ connections: ['client'] })).toEqual([
      'connections: the label "client" is taken: facts\' names begin with it',
    ]);
    expect(problems({ measures: { 'timeWait.holder': kind.outcome() } })).toEqual([
      'measures.timeWait.holder: the name is taken, every connection has this fact',
    ]);
    expect(problems({ connections: ['old'], measures: { 'old.client.path': kind.outcome() } })).toHaveLength(1);
    expect(problems({ measures: { 'counters.lab.Tcp.X': kind.count() } })).toHaveLength(1);
  });

  test('are distinct words', () => {
    expect(problems({ connections: ['old', 'old'] })).toEqual(['connections: the label "old" is given twice']);
    expect(problems({ connections: ['o-ld'] })).toHaveLength(1);
    expect(problems({ measures: { 'free after': kind.seconds() } })).toHaveLength(1);
  });

  test('a kind that was not called is told so', () => {
    expect(problems({ measures: { a: kind.seconds, b: {}, c: kind.word() } })).toEqual([
      'measures.a: must be called: kind.seconds(), not kind.seconds',
      "measures.b: must be made by kind: kind.seconds(), kind.word('old', 'new')",
      'measures.c: needs the words that it may be',
    ]);
  });
});

test('a fact to show exists', () => {
  expect(problems({ shows: ['timeWait.holdr', 'client.path'] })).toEqual([
    'shows: there is no fact "timeWait.holdr" (did you mean "timeWait.holder"?)',
  ]);
  expect(problems({ connections: ['old'], shows: ['client.path'] })).toHaveLength(1);
});

test('words are of factors and their values, those that are not a number, too', () => {
  const family = { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } };
  expect(problems({ words: { family, nodelay: { text: 'TCP_NODELAY', values: { true: 'on' } } } })).toEqual([]);
  const words = {
    famly: family,
    closes: { text: 'which end closes', values: { cliant: 'the client' } },
  };
  expect(problems({ words })).toEqual([
    'words: there is no factor "famly" (did you mean "family"?)',
    'words.closes: the factor has no value "cliant" (did you mean "client"?)',
  ]);
  expect(problems({ words: { family: { text: '', values: {} } } })).toEqual(['words.family.text: must not be empty']);
});

test('roles are functions of the cell under names of their own, by which facts can be shown', () => {
  const closing = () => 'client';
  expect(problems({ roles: { closing }, shows: ['closing.lost', 'counters.lab.Tcp.OutRsts'] })).toEqual([]);
  expect(problems({ roles: { closing }, shows: ['closing.lots', 'other.lost'] })).toEqual([
    expect.stringContaining('shows: there is no fact "closing.lots"'),
    expect.stringContaining('shows: there is no fact "other.lost"'),
  ]);
  expect(problems({ roles: { timeWait: closing, 'the-one': closing, other: 'client' } })).toEqual([
    "roles.timeWait: its name is taken: facts' names begin with it",
    'roles.the-one: its name must be a letter followed by letters, digits or _',
    'roles.other: must be a function of the cell',
  ]);
  expect(problems({ connections: ['old'], roles: { old: closing }, shows: [] })).toEqual([
    'roles.old: the name is taken, a connection is called so',
  ]);
});

describe('sentences of the guide', () => {
  const statement = { about: { SO_REUSEADDR: 'measured', 'EADDRINUSE on restart': 'helps' }, claim: 'c', text: 't' };

  test('are of knobs and symptoms that there are, in words for each', () => {
    expect(problems({ guide: [statement, { ...statement, id: 'd', when: () => true, number: () => '1' }] })).toEqual(
      [],
    );
    expect(problems({ guide: [{ ...statement, about: { SO_REUSEADR: 'measured' } }] })).toEqual([
      'guide[0].about: there is no knob or symptom "SO_REUSEADR" (did you mean "SO_REUSEADDR"?)',
    ]);
    expect(problems({ guide: [{ ...statement, about: { SO_REUSEADDR: 'helps' } }] })).toEqual([
      'guide[0].about.SO_REUSEADDR: must be measured, costs, risks',
    ]);
    expect(problems({ guide: [{ ...statement, about: { 'CLOSE-WAIT grows': 'measured' } }] })).toEqual([
      'guide[0].about.CLOSE-WAIT grows: must be look at, helps, cannot help',
    ]);
    expect(problems({ guide: [{ ...statement, about: {} }] })).toEqual([
      'guide[0].about: must name a knob or a symptom',
    ]);
  });

  test('rest on claims of cells, and have ids of their own', () => {
    expect(problems({ guide: [{ ...statement, claim: 'cc' }] })).toEqual(['guide: there is no claim of cells "cc"']);
    expect(problems({ guide: [statement, statement] })).toEqual(['guide: the id "c" is given twice']);
    expect(problems({ rates: [] })).toEqual([
      expect.stringContaining('there is no "rates" here: that is for loadExperiment'),
    ]);
  });
});
