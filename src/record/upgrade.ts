import { LingerlabError } from '../errors.ts';
import type { TcpOption } from '../tcp/header-options.ts';
import type { Deed } from './deed.ts';
import type { UnknownFact } from './fact.ts';
import type { Reason } from './reason.ts';
import type { AsideRecord } from './schema.ts';
import { schemaVersion } from './schema.ts';

type Json = Record<string, unknown>;

/** How a folder of one version is read as the next: run.json, a line of cells.ndjson, and one of events.ndjson.gz. */
export interface Upgrade {
  readonly run: (run: Json) => Json;
  readonly cell: (cell: Json) => Json;
  readonly event: (event: Json) => Json;
}

const some = (value: Json, ...names: readonly string[]): Json =>
  Object.fromEntries(names.flatMap((name) => (value[name] === undefined ? [] : [[name, value[name]]])));
const without = (value: Json, ...names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
const listed = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);

/** How many results version 1's answer was made from, which it said in words. */
function answeredIn(answer: unknown): 'all' | 'some' | 'none' | null {
  if (typeof answer !== 'string') return null;
  if (answer.startsWith('no answer: ')) return 'none';
  return /; \d+ of \d+ results left out: /.test(answer) ? 'some' : 'all';
}

/** Version 1's reasons for unknown facts, in its words. */
const whyUnknown: readonly (readonly [RegExp, UnknownFact['code']])[] = [
  [/^it was still in this state when/, 'not-over'],
  [/was still open when the scenario ended$/, 'still-open'],
  [/^without tracepoints|^this kernel does not trace/, 'not-traced'],
  [/^the trace has no socket/, 'no-socket'],
  [/^no ss sample/, 'not-sampled'],
  [/^(between|perhaps) /, 'bounded'],
  [/were not read when it closed$/, 'not-read'],
  [/bytes more than were written$/, 'foreign-bytes'],
  [/^two sources contradict/, 'contradiction'],
  [/connections share this name/, 'shared-label'],
  [/^it was gone /, 'cause-not-seen'],
  [/^no request was answered/, 'nothing-measured'],
  [/^no tw_sock_TCP/, 'not-readable'],
];
const unknownOf = (text: string): UnknownFact => ({
  code: whyUnknown.find(([words]) => words.test(text))?.[1] ?? 'not-shown',
  text,
});

/** One TCP option as version 1 printed it: `mss 1460`, `sackOK`, `TS val 1 ecr 0`, `sack 1 {5:9}`. */
function optionOf(text: string): TcpOption[] {
  const [word = '', value = ''] = text.split(' ');
  if (word === 'mss') return [{ kind: 'mss', value: Number(value) }];
  if (word === 'wscale') return [{ kind: 'wscale', shift: Number(value) }];
  if (word === 'sackOK') return [{ kind: 'sackOK' }];
  const stamps = /^TS val (\d+) ecr (\d+)$/.exec(text);
  if (stamps) return [{ kind: 'timestamps', value: Number(stamps[1]), echo: Number(stamps[2]) }];
  if (word === 'sack') {
    const blocks = [...text.matchAll(/\{(\d+):(\d+)\}/g)].map(
      ([, left, right]) => [Number(left), Number(right)] as const,
    );
    return [{ kind: 'sack', blocks }];
  }
  const other = /^unknown-(\d+)(?: 0x([0-9a-f]+))?$/.exec(text);
  if (other) return [{ kind: 'other', code: Number(other[1]), hex: other[2] ?? '' }];
  const rest = /^\[bad opt\] 0x([0-9a-f]*)$/.exec(text);
  return rest ? [{ kind: 'rest', hex: rest[1] ?? '' }] : [];
}

/** What version 1's line of a cell says of a segment: a word, the number of what it repeats, when it arrived. */
function segmentDeed({ deed, of, t, arrived }: Json): Json {
  if (deed === 'copy' || deed === 'replay') return { do: deed, of };
  const waited = (deed === 'held' || deed === 'delayed') && arrived !== undefined;
  return { do: deed, ...(waited && { heldNs: Number(arrived) - Number(t) }) };
}

