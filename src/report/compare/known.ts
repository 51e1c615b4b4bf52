/** What of an experiment a change explains. */
interface Explained {
  readonly experiment: string;
  /** Names of facts; absent: every fact, and that a cell runs on one kernel only. */
  readonly facts?: RegExp;
  readonly claims?: readonly string[];
  /** Only cells with these values. */
  readonly factors?: Readonly<Record<string, readonly (string | number | boolean)[]>>;
}

/** A change of the kernel that is known to show in results. */
export interface KnownChange {
  readonly id: string;
  /** The series of Linux that has it first. */
  readonly since: string;
  /** An older series whose stable kernels have it, too. */
  readonly stable?: string;
  /** Abbreviated commits, where they are known. */
  readonly commits?: readonly string[];
  /** What was, and what is since. */
  readonly note: string;
  readonly explains: readonly Explained[];
}

/** What a reader is shown of a change beside a difference that it explains. */
export type Known = Pick<KnownChange, 'id' | 'since' | 'stable' | 'commits' | 'note'>;

const lingerFacts = /options$|^kept$/;
const takenBytes = /delivered$|lost(\.|$)|lostIn$|acked$|^notSent$|^sendQueue$/;
const timesSent = /retransmits$|resentAt$|probedAt$|RetransSegs$|TCPSynRetrans$|TCPTimeouts$|OutRsts$|^(syns|linear)$/;

/**
 * Changes of Linux that results of experiments show, as they were measured on Debian's kernels 5.10 to 7.3 or read in the kernel's
 * history. A `since` without a commit is the oldest series that was seen to have the change.
 */
