import { z } from 'zod';
import { icmpKinds } from '../tcp/icmp.ts';
import { ends, states } from '../tcp/states.ts';
import { deed } from './deed.ts';
import { cellDetail, runDetail } from './detail.ts';
import { closeBy, flags, tcpOptions } from './event.ts';
import { declaration, factValue, unknownFact } from './fact.ts';
import { lateness } from './lateness.ts';
import { reason } from './reason.ts';

/** The run folder's version: newer is refused, older is upgraded when read. */
export const schemaVersion = 3;

export const verdict = z.enum(['confirmed', 'refuted', 'inconclusive']);
export type Verdict = z.infer<typeof verdict>;

const factorValue = z.union([z.string(), z.number(), z.boolean()]);
const roundTrips = z.object({ p50: z.number(), p99: z.number() });
/** What a wire costs, as it was measured before the first cell of a session that has cells on one, or by the doctor. */
const wireCost = z.object({
  mtu: z.number().int().describe('bytes of the largest packet'),
  roundTripUs: z
    .object({ wire: roundTrips, veth: roundTrips })
    .optional()
    .describe('of one byte, on a wire and on a veth pair in turns, µs; absent in runs of before 0.2'),
  addedP50Us: z.number().describe('median on the wire less that on the veth pair, µs'),
  packetsPerSecond: z.number().int().describe('of bulk data and its acknowledgements, both ways'),
  megabytesPerSecond: z.number().describe('of bulk data, payload, 10^6 bytes'),
});
export type WireCost = z.infer<typeof wireCost>;

/** How long fixed work took: medians. */
const speed = z.object({
  jsUs: z.number().describe('a fixed loop of JavaScript, µs'),
  systemUs: z.number().describe('a fixed number of write(2) and read(2) on a pair of sockets, µs'),
});
export type Speed = z.infer<typeof speed>;

/** A cell runs no more often than this. */
export const mostRepeats = 100_000;

/** What a run saw of the machine; taken again by each session of a resumed run. */
export const environment = z.object({
  kernel: z.string().describe('uname -r'),
  distribution: z.string(),
  arch: z.string(),
  cpu: z.string(),
  cores: z.number().int(),
  memory: z.number().describe('bytes'),
  virtualization: z.string().describe('none, or what the hypervisor calls itself'),
  accelerator: z.string().describe('none, kvm or tcg, for a guest that this program booted'),
  clockRule: z
    .enum(['real', 'virtual'])
    .optional()
    .describe(
      'of such a guest, what its clock follows: virtual, an instruction takes 1 ns and idle time is skipped; absent: no such guest',
    ),
  slowness: z.number().describe('how much slower than a plain machine timings are expected to be; 1 outside emulation'),
  hz: z.number().int().describe('timer interrupts a second, from CLOCK_MONOTONIC_COARSE'),
  node: z.string(),
  iproute2: z.string(),
  privileged: z.boolean().describe('root of the host, not of a user namespace'),
  capabilities: z.record(z.string(), z.boolean()).describe('what this machine can do: doctor'),
  sysctls: z
    .record(z.string(), z.string())
    .describe("a fresh lab's net.ipv4.tcp_*, net.ipv4.ip_local* and net.core values"),
  pinned: z
    .record(
      z.string(),
      z.object({
        set: z.string(),
        own: z.string(),
        refused: z.string().optional(),
        asked: z.string().optional().describe('the value that the user asked for: --sysctl, --sysctls-from'),
      }),
    )
    .optional()
    .describe(
      'sysctls that are set in every lab, by lingerlab or as the user asked: what they are then, what the kernel had made, and the value that it refused; absent: not recorded',
    ),
  counters: z
    .array(z.string())
    .optional()
    .describe('names of the Tcp and TcpExt counters that this kernel has; absent: not recorded'),
  options: z
    .array(z.string())
    .optional()
    .describe('names of newer socket options that this kernel has, of those that are looked for; absent: not recorded'),
  cost: z
    .object({
      instructions: z
        .record(z.string(), z.number().int())
        .describe('for each connection, by what is done: open, close-client-first, close-linger-0 …'),
    })
    .optional()
    .describe("what connections cost this kernel, counted by a guest's virtual clock; absent elsewhere"),
  wire: wireCost.optional().describe('what the wire costs; absent where no cell of the session was on one'),
  calibration: z
    .object({
      before: speed.describe('before the first cell of the session'),
      after: speed.optional().describe('after its last cell; absent where the session was cut off'),
    })
    .optional()
    .describe("the machine's speed, by fixed work; absent in runs of before 0.2"),
});
export type Environment = z.infer<typeof environment>;

