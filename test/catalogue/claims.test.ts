import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { attempts } from '../../experiments/port-reuse/shared/newcomer.ts';
import { builtins } from '../../src/catalogue/registry.ts';
import { readRun } from '../../src/record/read.ts';
import { askAnswer } from '../../src/verdict/answer.ts';
import { acrossOf } from '../../src/verdict/asked.ts';
import { falsifiers, fixedParts, type HandMade } from '../../src/verdict/falsifiable.ts';
import { ranOf } from '../../src/verdict/outcomes.ts';
import { judgeAcross } from '../../src/verdict/run.ts';
import { keptRun } from '../kept.ts';

/** Facts that refute a claim which no cell of its experiment can, by experiment and claim. */
const handMade: Readonly<Record<string, HandMade>> = {
  'did-it-arrive': {
    'close-answers-0': { facts: { closed: 'EWOULDBLOCK' } },
  },
  // every other cell of it closes at once, too: that is the finding
  'linger-life': {
    'no-connection-no-wait': { facts: { heldMs: 2010 } },
  },
  // each wait that something ends is ended by it
  'linger-wait': {
    'acknowledgement-ends-it': { facts: { 'client.closeMs': 1030, afterMs: 600 } },
    'signal-ends-it': { facts: { closed: 'ok', 'client.closeMs': 1030, afterMs: 600 } },
    'fatal-signal-ends-it': { facts: { closed: 'ok', afterMs: 600 } },
  },
  'linger-on-a-real-path': {
    'answers-0': { facts: { closed: 'EWOULDBLOCK' } },
    'orphan-asks-again': { facts: { 'client.probedAt': [0.25, 0.25, 0.25], rto: 250 } },
  },
  'fin-wait-2': {
    'data-is-reset': { facts: { told: 'none', after: 'FIN-WAIT-2' } },
  },
  'keepalive-and-user-timeout': {
    'each-interval': { facts: { keptWithin: 0.2, 'client.probedAt': [7200, 7275], 'client.gaveUpAfter': 7350 } },
    'times-out-with-a-reset': { facts: { 'client.errors': [], 'client.closedWith': [] } },
  },
  'idle-behind-a-firewall': {
    keepalive: {
      facts: {
        keptWithin: 0.2,
        'client.probedAt': [7200, 7275],
        'client.gaveUpAfter': 7350,
        'client.closedWith': ['RST', 'RST'],
      },
    },
  },
  rebind: {
    'wildcard-asks-the-same': { facts: { 'own.none': 'bind EADDRINUSE', 'wildcard.none': 'ok' } },
    // a connection keeps nobody from another address, nor from listening: that is the finding
    'other-address-is-free': { facts: { 'other.none': 'bind EADDRINUSE' } },
    'bound-is-as-good-as-listening': {
      facts: { ...Object.fromEntries(attempts.map((attempt) => [attempt, 'ok'])), 'own.addr': 'listen EADDRINUSE' },
    },
  },
  'listening-port': {
    // without an option each is refused: that is the finding
    'blocks-without-option': { facts: { 'own.none': 'ok' } },
    'wildcard-asks-the-same': { facts: { 'own.none': 'bind EADDRINUSE', 'wildcard.none': 'ok' } },
  },
  'client-port': {
    // no cell has a conflict on another address: that is the finding
    'other-address-is-free': { facts: { 'bind.none.other': 'EADDRINUSE' } },
    'who-binds-can-listen': { facts: { 'bind.none.own': 'ok', 'listen.none.own': 'EADDRINUSE' } },
  },
  'mapped-addresses': {
    // in every cell both are alike, and the contradiction is one: that is the finding
    'mapped-is-ipv4': {
      facts: {
        'bind.ipv4-loopback': 'EADDRINUSE',
        'bind.mapped-loopback': 'ok',
        'bind.ipv4-wildcard': 'ok',
        'bind.mapped-wildcard': 'ok',
      },
    },
    'mapped-and-ipv6-only': { facts: { 'bind.contradiction': 'EADDRINUSE' } },
  },
  'server-restart': {
    // no other cell has a TIME-WAIT that was seen to end
    'until-time-wait-ends': {
      facts: { triedWithin: 0.1, lastRefused: 30, firstAccepted: 30.5, 'old.timeWait.seconds': 60.2 },
    },
    'fin-timeout-shortens-no-time-wait': { facts: { triedWithin: 0.1, lastRefused: 3, firstAccepted: 3.5 } },
    'fin-timeout-ends-half-closed': { facts: { triedWithin: 0.1, lastRefused: 1, firstAccepted: 1.5 } },
  },
  'lost-last-ack': {
    // only its own cells look at the timer twice
    'timer-restarts': { facts: { timerBefore: 52, timerAfter: 51 } },
    // every FIN that comes again comes after a timeout: that is the finding
    'again-after-rto': { facts: { rtoMs: 204, againMs: 30 } },
  },
  'close-order': {
    // no race need have a TIME-WAIT that begins with another segment
    'begins-with-another-segment': { facts: { 'timeWait.beganWith': 'ACK of FIN' } },
    // refuted by a cell whose FINs crossed, too, but no race need have one
    'waits-from-second-fin': {
      facts: {
        'timeWait.beganWith': "peer's FIN",
        'timeWait.began': 0.0001,
        'client.stateMs.CLOSE-WAIT': 5,
        'server.stateMs.CLOSE-WAIT': 5,
      },
    },
  },
  'closed-window': {
    // the first probe is the same whatever is done next
    'probes-are-empty': { facts: { probeBytes: 1, probeBehind: 0, answered1: 1 } },
    'first-after-rto': { facts: { rto: 212, firstAfter: 100 } },
    'then-doubled': { facts: { rto: 212, secondAfterFirst: 212, thirdAfterSecond: 212 } },
    'answers-are-limited': { facts: { secondAfterFirst: 440, answered2: 1 } },
  },
  // whoever is gone by wait(2) keeps nobody from its port: that is the finding
  'abrupt-ends': {
    'free-with-reuseaddr': { facts: { reusing: 'EADDRINUSE' } },
  },
  // nothing is sent in any cell: that is the finding
  'orphan-behind-a-closed-window': {
    'says-nothing': { facts: { said: 'RST' } },
  },
  'reconnect-at-time-wait': {
    'and-tries-again-soon': { facts: { again: 1004 } },
  },
  'time-wait-assassination': {
    answered: { facts: { answer: 'none' } },
    'reset-in-place': { facts: { resetAt: 1 } },
  },
  'time-wait-rate-limit': {
    stays: { facts: { stays: false } },
  },
  // only its own cells write, and lose nothing
  'accept-queue': {
    'data-is-sent-again': { facts: { taken: 0 } },
  },
  // only its own cells ask before the client writes
  'before-accept': {
    'deferred-until-data': { facts: { early: 'ok' } },
  },
  // no queue loses bytes: that is the finding
  shutdown: {
    'queue-goes-first': {
      facts: {
        sent: 'nothing',
        after: 'FIN-WAIT-1',
        took: 56_472,
        delivered: 8_192,
        others: 'ECONNRESET',
        'client.closedWith': ['RST'],
      },
    },
  },
  // only its own cell closes
  'segments-at-each-state': {
    'copy-is-not-unread': { facts: { closes: 'RST' } },
    'beyond-the-window-is-dropped': { facts: { sack: true } },
  },
  // only its own cells bind so
  'ephemeral-ports': {
    'used-up-for-bind-too': { facts: { binds: 'ok', bindsElsewhere: 'ok' } },
    'late-has-no-port': { facts: { boundTo: 40_000 } },
  },
  // each poll(2) returns all five
  'errors-after-a-reset': {
    'poll-takes-nothing': { facts: { poll: ['POLLIN', 'POLLOUT'], reads: ['end'] } },
  },
  // no orphan above the limit is left
  'too-many-orphans': {
    'old-orphans-go-too': { facts: { orphans: 12, left: 12 } },
  },
  // only its own kernel has a default
  'challenge-ack-limit': {
    'none-by-default': { facts: { ownLimit: '1000' } },
  },
  // only its own cell leaves a connection behind
  'cluster-workers': {
    'and-is-left-behind': { facts: { waiting: 'no socket', holder: 'nobody' } },
    'a-blocked-worker-holds-one': { facts: { afterwards: 'some' } },
  },
  transfer: {
    'within-the-window': { facts: { withinWindow: false } },
  },
  // each close in SYN-SENT is silent, and each late SYN-ACK gets a RST
  'close-while-opening': {
    'sends-in-syn-sent': { facts: { sentAtClose: 'FIN', answered: 'nothing' } },
  },
  // connect(2) succeeds in every cell
  handshake: {
    'itself-is-refused': { facts: { shown: ['ESTABLISHED ESTABLISHED'], answer: 'ECONNREFUSED' } },
  },
  // every SYN is sent again as its timer says, and other cells have none
  unanswered: {
    'lost-syn-is-sent-again': { facts: { mostLateMs: 1000, mostEarlyMs: 0 } },
    'request-is-dropped-early': { facts: { requestLeastMs: 900, requestMostMs: 1100 } },
  },
  'time-wait-limit': {
    'half-the-table': { facts: { ownLimit: 65536, hashEntries: 65536 } },
  },
  'time-wait-owner': {
    // the kernel removes each namespace within the same milliseconds
    'is-removed-late': { facts: { abandonSeconds: 0.2 } },
    'an-orphan-holds-it': { facts: { heldUntilRead: false } },
    'sockstat-is-host-wide': { facts: { orphansElsewhere: false, pagesAlike: true } },
    'nobody-holds-it': { facts: { heldBefore: true, heldIn: true } },
  },
  load: {
    // no connection fails: that is what is asked of a load
    'closing-not-reuse': { facts: { 'load.failed': 3, 'load.recycled': 0 } },
  },
  'load-sockets': {
    'the-same-connections': { facts: { 'load.failed': 3 } },
  },
  'load-ports': {
    'back-after-60-s': { facts: { backAfter: 30 } },
  },
  // every TIME-WAIT is alike: that is the finding
  'time-wait-length': {
    'a-minute': { facts: { 'timeWait.seconds': 3, slot: 2.048 } },
    'ends-by-timer': { facts: { 'timeWait.endedBy': 'rst' } },
    'timer-says-so': { facts: { 'timeWait.timer': 3 } },
    'fin-timeout-is-not-it': { facts: { 'timeWait.seconds': 3, slot: 2.048 } },
  },
};