export const knownChanges: readonly KnownChange[] = [
  {
    id: 'linger-range',
    since: '6.6',
    stable: '6.1',
    commits: ['bc1fb82ae117'],
    note: 'SO_LINGER −1 and INT_MAX read back as 17179868 → −1 reads back as LONG_MAX ticks in seconds, cut to an int, and INT_MAX as itself',
    explains: [
      {
        experiment: 'linger-values',
        factors: { value: ['minus-1', 'int-max'] },
        facts: lingerFacts,
        claims: ['kept-as-given', 'negative-is-longest'],
      },
      { experiment: 'linger-wait', factors: { linger: ['minus-1', 'int-max'] }, facts: lingerFacts },
    ],
  },
  {
    id: 'time-wait-can-be-destroyed',
    since: '6.1',
    note: 'SOCK_DESTROY (ss -K) of TIME-WAIT fails with EOPNOTSUPP → removes TIME-WAIT',
    explains: [
      { experiment: 'lost-last-ack', factors: { left: ['ss-K'] } },
      { experiment: 'time-wait-owner', factors: { next: ['destroyed'] }, claims: ['can-be-destroyed'] },
    ],
  },
  {
    id: 'local-port-range',
    since: '6.3',
    stable: '6.1',
    commits: ['91d0b78c5177'],
    note: 'no option IP_LOCAL_PORT_RANGE → a socket has a port range of its own',
    explains: [
      {
        experiment: 'local-port-range',
        claims: ['within-both', 'outside-is-ignored', 'used-up', 'upside-down', 'whichever-call-chooses'],
      },
    ],
  },
  {
    id: 'old-ack-while-closing',
    since: '6.9',
    stable: '6.1',
    commits: ['795a7dfbc3d9'],
    note: 'a late FIN with an old ACK is challenged, and accepted when it is sent again → accepted at once',
    explains: [
      {
        experiment: 'simultaneous-close',
        factors: { order: ['one-fin-late'] },
        facts:
          /^lateFin$|retransmits$|resentAt$|path$|closedWith$|\.(RetransSegs|TCPTimeouts|InSegs|OutSegs|TCPLossProbes|TCPChallengeACK|TCPACKSkipped\w*)$/,
      },
    ],
  },
  {
    id: 'hash-entries',
    since: '6.1',
    note: 'no sysctl tcp_ehash_entries → it is the size of the table of connections',
    explains: [{ experiment: 'time-wait-limit', facts: /^hashEntries$/, claims: ['half-the-table'] }],
  },
  {
    id: 'syn-linear-timeouts',
    since: '6.5',
    note: 'the wait for an answer to a SYN doubles each time: 1, 2, 4 s → tcp_syn_linear_timeouts 4: four waits of 1 s more before it doubles',
    explains: [
      { experiment: 'unanswered', facts: timesSent },
      { experiment: 'reconnect-at-time-wait', factors: { rfc1337: [1] }, facts: timesSent },
    ],
  },
  {
    id: 'beyond-time-wait',
    since: '6.10',
    commits: ['41eecbd712b7'],
    note: 'a server in TIME-WAIT takes its new initial sequence number from the clock → 65,537 beyond SND.NXT of the old connection',
    explains: [
      {
        experiment: 'initial-sequence',
        factors: { left: ['server-time-wait'] },
        facts: /^(beyond|clock)\.server$/,
        claims: ['beyond-time-wait'],
      },
      { experiment: 'simultaneous-close', facts: /^beyond\.server$/, claims: ['begins-beyond-time-wait'] },
      { experiment: 'segments-at-time-wait', claims: ['new-syn-opens'] },
    ],
  },
  {
    id: 'stopped-reader-takes-more',
    since: '6.12',
    note: "the kernel of a reader that does not read takes 65,482 bytes of the sender's → 127,589 bytes",
    explains: [
      { experiment: 'did-it-arrive', factors: { peer: ['stopped', 'killed'] }, facts: takenBytes },
      ...['lost-answer', 'linger', 'linger-states', 'linger-exit', 'rebind', 'closed-window'].map((experiment) => ({
        experiment,
        facts: takenBytes,
      })),
    ],
  },
  {
    id: 'tw-reuse-delay',
    since: '6.14',
    commits: ['ca6a6f93867a', '19ce8cd30465'],
    note: 'a new connection may take the port of TIME-WAIT from the next whole second on → after tcp_tw_reuse_delay, 1000 ms',
    explains: [
      { experiment: 'time-wait-reuse', factors: { delay: [1, 300] } },
      {
        experiment: 'time-wait-reuse',
        facts: /^(delaySeconds|lastRefused|firstAccepted)$/,
        claims: ['after-the-delay'],
      },
    ],
  },
  {
    id: 'rto-max',
    since: '6.16',
    note: 'no sysctl tcp_rto_max_ms → it limits the time between two retransmissions',
    explains: [
      { experiment: 'closed-window', factors: { next: ['closes-for-good'] }, claims: ['orphan-is-given-up'] },
      {
        experiment: 'orphan-behind-a-closed-window',
        factors: { cap: ['1s'] },
        claims: ['dropped-at-the-longest-wait', 'answers-keep-it', 'unanswered-are-counted', 'says-nothing'],
      },
    ],
  },
  {
    id: 'paws-time-wait',
    since: '6.16',
    note: 'PAWS at TIME-WAIT counts as PAWSEstab → as PAWSTimewait',
    explains: ['segments-at-time-wait', 'reconnect-at-time-wait', 'time-wait-rate-limit', 'old-duplicate'].map(
      (experiment) => ({ experiment, facts: /\.PAWS\w+$/ }),
    ),
  },
  {
    id: 'beyond-the-window',
    since: '6.17',
    commits: ['9ca48d616ed7'],
    note: 'data that begins in the window and ends beyond it is queued while other data is unread, with a SACK block → dropped',
    explains: [
      {
        experiment: 'segments-at-each-state',
        factors: { place: ['edge'] },
        facts: /^sack$|\.(BeyondWindow|TCPOFOQueue|TCPOFODrop)$/,
        claims: ['beyond-the-window-is-dropped'],
      },
    ],
  },
  {
    id: 'bind-bucket-state',
    since: '6.18',
    commits: ['d57f4b874946', '8a8241cdaa34'],
    note: 'a port that a closed socket had bound stays closed to connect(2) while an earlier connection from it goes on → free again',
    explains: [
      {
        experiment: 'bound-port',
        factors: { bound: ['other-closed-again'] },
        claims: ['free-once-it-is-closed'],
      },
    ],
  },
];