export const claimRecord = z.object({
  id: z.string(),
  text: z.string(),
  source: z.string(),
  across: z.boolean().describe('a claim over all cells'),
  verdict,
  cells: z
    .object({ confirmed: z.number(), refuted: z.number(), inconclusive: z.number() })
    .describe('verdicts in how many (cell, repeat); of a claim across cells, none'),
  detail: runDetail.describe('what the verdict rests on'),
  without: z.number().int().exactOptional().describe('of a claim across cells: results that did not run; absent: none'),
  observed: z
    .array(
      z.object({
        fact: z.string(),
        verdict,
        results: z.number().int().describe('how many'),
        least: z.number().exactOptional().describe('of a number'),
        most: z.number().exactOptional(),
        values: z
          .array(z.object({ value: factValue, results: z.number().int() }))
          .exactOptional()
          .describe('of anything else: the most frequent first'),
        more: z.number().int().exactOptional().describe('different values that are not listed; absent: none'),
      }),
    )
    .exactOptional()
    .describe(
      "of a claim of cells: what the facts were that it read first, by the cells' verdicts; absent: none, or not recorded",
    ),
});
export type ClaimRecord = z.infer<typeof claimRecord>;

export const warning = z.object({ code: z.string(), text: z.string(), remedy: z.string().optional() });
export type Warning = z.infer<typeof warning>;

/** The rate of each cell of loads against that of its baseline. */
export const loadComparison = z.object({
  fact: z.string().describe('what is compared'),
  method: z
    .object({
      pairing: z
        .enum(['neighbours', 'repeat'])
        .describe(
          "neighbours: a result is compared with the geometric mean of the baseline's results just before and just after it; repeat: with that of the baseline in the same repeat, as runs of before 0.2 did",
        ),
      estimate: z.literal('hodges-lehmann').describe('of the ratio, over the ratios of pairs'),
      interval: z.literal('signed-rank').describe("of the ratio: by inverting Wilcoxon's test"),
      test: z.literal('wilcoxon-signed-rank').describe('whether the ratio is beyond the margin, doubled for the side'),
      correction: z.literal('holm').describe('over all that have the baseline'),
    })
    .exactOptional()
    .describe('absent: schema version 1 or 2, whose runs did the same'),
  margin: z.number().describe('what differs by a smaller share is not worth a choice'),
  alpha: z.number().describe('the chance that any difference that is said to be is none'),
  confidence: z.number().describe('of each interval by itself'),
  ended: z
    .object({
      by: z
        .enum(['narrow', 'time', 'repeats'])
        .describe(
          'narrow: every interval is; time: it was used up; repeats: there are as many as the experiment has at most',
        ),
      within: z.number().describe('an interval is narrow where both its ends lie within this share of the ratio'),
      seconds: z.number().describe('the time that the repeats may take'),
    })
    .exactOptional()
    .describe('why there are no more repeats; absent: their number was set'),
  leftOut: z.number().int().describe('results that take no part: without the fact, or as the experiment says'),
  out: z
    .array(z.object({ cell: z.string(), repeat: z.number().int() }))
    .exactOptional()
    .describe('those results; absent: none, or a run of before 0.2'),
  against: z.array(
    z.object({
      cell: z.string().describe('cell id'),
      baseline: z.string().describe('the id of the cell that it is compared with'),
      pairs: z.number().int().describe('how many of its results are compared'),
      ratio: z.number().describe('how many times as much as the baseline: Hodges and Lehmann, of the ratios of pairs'),
      low: z.number().optional().describe('of the interval of the ratio; absent, with high: too few pairs'),
      high: z.number().optional(),
      p: z
        .number()
        .describe(
          'that they differ by more than the margin: signed ranks, Wilcoxon, corrected by Holm over all that have the baseline',
        ),
      differs: z.enum(['more', 'fewer', 'alike', 'not shown']),
    }),
  ),
});
export type LoadComparison = z.infer<typeof loadComparison>;

