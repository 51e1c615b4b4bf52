import { expect, test } from 'vitest';
import { overridden, overriddenIn, sysctlMeant } from '../../src/plan/runnable.ts';
import {
  lastOfEach,
  parseSetting,
  parseSettingsFile,
  settingsOf,
  withoutContradiction,
} from '../../src/plan/settings.ts';

test('a setting of the command line is a name and a value, with either separator', () => {
  expect(parseSetting('net.ipv4.tcp_fin_timeout=10')).toMatchObject({ name: 'net.ipv4.tcp_fin_timeout', value: '10' });
  expect(parseSetting('net/ipv4/tcp_rmem = 4096\t87380  6291456')).toMatchObject({
    name: 'net.ipv4.tcp_rmem',
    value: '4096 87380 6291456',
  });
});

test.each(['net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_fin_timeout=', '=10', 'net.ipv4.conf.*.rp_filter=2', ''])(
  'no setting: "%s"',
  (text) => {
    expect(() => parseSetting(text)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  },
);

test('a file is read as sysctl.conf(5) says', () => {
  const text = [
    '# tuning',
    '  ; more',
    '',
    'net.ipv4.tcp_fin_timeout = 30',
    '-net/ipv4/tcp_gone=1',
    ' net.ipv4.tcp_fin_timeout=15  ',
  ].join('\n');
  const settings = parseSettingsFile('tuning.conf', text);
  expect(settings).toEqual([
    { name: 'net.ipv4.tcp_fin_timeout', value: '30', at: 'tuning.conf:4', optional: false },
    { name: 'net.ipv4.tcp_gone', value: '1', at: 'tuning.conf:5', optional: true },
    { name: 'net.ipv4.tcp_fin_timeout', value: '15', at: 'tuning.conf:6', optional: false },
  ]);
  expect(lastOfEach([...settings, parseSetting('net.ipv4.tcp_gone=2')]).map(({ value }) => value)).toEqual(['15', '2']);
});

test('two options with one name are refused where their values differ', () => {
  const both =
    (...texts: string[]) =>
    () =>
      withoutContradiction(texts.map(parseSetting));
  expect(both('net.ipv4.tcp_retries2=5', 'net/ipv4/tcp_retries2=6')).toThrow(
    expect.objectContaining({
      code: 'BAD_OPTION',
      message: '--sysctl net.ipv4.tcp_retries2 has two values, 5 and 6',
      remedy: 'give --sysctl net.ipv4.tcp_retries2 once',
    }),
  );
  expect(both('net.ipv4.tcp_retries2=5', 'net.ipv4.tcp_retries2 = 5')).not.toThrow();
});

test('a setting that no lab can have is named as it was written, with one thing to do', () => {
  expect(() => settingsOf(['kernel.pid_max=5'], [])).toThrow(
    expect.objectContaining({
      code: 'BAD_OPTION',
      message:
        "--sysctl kernel.pid_max=5: kernel.pid_max is no sysctl of a network namespace; a run does not change the host's sysctls",
      remedy: 'correct the setting or leave it out',
    }),
  );
});

test('a comment behind a value is none of sysctl.conf(5), and the kernel would ignore it', () => {
  expect(() => settingsOf(['net.ipv4.tcp_fin_timeout=12 # why'], [])).toThrow(
    '--sysctl net.ipv4.tcp_fin_timeout=12 # why: net.ipv4.tcp_fin_timeout = 12 # why has a comment after the value; a comment needs its own line',
  );
});

test('a file that cannot be read is named with its option', () => {
  expect(() => settingsOf([], ['/nowhere/tuning.conf'])).toThrow(/^--sysctls-from \/nowhere\/tuning\.conf: ENOENT/);
  expect(() => settingsOf([], ['/tmp'])).toThrow(/^--sysctls-from \/tmp: EISDIR/);
});

test('a line of another form is named', () => {
  expect(() => parseSettingsFile('tuning.conf', '\nnet.ipv4.tcp_fin_timeout 30')).toThrow(
    'tuning.conf:2: "net.ipv4.tcp_fin_timeout 30" is not of the form name = value',
  );
});

test('an experiment that sets another value wins, and its cell says so', () => {
  const asked = { 'net.ipv4.tcp_fin_timeout': '10', 'net.ipv4.tcp_retries2': '5' };
  expect(overridden({ 'net/ipv4/tcp_fin_timeout': 3, 'net.ipv4.tcp_retries2': 5 }, asked)).toEqual([
    expect.objectContaining({
      code: 'sysctl-overridden',
      text: 'the experiment sets net.ipv4.tcp_fin_timeout = 3, so the value 10 of --sysctl or --sysctls-from has no effect',
    }),
  ]);
});

test('what cells override is said once, with how many do', () => {
  const asked = { 'net.ipv4.tcp_fin_timeout': '10' };
  const cells = [{ 'net.ipv4.tcp_fin_timeout': 3 }, {}, { 'net.ipv4.tcp_fin_timeout': 3 }].map((sysctls) => ({
    sysctls,
  }));
  expect(overriddenIn(cells, asked).map(({ warning, cells: some }) => [warning.code, some])).toEqual([
    ['sysctl-overridden', 2],
  ]);
  expect(overriddenIn(cells, {})).toEqual([]);
});

test('a misspelt sysctl is found by its last part, then by the rest of its name', () => {
  const names = new Set([
    'net.core.somaxconn',
    'net.ipv4.tcp_fin_timeout',
    'net.ipv4.conf.all.rp_filter',
    'net.ipv4.conf.default.rp_filter',
  ]);
  expect(sysctlMeant('net.ipv4.somaxconn', names)).toContain('"net.core.somaxconn"');
  expect(sysctlMeant('net.ipv4.tcp_fin_timeot', names)).toContain('"net.ipv4.tcp_fin_timeout"');
  expect(sysctlMeant('net.ipv4.conf.defalt.rp_filter', names)).toContain('"net.ipv4.conf.default.rp_filter"');
  expect(sysctlMeant('net.ipv4.tcp_nothing', names)).toBe('');
});
