import { readFileSync } from 'node:fs';
import { labSysctlNames } from '../doctor/doctor.ts';
import { LingerlabError, messageOf } from '../errors.ts';
import { makeSpace, type Space, setSysctls } from '../lab/space.ts';
import type { Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import { dotted, sysctlMeant } from './runnable.ts';

/** The sysctls under which a user has every cell run. */
export interface Settings {
  /** By dotted name, in the order in which they are set. */
  readonly values: Readonly<Record<string, string>>;
  /** What was to be ignored where it cannot be set, and cannot. */
  readonly left: readonly Warning[];
}

/** One setting as a user wrote it. */
export interface Setting {
  readonly name: string;
  readonly value: string;
  /** What is said of it stands behind: `tuning.conf:12`, or the option. */
  readonly at: string;
  /** sysctl.conf(5): where it cannot be set, the others are set all the same. */
  readonly optional: boolean;
}

const [option, fileOption] = ['--sysctl', '--sysctls-from'];

const badOption = (message: string, remedy: string, cause?: unknown): LingerlabError =>
  new LingerlabError('BAD_OPTION', message, remedy, cause === undefined ? {} : { cause });

function settingOf(text: string, at: string): Setting | undefined {
  const [, dash, name, value] = /^\s*(-?)\s*([\w./-]+?)\s*=\s*(.*?)\s*$/s.exec(text) ?? [];
  if (name === undefined || !value) return undefined;
  return { name: dotted(name), value: value.replace(/\s+/g, ' '), at, optional: dash === '-' };
}

/** Reads `--sysctl name=value`. Throws BAD_OPTION where the text has another form. */
export function parseSetting(text: string): Setting {
  const setting = settingOf(text, `${option} ${text}`);
  if (setting) return { ...setting, optional: false };
  throw badOption(
    `${option} "${text}" is not of the form name=value`,
    `write for example ${option} net.ipv4.tcp_fin_timeout=10`,
  );
}

/** Reads the text of a sysctl.conf(5). Throws BAD_OPTION with the file's line where one has another form. */
export function parseSettingsFile(path: string, text: string): Setting[] {
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*([#;]|$)/.test(line)) return [];
    const at = `${path}:${index + 1}`;
    const setting = settingOf(line, at);
    if (setting) return [setting];
    throw badOption(
      `${at}: "${line.trim()}" is not of the form name = value`,
      `${fileOption} takes a sysctl.conf: name = value, # or ; before a comment; names without patterns`,
    );
  });
}

function readSettingsFile(path: string): Setting[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw badOption(`${fileOption} ${path}: ${messageOf(cause)}`, 'name a file that can be read', cause);
  }
  return parseSettingsFile(path, text);
}

/** Keeps the last setting of each name: a later line of a file wins, and the command line wins over files. */
export const lastOfEach = (all: readonly Setting[]): Setting[] => [
  ...new Map(all.map((setting) => [setting.name, setting])).values(),
];

/** A file's later line wins, sysctl.conf(5); of two options neither does. Throws BAD_OPTION where they say different values. */
export function withoutContradiction(all: readonly Setting[]): readonly Setting[] {
  for (const [name, [first, ...others]] of Map.groupBy(all, (setting) => setting.name)) {
    const other = others.find(({ value }) => value !== first?.value);
    if (other)
      throw badOption(
        `${option} ${name} has two values, ${first?.value} and ${other.value}`,
        `give ${option} ${name} once`,
      );
  }
  return all;
}

/** Sysctls whose values labs need. */
const needed = /^net\.ipv6\.conf\.(all|default|lo)\.disable_ipv6$/;

/** Returns why labs cannot have a setting; undefined if they can. Tries the setting in a new lab. */
function problemOf({ name, value }: Setting, lab: Space | undefined, names: ReadonlySet<string>): string | undefined {
  if (!name.startsWith('net.')) {
    return `${name} is no sysctl of a network namespace${sysctlMeant(name, names)}; a run does not change the host's sysctls`;
  }
  if (!names.has(name)) return `this kernel has no sysctl ${name} in a network namespace${sysctlMeant(name, names)}`;
  // of a number the kernel reads what is before a blank, and says nothing of the rest
  if (/[#;]/.test(value)) return `${name} = ${value} has a comment after the value; a comment needs its own line`;
  if (needed.test(name) && value !== '0') return `${name} = ${value} disables IPv6, which every cell needs`;
  try {
    lab?.inside(() => setSysctls({ [name]: value }));
    return undefined;
  } catch (error) {
    const { code = messageOf(error) } = error as NodeJS.ErrnoException;
    return `this kernel refuses ${name} = ${value} (${code})`;
  }
}

/** Makes a lab to try settings in; undefined if no namespace can be made, which a later check reports. */
function probe(): Space | undefined {
  try {
    return makeSpace('probe');
  } catch {
    return undefined;
  }
}

/** Tries settings in a lab of their own. Throws BAD_OPTION, which lists every setting that fails and is not optional. */
export function tried(settings: readonly Setting[]): Settings {
  if (settings.length === 0) return { values: {}, left: [] };
  using lab = probe();
  const names = labSysctlNames();
  const found = settings.map((setting) => ({ setting, problem: problemOf(setting, lab, names) }));
  const wrong = found.filter(({ setting, problem }) => problem !== undefined && !setting.optional);
  if (wrong.length > 0) {
    const ofFile = wrong.some(({ setting }) => !setting.at.startsWith(option));
    throw badOption(
      wrong.map(({ setting, problem }) => `${setting.at}: ${problem}`).join('\n'),
      `correct the setting or leave it out${ofFile ? '; in a file, a - before the name makes a setting optional' : ''}`,
    );
  }
  return {
    values: Object.fromEntries(
      found.flatMap(({ setting: { name, value }, problem }) => (problem === undefined ? [[name, value]] : [])),
    ),
    left: found.flatMap(({ setting: { at }, problem }) =>
      problem === undefined ? [] : [warn('sysctl-left-out', `${at}: ${problem}`)],
    ),
  };
}

/** Returns the settings of a command line. Throws BAD_OPTION if a setting cannot be read or cannot be set. */
export const settingsOf = (texts: readonly string[], files: readonly string[]): Settings =>
  tried(lastOfEach([...files.flatMap(readSettingsFile), ...withoutContradiction(texts.map(parseSetting))]));