const finding = z.object({
  number: z.string().describe('`16 of 16`, `61.3–61.4 s`'),
  text: z.string().describe('a sentence'),
  cells: z
    .array(z.object({ id: z.string(), repeats: z.array(z.number().int()) }))
    .describe('the results that it rests on: in the order of the plan, each cell with those of its repeats'),
});
export type FindingRecord = z.infer<typeof finding>;

const statement = finding.extend({
  id: z.string().describe('unique in its experiment'),
  about: z
    .array(z.object({ name: z.string(), kind: z.string() }))
    .describe('knobs and symptoms, each with what is said of it: measured, costs, risks; look at, helps, cannot help'),
  claim: z.string().exactOptional().describe('the claim whose verdicts decide it; absent: comparisons of loads do'),
  held: z.number().int().describe('in so many of these results, or of these comparisons of loads, it holds'),
  of: z.number().int().describe('how many there are: it holds where it holds in all'),
  lacking: z
    .number()
    .int()
    .exactOptional()
    .describe('cells of the default matrix that it is about, too, and which decide nothing here; absent: none'),
});
/** A sentence of the tuning guide, as these results decide it. */
export type StatementRecord = z.infer<typeof statement>;

const conclusion = z.object({
  headline: z.string().nullable().describe('one sentence; null: there is none, see `because`'),
  findings: z.array(finding).describe('the most useful first'),
  because: z
    .object({
      code: z
        .enum(['no-cell-ran', 'left-out', 'not-answered', 'threw'])
        .describe(
          'left-out: all results that it needs lack a fact that it reads; not-answered: the cells that ran do not answer the question',
        ),
      message: z.string().exactOptional().describe("of the experiment's own error"),
    })
    .exactOptional()
    .describe('why there is no headline; absent: there is one'),
  without: z
    .object({
      results: z.number().int().describe('how many are left out'),
      of: z.number().int().describe('how many ran'),
      reasons: z.array(
        z.object({ fact: z.string(), is: z.enum(['not-observed', 'not-tried']), results: z.number().int() }),
      ),
    })
    .exactOptional()
    .describe('results left out, since a fact that the answer reads has no value in them; absent: none'),
});
export type ConclusionRecord = z.infer<typeof conclusion>;
const paragraph = z.object({
  paragraph: z.string().describe('as a version before 3 wrote it: headline and findings in one'),
});
export const answerRecord = z.union([conclusion, paragraph]);
export type AnswerRecord = z.infer<typeof answerRecord>;

export const experimentRecord = z.object({
  id: z.string(),
  group: z.string(),
  question: z.string(),
  tags: z
    .array(z.string())
    .optional()
    .describe('words of the field and phrases of a problem that its file names; absent: not recorded, or none'),
  factors: z.record(z.string(), z.array(factorValue)).describe('in definition order'),
  words: z
    .record(z.string(), z.object({ text: z.string(), values: z.record(z.string(), z.string()) }))
    .optional()
    .describe('by factor: what it means, and what each of its values means; absent: not recorded, or none'),
  facts: z.record(z.string(), declaration).describe('declarations of every fact a cell may have, counters apart'),
  shows: z.array(z.string()).describe('facts that are columns of the report, in order'),
  roles: z
    .array(z.string())
    .optional()
    .describe('what ends are called by what they do in a cell; absent: nothing but client and server'),
  sourceHash: z.string().describe("sha256 of the experiment's file, and of the modules that it imports"),
  modules: z
    .array(z.string())
    .optional()
    .describe('these modules, as paths relative to the file; absent: it imports none'),
  file: z.string().describe("where it came from: builtin:closing/close-order, or the path of a user's own"),
  builtin: z.boolean().describe('it came with the program'),
  answer: answerRecord.nullable().describe('null until the run is complete'),
  answered: z
    .enum(['all', 'some', 'none'])
    .nullable()
    .describe('how many of the results that ran the answer is made from; none: it has no headline'),
  load: loadComparison.optional().describe('of an experiment of loads with a baseline, once cells ran'),
  claims: z.array(claimRecord),
  guide: z
    .array(statement)
    .optional()
    .describe('sentences of the tuning guide for which there is evidence; absent: none, not recorded, or not complete'),
});
export type ExperimentRecord = z.infer<typeof experimentRecord>;