/** Something that differs: a fact, a claim, or what became of a cell. */
export interface Differing {
  readonly experiment: string;
  readonly factors?: Readonly<Record<string, string | number | boolean>>;
  /** Neither a fact nor a claim: that not every run has the cell. */
  readonly fact?: string;
  readonly claim?: string;
  /** Of each run, equal where they do not differ; undefined: nothing to compare. */
  readonly values: readonly (string | undefined)[];
}

const byNumbers = new Intl.Collator('en', { numeric: true });

/** Orders releases of Linux: `6.1.0-57-cloud-amd64` before `6.12.1`. */
export const compareReleases = (a: string, b: string): number => byNumbers.compare(a, b);

/** The series of a release: `6.1` of `6.1.0-57-cloud-amd64`. */
export const seriesOf = (kernel: string | undefined): string | undefined => /^\d+\.\d+/.exec(kernel ?? '')?.[0];

/** How long a name of a kernel may be: `6.18`, `6.18.44`, `6.18.44-fc-v782`. */
const nameForms = [/^\d+\.\d+/, /^\d+\.\d+\.\d+/, /^.+/];

/** Of each kernel the shortest name that no other one has; undefined where another is the same. */
export function kernelNames(kernels: readonly string[]): (string | undefined)[] {
  const forms = nameForms.map((form) => kernels.map((kernel) => form.exec(kernel)?.[0] ?? kernel));
  const isOnly = (names: readonly string[], at: number) =>
    names[at] !== '' && names.every((name, other) => other === at || name !== names[at]);
  return kernels.map((_, at) => forms.find((names) => isOnly(names, at))?.[at]);
}

/** Where changes show that concern certain cells of an experiment only: the factor values of these. */
export const shownIn = (experiment: string): NonNullable<Explained['factors']>[] =>
  knownChanges.flatMap(({ explains }) =>
    explains.flatMap((each) => (each.experiment === experiment && each.factors ? [each.factors] : [])),
  );

function concerns({ experiment, facts, claims, factors }: Explained, differing: Differing): boolean {
  if (experiment !== differing.experiment) return false;
  if (differing.claim !== undefined) return claims?.includes(differing.claim) ?? false;
  const own = differing.factors ?? {};
  if (!Object.entries(factors ?? {}).every(([name, values]) => values.some((value) => value === own[name])))
    return false;
  return facts === undefined || (differing.fact !== undefined && facts.test(differing.fact));
}

/**
 * The changes that explain a difference: wherever two kernels that are neighbours by their series differ, one of them came in between.
 * Undefined where that is not so, and the difference is new. `kernels`: the release of each run's.
 */
export function knownFor(differing: Differing, kernels: readonly (string | undefined)[]): Known[] | undefined {
  const changes = knownChanges.filter(({ explains }) => explains.some((each) => concerns(each, differing)));
  if (changes.length === 0) return undefined;
  const runs = differing.values
    .map((value, index) => ({ value, series: seriesOf(kernels[index]) }))
    .filter((run): run is { value: string; series: string } => run.value !== undefined && run.series !== undefined)
    .toSorted((a, b) => byNumbers.compare(a.series, b.series));
  const found = new Set<KnownChange>();
  for (const [index, run] of runs.entries()) {
    const before = runs[index - 1];
    if (before === undefined || before.value === run.value) continue;
    const between = changes.filter(
      ({ since, stable = since }) =>
        byNumbers.compare(before.series, stable) < 0 && byNumbers.compare(stable, run.series) <= 0,
    );
    if (between.length === 0) return undefined;
    for (const change of between) found.add(change);
  }
  if (found.size === 0) return undefined;
  return [...found].map(({ id, since, stable, commits, note }) => ({
    id,
    since,
    ...(stable !== undefined && { stable }),
    ...(commits && { commits }),
    note,
  }));
}