const segmentOf = (segment: Json): Json => ({
  ...without(segment, 'deed', 'of', 'options'),
  ...(typeof segment.options === 'string' && { options: segment.options.split(',').flatMap(optionOf) }),
  deed: segmentDeed(segment),
});

const refusedOf = (text: string): string | undefined => /refused by the kernel: (\S+)/.exec(text)?.[1];

function asideOf(aside: Json): AsideRecord {
  const { what, how = '', until = aside.t } = aside as Json & { how?: string };
  const beside = some(aside, 'what', 't', 'end', 'label');
  if (what === 'close') {
    const [by, andThen] = how.split(' then ');
    return { ...beside, until, by, ...(andThen !== undefined && { andThen }) } as unknown as AsideRecord;
  }
  if (what === 'forged') {
    const errno = refusedOf(how);
    const kinds = how === 'of several kinds' ? [{}, {}] : [errno === undefined ? { why: how } : { errno }];
    return { ...beside, until, of: aside.of, count: aside.count, kinds } as unknown as AsideRecord;
  }
  return { ...beside, ...some(aside, 'bytes', 'of') } as unknown as AsideRecord;
}

/** What version 1's event says the wire did: `held (rule 2)`, `held 412.000 ms, then dropped`, `replay of #7`. */
function deedOf(text: string): Deed {
  const errno = refusedOf(text);
  const ruled = /\(rule (\d+)\)/.exec(text)?.[1];
  const number = /#(\d+)/.exec(text)?.[1];
  const rule = ruled === undefined ? {} : { rule: Number(ruled) };
  const refused = errno === undefined ? {} : { refusedBy: 'kernel' as const, errno };
  const of = Number(number);
  const ms = /^\w+ ([\d.]+) ms/.exec(text)?.[1];
  const kept = { ...rule, ...(ms !== undefined && { heldNs: Math.round(Number(ms) * 1e6) }), ...refused };
  if (/^(black hole|lost|queue full|dropped)/.test(text)) {
    return { do: text.replace(/ \(rule.*$/, '') as 'dropped', ...rule };
  }
  if (text.startsWith('held'))
    return { do: 'held', ...kept, ...(text.includes('then dropped') && { discarded: true }) };
  if (/^(delayed|overtaken)/.test(text)) return { do: 'delayed', ...kept };
  if (text.startsWith('duplicate of')) return { do: 'copy', of, ...rule, ...refused };
  if (text.startsWith('replay of')) return { do: 'replay', of, ...refused };
  if (text.startsWith('forged: host unreachable')) return { do: 'forged', as: 'unreachable', of, ...refused };
  if (text.startsWith('echo request')) return { do: 'forged', as: 'echo', of, ...refused };
  if (text.startsWith('forged')) return { do: 'forged', ...refused };
  return errno === undefined ? { do: 'carried' } : { do: 'refused', refusedBy: 'kernel', errno };
}

/** Version 1 recorded a closing call as `close by destroy then end`, and its data as `bytes`. */
function callOf(event: Json): Json {
  const { verb, bytes } = event as Json & { verb: string };
  const closes = /^close by (\S+)(?: then (\S+))?$/.exec(verb);
  if (!closes && verb !== 'shutdown') return event;
  return {
    ...without(event, 'bytes'),
    ...(closes && { verb: 'close', by: closes[1], ...(closes[2] !== undefined && { andThen: closes[2] }) }),
    ...(bytes !== undefined && { sending: bytes }),
  };
}

function eventOf(event: Json): Json {
  const { kind, text, deed } = event;
  if (kind === 'call') return callOf(event);
  if (kind === 'deed') return { ...event, deed: deedOf(String(deed)) };
  if (kind !== 'segment') return event;
  const why = /^no TCP segment: (\S+)$/.exec(String(text))?.[1];
  return { ...without(event, 'text'), ...(why !== undefined && { why }), deed: deedOf(String(deed)) };
}

/** Reasons and what verdicts rest on were texts before version 2 was released. */
const reasonOf = (text: string, status: unknown): Reason => {
  const [, code, message] = (status === 'errored' && /^([A-Z][A-Z_]+): (.*)$/s.exec(text)) || [];
  return code === undefined || message === undefined ? { message: text } : { code, message };
};
const detailOf = (detail: unknown): unknown =>
  typeof detail === 'string' ? { on: 'text', parts: detail.split(/(?=; |, )/) } : detail;
const claimsOf = (claims: unknown): readonly Json[] =>
  listed(claims).some(({ detail }) => typeof detail === 'string')
    ? listed(claims).map((claim) => ({ ...claim, detail: detailOf(claim.detail) }))
    : listed(claims);

/** Groups in the order in which their experiments come first: all that version 2 knew of them. */
const groupsOf = (experiments: readonly Json[]): Json[] =>
  [...Map.groupBy(experiments, ({ group }) => String(group))].map(([title, own]) => ({
    title,
    experiments: own.map(({ id }) => id),
    headline: null,
  }));

/** What folders of version 2 have otherwise that were written before its release; of any other nothing changes. */
const released: Upgrade = {
  run: (run) => ({
    ...run,
    experiments: listed(run.experiments).map((one) => ({
      ...(one.builtin === undefined && { builtin: String(one.file).startsWith('builtin') }),
      ...one,
      claims: claimsOf(one.claims),
    })),
  }),
  cell: (cell) => {
    const claims = claimsOf(cell.claims);
    if (typeof cell.reason === 'string') return { ...cell, reason: reasonOf(cell.reason, cell.status), claims };
    return claims === cell.claims ? cell : { ...cell, claims };
  },
  event: (event) => event,
};

/** By the version upgraded from. The first version has nothing before it. */
export const upgrades: Readonly<Record<number, Upgrade>> = {
  1: {
    run: (run) => ({
      ...without(run, 'seed'),
      schemaVersion: 2,
      experiments: listed(run.experiments).map((one) => ({ ...one, answered: answeredIn(one.answer) })),
    }),
    cell: (cell) => ({
      ...cell,
      unknown: Object.fromEntries(
        Object.entries((cell.unknown ?? {}) as Record<string, string>).map(([fact, why]) => [fact, unknownOf(why)]),
      ),
      ...(cell.segments !== undefined && { segments: listed(cell.segments).map(segmentOf) }),
      ...(cell.asides !== undefined && { asides: listed(cell.asides).map(asideOf) }),
    }),
    event: eventOf,
  },
  2: {
    run: (run) => ({
      ...run,
      schemaVersion: 3,
      groups: groupsOf(listed(run.experiments)),
      experiments: listed(run.experiments).map((one) => ({
        ...one,
        answer: typeof one.answer === 'string' ? { paragraph: one.answer } : null,
      })),
    }),
    cell: (cell) => cell,
    event: (event) => event,
  },
};

/**
 * The way from a folder's version to this program's.
 * @throws LingerlabError RUN_NEWER, or RUN_UNREADABLE where there is no way
 */
export function upgradeFrom(version: unknown, folder: string, table: Readonly<Record<number, Upgrade>>): Upgrade {
  if (typeof version !== 'number' || !Number.isInteger(version)) {
    throw new LingerlabError(
      'RUN_UNREADABLE',
      `${folder}/run.json: schemaVersion is ${JSON.stringify(version) ?? 'missing'}, not a whole number`,
      'this is no run folder of lingerlab, or it was edited; use the folder that `lingerlab run` made',
    );
  }
  if (version > schemaVersion) {
    throw new LingerlabError(
      'RUN_NEWER',
      `${folder} has schema version ${version}; this program reads versions up to ${schemaVersion}`,
      'read it with the version of lingerlab that made it, or a newer one',
    );
  }
  const ways: Upgrade[] = [];
  for (let from = version; from < schemaVersion; from += 1) {
    const next = table[from];
    if (!next) {
      throw new LingerlabError(
        'RUN_UNREADABLE',
        `${folder} has schema version ${version}, which cannot be upgraded to ${schemaVersion}`,
        'run the experiments again with this version of lingerlab',
      );
    }
    ways.push(next);
  }
  ways.push(released);
  return {
    run: (run) => ways.reduce((each, { run: upgrade }) => upgrade(each), run),
    cell: (cell) => ways.reduce((each, { cell: upgrade }) => upgrade(each), cell),
    event: (event) => ways.reduce((each, { event: upgrade }) => upgrade(each), event),
  };
}