const clock = z.object({
  monotonicNs: z.string().describe('CLOCK_MONOTONIC at the origin of event times'),
  wall: z.string().describe('the same moment, ISO 8601'),
});

const seconds = (whose: string) => z.number().describe(`seconds of CPU, user and system, of ${whose}`);

const shortCpu = z.object({
  results: z.number().int().describe('how many'),
  harness: z.number(),
  observers: z.number(),
  peers: z.number(),
});

/** What became of processes that go from cell to cell. */
const company = z.object({
  started: z.number().int().describe('processes that were started'),
  parts: z.number().int().describe('parts that they played: one process in one cell'),
  leftOver: z
    .record(z.string(), z.number().int())
    .describe('those that could play no second part, by what they could not get rid of'),
});

/** What a session cost the machine. */
export const sessionCpu = z.object({
  harness: seconds('the program itself, its report apart'),
  observers: seconds('the observer process and the ss that it ran'),
  peers: seconds('all other processes that the program started: peers, and what made their labs'),
  short: shortCpu
    .optional()
    .describe('mean seconds of CPU of a (cell, repeat) that took less than 1 s; what is not its own is divided evenly'),
  processes: company
    .extend({ wires: company.optional().describe('the same of those that carried wires') })
    .optional()
    .describe('those that played peers; absent in runs of before 0.2'),
  shortOnWire: shortCpu.optional().describe('the same of those that ran over a wire; they are not in `short`'),
});
export type SessionCpu = z.infer<typeof sessionCpu>;

export const runRecord = z.object({
  schemaVersion: z.literal(schemaVersion),
  tool: z.object({ name: z.literal('lingerlab'), version: z.string(), commit: z.string().nullable() }),
  argv: z.array(z.string()),
  status: z.enum(['running', 'complete', 'interrupted']),
  pid: z.number().int(),
  pidStart: z
    .number()
    .int()
    .optional()
    .describe(
      'when that process started, clock ticks since boot: distinguishes it from a later process with the same pid',
    ),
  clock,
  sessions: z.array(
    z.object({
      startedAt: z.string(),
      finishedAt: z.string().nullable(),
      clock: clock.optional().describe("the origin of this session's event times, where it is not the run's"),
      environment,
      cpu: sessionCpu.optional().describe('absent where the session ended before it could say, or ran no cell'),
    }),
  ),
  experiments: z.array(experimentRecord),
  groups: z
    .array(
      z.object({
        title: z.string(),
        order: z.number().optional().describe('ascending; absent: not recorded'),
        experiments: z.array(z.string()).describe('ids, in the order in which reports show them'),
        headline: z
          .object({ text: z.string(), experiment: z.string() })
          .nullable()
          .describe('of the experiment that stands for the group; null: none of its experiments has one'),
      }),
    )
    .describe('of questions, in the order in which reports show them'),
  plan: z.array(z.string()).describe('cell ids'),
  repeats: z
    .record(z.string(), z.number().int().min(1).max(mostRepeats))
    .describe('how often a cell runs, where more than once'),
  notRun: z.array(
    z.object({
      id: z.string(),
      code: z.string().optional().describe('stable; absent: not recorded'),
      reason: z.string(),
      remedy: z.string(),
    }),
  ),
  warnings: z.array(warning),
});
export type RunRecord = z.infer<typeof runRecord>;

