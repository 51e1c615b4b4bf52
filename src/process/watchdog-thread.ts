/**
 * The thread of the watchdog. It sees that the main thread does not go back to its event loop, finds out through the inspector
 * which line holds it, and ends that.
 */
import { readdirSync, readFileSync, writeSync } from 'node:fs';
import { type Debugger, Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { workerData } from 'node:worker_threads';
import type { FilePlace } from '../errors.ts';
import { settlesWithin } from './deadline.ts';

export interface WatchdogData {
  /** Counts how often the main thread went back to its event loop, every `tickMs`. */
  readonly ticks: Int32Array<SharedArrayBuffer>;
  readonly tickMs: number;
  /** The name by which the main thread's part is called while its code is paused. */
  readonly hook: string;
  /** The folder of this program's own modules, as a URL. */
  readonly own: string;
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

const placeOf = (frame: Debugger.CallFrame, url: string): FilePlace => {
  const file = url.startsWith('file:') ? fileURLToPath(url) : url || frame.functionName || 'code without a name';
  return { file, line: frame.location.lineNumber + 1 };
};

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
  readonly #paused = Promise.withResolvers<readonly Debugger.CallFrame[]>();

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
  async pause(): Promise<Paused | undefined> {
    const asked = Promise.all([this.post('Debugger.enable'), this.post('Debugger.pause')]);
    if (!(await settlesWithin(Promise.all([asked, this.#paused.promise]), pauseMs))) return undefined;
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

const { ticks, tickMs, hook, own } = workerData as WatchdogData;

async function lookAt(since: number, hopeless: boolean, seconds: number): Promise<void> {
  using inspection = new Inspection();
  const paused = await inspection.pause();
  const top = paused?.frames[0];
  if (!paused || !top) {
    if (hopeless && Atomics.load(ticks, 0) === since) endProgram(`a system call holds the thread for ${seconds} s`);
    return;
  }
  const { frames, urlOf } = paused;
  const ofExperiment = frames.find((frame) => !nodesOwn(urlOf(frame)) && !urlOf(frame).startsWith(own));
  const named = ofExperiment ?? frames.find((frame) => !nodesOwn(urlOf(frame))) ?? top;
  const found: Found = { place: placeOf(named, urlOf(named)), seconds };
  if (Atomics.load(ticks, 0) === since && (ofExperiment || hopeless)) {
    await inspection.evaluate(top, `globalThis[${JSON.stringify(hook)}](${JSON.stringify(found)})`);
    await inspection.terminate(paused);
  } else await inspection.resume();
}

/** Children of this process, proc(5); empty where the kernel does not tell. */
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

/** The main thread can do nothing more: end its children, those that clean up with time for it, and the process. */
function endProgram(why: string): void {
  writeSync(2, `lingerlab: BLOCKED: ${why}\n  report this\n`);
  for (const pid of children()) {
    process.kill(pid, 'SIGTERM');
    process.kill(pid, 'SIGCONT');
  }
  setTimeout(() => {
    for (const pid of children()) process.kill(pid, 'SIGKILL');
    process.kill(process.pid, 'SIGKILL');
  }, 500);
}

let last = -1;
let checks = 0;
let looking = false;
// counted, not timed: when the whole process was stopped, both threads were
setInterval(() => {
  const now = Atomics.load(ticks, 0);
  checks = now === last ? checks + 1 : 0;
  last = now;
  const ms = checks * tickMs;
  if (looking || ms < blockedMs || ms % blockedMs !== 0) return;
  looking = true;
  lookAt(now, ms >= hopelessMs, ms / 1000)
    .catch((error: unknown) => writeSync(2, `lingerlab: the watchdog failed: ${String(error)}\n`))
    .finally(() => {
      looking = false;
    });
}, tickMs);
