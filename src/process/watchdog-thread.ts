/**
 * The thread of the watchdog. It sees that the main thread does not go back to its event loop, finds out through the inspector
 * which line holds it, and ends that. It sees signals, too, which the main thread does only when it goes back.
 */
import { readdirSync, readFileSync, writeSync } from 'node:fs';
import { type Debugger, Session } from 'node:inspector';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { type FilePlace, headed, LingerlabError } from '../errors.ts';
import { exitNow } from '../native/exit.ts';
import { processState } from '../native/process-state.ts';
import { watchSignals } from '../native/signals.ts';
import { interruptAtOnce } from '../record/interrupt.ts';
import { settlesWithin } from './deadline.ts';
import { claimEnd, endSignals, type Shared, signalCounter, stoppedAtOnce, ticks } from './ending.ts';
import { isExperimentFile } from './own-files.ts';

export interface WatchdogData {
  readonly shared: Shared;
  /** Interval at which the main thread counts while its event loop runs. */
  readonly tickMs: number;
  /** Name of the global function of the main thread that is called while its code is paused. */
  readonly hook: string;
  /** Folder of this program's own modules, as a URL. */
  readonly own: string;
}

/** Message to the running thread: the folder of the run that a signal interrupts from now on; `null`: none. */
export interface WatchdogTold {
  readonly folder: string | null;
}

/** Where the main thread is, and for how long it has been there. */
export interface Found {
  readonly place: FilePlace;
  readonly seconds: number;
}

/** The longest that this program itself holds its thread is a second, for a report of 5,000 cells on an emulated machine. */
const blockedMs = 5000;
/** After so long, whatever holds the thread does not come back. */
const hopelessMs = 120_000;
/** How long the main thread may take to be paused: code in JavaScript takes a ms, a system call as long as it lasts. */
const pauseMs = 2000;

/** Code of an experiment, or of this program where no experiment is among the callers; then also of Node's. */
interface Paused {
  readonly frames: readonly Debugger.CallFrame[];
  readonly urlOf: (frame: Debugger.CallFrame) => string;
}

const nodesOwn = (url: string): boolean => url === '' || url.startsWith('node:');

const placeOf = (frame: Debugger.CallFrame, url: string): FilePlace => ({
  file: url.startsWith('file:') ? fileURLToPath(url) : url || frame.functionName || 'code without a name',
  line: frame.location.lineNumber + 1,
});

/**
 * Node's own functions that call others': what they do behind such a call, also when it throws, is not done when it is terminated.
 * The innermost does it before: otherwise async_hooks would find its stack corrupted and abort the process, immediates that wait
 * behind the present one would be lost, and a timer that is over would keep the process alive. lib/internal/timers.js,
 * lib/internal/process/task_queues.js; what a frame does not have is a ReferenceError, and nothing else.
 */
const callers = ['listOnTimeout', 'processImmediate', 'processTicksAndRejections'];
const behindTheCall = [
  'emitAfter(asyncId)',
  'timer._destroyed || ((timer._destroyed = true), timer[kRefed] && timeoutInfo[0]--)',
  'outstandingQueue.head = immediate._idleNext',
];

class Inspection implements Disposable {
  readonly #session = new Session();
  readonly #scripts = new Map<string, string>();
  #paused = Promise.withResolvers<readonly Debugger.CallFrame[]>();

  constructor() {
    this.#session.connectToMainThread();
    this.#session.on('Debugger.scriptParsed', ({ params }) => this.#scripts.set(params.scriptId, params.url));
    this.#session.on('Debugger.paused', ({ params }) => this.#paused.resolve(params.callFrames));
  }