const pathStep = z
  .object({
    state: z.enum(states),
    at: z.number().describe('ns since the origin: entered at the latest'),
    notBefore: z.number().exactOptional().describe('entered at the earliest, where that differs'),
    evidence: z
      .enum(['exact', 'bracketed', 'sampled'])
      .describe('known to the nanosecond, between two exact events, or between two samples'),
    source: z.enum(['trace', 'ss', 'tcp_info', 'node', 'wire']).describe('node: connect or accept succeeded'),
    mini: z.literal(true).exactOptional().describe('held by a mini-socket'),
  })
  .readonly();
/** One state that an endpoint was in. */
export type PathStep = z.infer<typeof pathStep>;

const segmentRecord = z
  .object({
    n: z.number().int().describe('its number in wire.pcapng, from 1'),
    t: z.number().describe('ns since the origin: when the wire took it from the end that sent it'),
    arrived: z.number().exactOptional().describe('when the wire gave it to the other end; absent: never'),
    from: z.enum(ends).describe('the end that sent it, or is made to look so'),
    label: z.string().describe("its connection's label; empty where the cell has one connection"),
    incarnation: z.number().int().describe('counts the connections of the wire, from 1'),
    flags,
    seq: z.number().exactOptional().describe("relative: the SYN's is 0; absent where the wire saw no SYN"),
    rawSeq: z
      .number()
      .int()
      .exactOptional()
      .describe(
        'instead of seq, as on the wire: of a RST that a host sends where it has no socket, so that it counts from none',
      ),
    ack: z.number().exactOptional().describe('relative'),
    length: z.number().int().min(0).describe('bytes of payload'),
    window: z.number().int().describe('as on the wire, not scaled'),
    options: tcpOptions.exactOptional().describe('no-ops left out; absent: none'),
    deed: deed.describe('what the wire did with it, or that it is its own'),
  })
  .readonly();
export type SegmentRecord = z.infer<typeof segmentRecord>;

const beside = {
  t: z.number().describe('ns since the origin'),
  end: z.enum(ends).describe('the end whose application called, or which received the packet'),
  label: z.string(),
};

/** What a connection over a wire had beside its states and segments. */
const asideRecord = z.discriminatedUnion('what', [
  z
    .object({
      what: z.literal('close').describe('a call that closes'),
      ...beside,
      until: z.number().describe('when the call returned'),
      by: z.enum([...closeBy.options, 'closeDuplicate']).describe('closeDuplicate: close(2) of another descriptor'),
      andThen: closeBy.exactOptional().describe('a second way in the same turn of the event loop'),
    })
    .readonly(),
  z
    .object({
      what: z.literal('read').describe('the application read'),
      ...beside,
      bytes: z.number().int(),
      of: z.number().int().exactOptional().describe("the number of the wire's own segment whose bytes they are"),
    })
    .readonly(),
  z
    .object({
      what: z.literal('unreachable').describe('an ICMP message said what became of a segment'),
      ...beside,
      kind: z.enum(icmpKinds).exactOptional().describe('what it said; absent: host unreachable'),
      of: z.number().int().describe('the number of the segment that it answers'),
    })
    .readonly(),
  z
    .object({
      what: z.literal('forged').describe('packets in a row that the wire made, and that are no TCP segments'),
      ...beside,
      until: z.number().describe('when the last was made'),
      of: z.number().int().describe('the number of the first'),
      count: z.number().int(),
      kinds: z
        .array(
          z
            .object({
              why: z.string().exactOptional().describe('why it is no segment'),
              errno: z.string().exactOptional().describe('why the kernel refused it'),
            })
            .readonly(),
        )
        .readonly()
        .describe('each kind once'),
    })
    .readonly(),
]);
export type AsideRecord = z.infer<typeof asideRecord>;
export type ClosingAside = Extract<AsideRecord, { what: 'close' }>;