/** Claims that need more repeats than are run here to fail, and are shown to by a test of their own. */
const byThemselves: Readonly<Record<string, readonly string[]>> = {
  // test/experiments/load-observed.test.ts
  'load-observed': ['the-default-is-cheap'],
};

const kept = (folder: string) => readRun(fileURLToPath(new URL(folder, import.meta.url)));
const runs = await Promise.all([
  readRun(keptRun),
  // what runs only where it is named
  kept('../fixtures/runs/named-loads'),
  kept('../fixtures/runs/load-sockets'),
  kept('../fixtures/runs/too-many-orphans'),
]);
const cells = runs.flatMap((run) => run.cells);
const catalogue = await builtins();

/** Characters that a summary 100 columns wide has for a headline: ` ✓15 linger: SO_LINGER 0 resets …`. */
const roomFor = (id: string) => 100 - ` ✓15 ${id}: `.length;

describe('by the results of kept runs', () => {
  test.each(catalogue)('$definition.id: each claim can fail', ({ definition }) => {
    const found = falsifiers(definition, cells, handMade[definition.id]);
    const stuck = found.filter(({ refutedBy }) => refutedBy === null).map(({ claim }) => claim);
    expect(stuck).toEqual(byThemselves[definition.id] ?? []);
    expect(found.map(({ claim }) => claim).sort()).toEqual(
      [...definition.claims, ...(definition.across ?? [])].map(({ id }) => id as string).sort(),
    );
  });

  test.each(catalogue)(
    '$definition.id: its headline and each finding change when facts are swapped',
    ({ definition }) => {
      expect(fixedParts(definition, cells, handMade[definition.id])).toEqual({ headline: false, findings: [] });
    },
  );

  test.each(catalogue)(
    '$definition.id: its answer is a headline and a few findings, short enough to be read',
    (one) => {
      const { headline, findings } = askAnswer(one.definition, ranOf(one.definition, cells));
      expect(findings).not.toEqual([]);
      expect(findings.length).toBeLessThanOrEqual(6);
      const long = (text: string | null, most: number) => (text ?? '').length > most;
      expect([headline].filter((text) => long(text, roomFor(one.definition.id)))).toEqual([]);
      expect(findings.filter(({ text }) => long(text, 160))).toEqual([]);
      expect(findings.filter(({ cells: rests }) => rests.length === 0)).toEqual([]);
    },
  );

  test.each(catalogue)('$definition.id: each factor and each of its values has a text', ({ definition }) => {
    const { factors, words = {} } = definition as {
      readonly factors: Readonly<Record<string, readonly unknown[]>>;
      readonly words?: Readonly<Record<string, { readonly values: Readonly<Record<string, string>> }>>;
    };
    const lacking = Object.entries(factors).flatMap(([name, values]) => [
      ...(words[name] ? [] : [name]),
      ...values.flatMap((value) => (words[name]?.values[String(value)] ? [] : `${name}=${String(value)}`)),
    ]);
    expect(lacking).toEqual([]);
  });

  test.each(catalogue)('$definition.id: its answer leaves out what did not run', ({ definition }) => {
    const ran = ranOf(definition, cells);
    const answers = Object.entries(definition.factors as Record<string, readonly unknown[]>).flatMap(([name, values]) =>
      values.flatMap((value) => {
        const part = ran.filter(({ factors }) => factors[name] === value);
        const { headline, findings, because } = askAnswer(definition, part);
        const said = [
          headline ?? `(${because?.code})`,
          because?.message,
          ...findings.map((each) => `${each.number} ${each.text}`),
        ];
        expect((headline ?? '').length, headline ?? '').toBeLessThanOrEqual(roomFor(definition.id));
        return part.length === 0 ? [] : `${name}=${String(value)}: ${said.filter(Boolean).join(' · ')}`;
      }),
    );
    expect(
      answers.filter((answer) => /\b0 of 0\b|unknown|undefined|NaN|Infinity|not tried|\(threw\)|: \.?$/.test(answer)),
    ).toEqual([]);
  });

  // `every` of no pairs is true: alone, one side of a comparison must not confirm it
  test.each([
    ['close-order', 'way-is-only-nodes', 'by', 'end'],
    ['close-order', 'family-is-alike', 'family', 4],
    ['lost-answer', 'linger-changes-nothing', 'closes', 'close'],
    ['time-wait-length', 'fin-timeout-is-not-it', 'finTimeout', 3],
    ['dual-stack', 'order-does-not-matter', 'first', 'ipv4-own'],
    ['mapped-addresses', 'order-does-not-matter', 'first', 'ipv4-loopback'],
    ['rebind', 'time-wait-is-nothing-special', 'old', 'ESTABLISHED'],
    ['rebind', 'wildcard-refuses-the-same', 'held', 'own'],
    ['listening-port', 'set-late-counts', 'old', 'BOUND'],
    ['listening-port', 'wildcard-refuses-the-same', 'held', 'own'],
  ])(
    '%s: %s is decided by cells that differ in what is compared, not by those with %s %s alone',
    (id, claim, name, value) => {
      const definition = catalogue.find((one) => one.definition.id === id)!.definition;
      const across = acrossOf(definition).find((one) => one.id === claim)!;
      const all = ranOf(definition, cells);
      const alike = all.filter(({ factors }) => factors[name] === value);
      expect(alike).not.toEqual([]);
      expect([judgeAcross(across, definition, all).verdict, judgeAcross(across, definition, alike).verdict]).toEqual([
        'confirmed',
        'inconclusive',
      ]);
    },
  );
});