  post(method: string, params?: object): Promise<{ readonly result?: { readonly value?: unknown } }> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, params, (error, result) => (error ? reject(error) : resolve(result ?? {})));
    });
  }

  /** undefined where the main thread is in no JavaScript, or in it no more. */
  pause(): Promise<Paused | undefined> {
    return this.#pausedBy(() => Promise.all([this.post('Debugger.enable'), this.post('Debugger.pause')]));
  }

  /** Goes on to the next statement, of a function that is called where one is; undefined where none comes. */
  step(): Promise<Paused | undefined> {
    return this.#pausedBy(() => this.post('Debugger.stepInto'));
  }

  async #pausedBy(ask: () => Promise<unknown>): Promise<Paused | undefined> {
    this.#paused = Promise.withResolvers();
    if (!(await settlesWithin(Promise.all([ask(), this.#paused.promise]), pauseMs))) return undefined;
    const urlOf = ({ location }: Debugger.CallFrame) => this.#scripts.get(location.scriptId) ?? '';
    return { frames: await this.#paused.promise, urlOf };
  }

  async evaluate(frame: Debugger.CallFrame, expression: string): Promise<unknown> {
    const params = { callFrameId: frame.callFrameId, expression, returnByValue: true };
    return (await this.post('Debugger.evaluateOnCallFrame', params)).result?.value;
  }

  async terminate({ frames, urlOf }: Paused): Promise<void> {
    const caller = frames.find((frame) => callers.includes(frame.functionName) && urlOf(frame).startsWith('node:'));
    if (caller) for (const expression of behindTheCall) await this.evaluate(caller, expression);
    const terminated = this.post('Runtime.terminateExecution');
    await this.resume();
    await settlesWithin(terminated, pauseMs);
  }

  async resume(): Promise<void> {
    await this.post('Debugger.resume');
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }
}

const { shared, tickMs, hook, own } = workerData as WatchdogData;

const isOfExperiment = (url: string): boolean => !nodesOwn(url) && isExperimentFile(url, own);

/**
 * Between two turns of a loop that awaits what is there already, the main thread is in Node's own code, where 12 of 13 pauses found
 * it: one step led into the experiment's.
 */
const mostSteps = 20;

/** The main thread paused in an experiment's code where some steps lead into it, else where it is. */
async function pausedIn(inspection: Inspection, since: number): Promise<Paused | undefined> {
  let paused = await inspection.pause();
  for (let left = mostSteps; left > 0 && paused && ticks(shared) === since; left--) {
    const { frames, urlOf } = paused;
    if (frames.some((frame) => isOfExperiment(urlOf(frame)))) break;
    paused = await inspection.step();
  }
  return paused;
}

async function lookAt(since: number, hopeless: boolean, seconds: number): Promise<void> {
  using inspection = new Inspection();
  const paused = await pausedIn(inspection, since);
  const top = paused?.frames[0];
  if (!paused || !top) {
    if (hopeless && ticks(shared) === since)
      endProgram(new LingerlabError('BLOCKED', `a system call holds the thread for ${seconds} s`, 'report this'));
    return;
  }
  const { frames, urlOf } = paused;
  const ofExperiment = frames.find((frame) => isOfExperiment(urlOf(frame)));
  const named = ofExperiment ?? frames.find((frame) => !nodesOwn(urlOf(frame))) ?? top;
  const found: Found = { place: placeOf(named, urlOf(named)), seconds };
  if (ticks(shared) === since && (ofExperiment || hopeless)) {
    await inspection.evaluate(top, `globalThis[${JSON.stringify(hook)}](${JSON.stringify(found)})`);
    await inspection.terminate(paused);
  } else await inspection.resume();
}

/** Pids of this process's children, proc(5); empty if the kernel does not list them. */
function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((task) => {
    try {
      const listed = readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim();
      return listed === '' ? [] : listed.split(' ').map(Number);
    } catch {
      return [];
    }
  });
}

/** The run that signals interrupt. */
let folder: string | undefined;
/** For children that clean up: to remove a trace instance takes 20 to 200 ms. One that takes longer goes on behind this program. */
const endMs = 500;

/**
 * Ends this process where its main thread cannot: its children first, with time for those that clean up. What does not end by
 * SIGTERM asked the kernel to kill it with this process.
 */
function endProgram(error: LingerlabError): void {
  if (!claimEnd(shared)) return;
  writeSync(2, headed(error));
  const asked = children();
  for (const pid of asked) for (const signal of ['SIGTERM', 'SIGCONT'] as const) send(pid, signal);
  const deadline = performance.now() + endMs;
  const end = (): void => {
    if (performance.now() < deadline && asked.some((pid) => processState(pid) !== null)) {
      setTimeout(end, 5);
      return;
    }
    try {
      if (folder !== undefined) interruptAtOnce(folder);
    } catch {
      // it had not begun, or cannot be written: what was appended is there
    }
    exitNow(error.exitCode);
  };
  end();
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}

/** How long the main thread may take to begin with what a second signal asks for: it does when it goes back to its event loop. */
const ownEndMs = 300;

let watched = false;
let count = signalCounter();
parentPort?.on('message', (told: WatchdogTold) => {
  folder = told.folder ?? undefined;
  count = signalCounter();
  // for good: this thread may be ended at any moment behind a run, and native code is not to be in the midst of something then
  if (!watched) watchSignals(endSignals, seen);
  watched = true;
});

function seen(name: NodeJS.Signals): void {
  // behind the run, as the signal does where nobody takes it
  if (folder === undefined) exitNow(128 + constants.signals[name]);
  else if ((count() ?? 1) > 1) setTimeout(endProgram, ownEndMs, stoppedAtOnce(name));
}

/**
 * How long the main thread has waited for a CPU since it was started, proc(5); 0 where the kernel does not count that. What others
 * kept it from doing is not blocked.
 */
function waitedMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6 || 0;
  } catch {
    return 0;
  }
}

let last = -1;
let checks = 0;
let waitedBefore = 0;
let looks = 0;
let looking = false;
// counted, not timed: when the whole process was stopped, both threads were
setInterval(() => {
  const now = ticks(shared);
  if (now !== last) {
    [last, checks, looks, waitedBefore] = [now, 0, 0, waitedMs()];
    return;
  }
  checks += 1;
  const ms = checks * tickMs - (waitedMs() - waitedBefore);
  if (looking || ms < blockedMs * (looks + 1)) return;
  looks += 1;
  looking = true;
  lookAt(now, ms >= hopelessMs, (blockedMs * looks) / 1000)
    .catch((error: unknown) => writeSync(2, `lingerlab: the watchdog failed: ${String(error)}\n`))
    .finally(() => {
      looking = false;
    });
}, tickMs);

// all that it needs is loaded: the program may end
parentPort?.postMessage('ready');