const endDoings = z.object({
  calls: z
    .array(
      z.looseObject({
        t: z.number().describe('ns since the origin: when it began'),
        ns: z.number().describe('how long it held its thread'),
        verb: z.string(),
        errno: z.string().exactOptional().describe('it was refused'),
      }),
    )
    .readonly()
    .exactOptional()
    .describe(
      'of its application on this endpoint, in order, with what each was given, as in events.ndjson.gz; absent: none',
    ),
  more: z.number().int().exactOptional().describe('calls that are left out, before the last eight'),
  looks: z
    .array(
      z.object({
        t: z.number().describe('ns since the origin: when the first of them began'),
        until: z.number().describe('when the last of them had ended'),
        state: z.enum(states).nullable().describe('what they showed; null: no socket'),
        times: z.number().int().describe('how many in a row showed it'),
      }),
    )
    .readonly()
    .exactOptional()
    .describe('of ss, those in a row that showed the same as one; absent: none'),
});
/** What an end's application called, and what `ss` showed of it. */
export type EndDoings = z.infer<typeof endDoings>;

/** One incarnation on a wire. */
export const incarnationRecord = z.object({
  incarnation: z.number().int().describe('as in its segments'),
  label: z.string(),
  client: z.string().describe('address:port'),
  server: z.string(),
});
export type IncarnationRecord = z.infer<typeof incarnationRecord>;

const counted = z.record(z.string(), z.number().int()).optional();

/** What a wire saw that no fact is about: packets, by why or by errno. */
export const oddPackets = z.object({
  others: counted.describe('of the peers, that were no whole TCP segment: answers to the pings of wire.answers(), too'),
  othersOwn: counted.describe("the wire's own that were none: forged bytes, pings, ICMP messages"),
  refused: counted.describe('of the peers, that the kernel did not take'),
  refusedOwn: counted.describe("the wire's own that it did not take"),
  refusedAsExpected: counted.describe('and where the scenario expected it'),
});
export type OddPackets = z.infer<typeof oddPackets>;

export const cellRecord = z.object({
  id: z.string(),
  experiment: z.string(),
  factors: z.record(z.string(), factorValue),
  repeat: z.number().int(),
  race: z.boolean().describe('facts are compared as distributions over repeats'),
  load: z.literal(true).optional().describe('throughput was measured, alone on the machine after all others'),
  status: z.enum(['ran', 'unsupported', 'errored']),
  reason: reason.optional().describe('why it did not run, or errored'),
  startedAt: z.string(),
  seconds: z.number(),
  facts: z.record(z.string(), factValue.nullable()).describe('null: not observed; absent: not tried'),
  unknown: z.record(z.string(), unknownFact).describe('why a fact is null'),
  roles: z
    .record(z.string(), z.enum(ends))
    .optional()
    .describe("which end does what in this cell: of {closing: 'server'}, closing.lost is server.lost"),
  paths: z
    .record(z.string(), z.array(pathStep).readonly())
    .describe("by end, 'client' or 'old.client': each step's evidence"),
  ends: z
    .record(z.string(), endDoings)
    .optional()
    .describe("by end, 'client' or 'old.client': what its application called and what ss showed; absent: not recorded"),
  segments: z
    .array(segmentRecord)
    .readonly()
    .optional()
    .describe('on the wire, in order; of many, the first, the last, and what opens, closes or was not just carried'),
  incarnations: z.array(incarnationRecord).readonly().optional().describe('on the wire, where there are several'),
  asides: z
    .array(asideRecord)
    .readonly()
    .optional()
    .describe("of a cell over a wire: closing calls, reads of the wire's own bytes"),
  odd: oddPackets.optional().describe('of a cell over a wire: what was no segment, what was refused'),
  late: lateness
    .optional()
    .describe('how late its own processes were; absent: a load, which uses all CPU there is, or not recorded'),
  claims: z.array(z.object({ id: z.string(), verdict, detail: cellDetail })),
  warnings: z.array(warning),
  files: z
    .array(z.string())
    .exactOptional()
    .describe('names of its record files, in cells/<experiment>/<factors>/<repeat>/; absent: none, or not recorded'),
});
export type CellRecord = z.infer<typeof cellRecord>;

/** A whole run as read from its folder. */
export interface Run {
  readonly folder: string;
  readonly run: RunRecord;
  readonly cells: readonly CellRecord[];
  /** What was met while its folder was read. */
  readonly warnings?: readonly Warning[];
}
