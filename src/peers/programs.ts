import { basename } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { ProgramEnded, ProgramOutput } from '../experiment/program.ts';
import type { Clock } from '../native/clock.ts';
import { SystemCallError } from '../native/libc.ts';
import { type Child, startChild } from '../process/child.ts';
import type { ProgramEndedEvent, ProgramLineEvent } from '../record/event.ts';
import type { Handlers } from './handler.ts';

/** Of each stream so many bytes are kept, and recorded. */
const keptBytes = 65_536;
/** A longer line is recorded in pieces. */
const longestLine = 4096;

type StreamName = ProgramLineEvent['stream'];
type Tell = (event: ProgramLineEvent | ProgramEndedEvent) => void;

/** What came of one stream: the beginning of it, and its last line as far as that is known. */
interface Stream {
  readonly decoder: StringDecoder;
  text: string;
  bytes: number;
  rest: string;
}

/** A program, and what it has written. */
interface Running {
  readonly child: Child<'input' | 'stdout' | 'stderr'>;
  readonly streams: Readonly<Record<StreamName, Stream>>;
  readonly lines: string[];
  /** So many lines were looked at. */
  seen: number;
  ended?: ProgramEnded;
  readonly watchers: Set<() => void>;
}

const outputOf = ({ streams: { stdout, stderr } }: Running): ProgramOutput => ({
  stdout: stdout.text,
  stderr: stderr.text,
  leftOut: Math.max(0, stdout.bytes - keptBytes) + Math.max(0, stderr.bytes - keptBytes),
});

/** Resolves when something happened to it. */
const change = ({ watchers }: Running): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      watchers.delete(look);
      resolve();
    };
    watchers.add(look);
  });

const changed = ({ watchers }: Running): void => {
  for (const look of [...watchers]) look();
};

/** A name that no other program of the peer has: `python3`, `python3-2`. */
function nameFor(command: string, taken: ReadonlyMap<string, unknown>): string {
  const plain = basename(command).replace(/[^\w.+-]/g, '_');
  for (let nth = 1; ; nth++) {
    const name = nth === 1 ? plain : `${plain}-${nth}`;
    if (!taken.has(name)) return name;
  }
}

/** Verbs for programs that the peer starts: in its namespace, as its children, and of its user. */
export function programHandlers(
  peer: string,
  now: Clock,
  tell: Tell,
): Pick<
  Handlers,
  'exec' | 'programLine' | 'programOutput' | 'programWrite' | 'programClose' | 'programSignal' | 'programEnded'
> {
  const programs = new Map<string, Running>();
  const get = (name: string): Running => {
    const program = programs.get(name);
    if (!program) throw new Error(`no program ${name}`);
    return program;
  };

  const hear = (program: string, running: Running, stream: StreamName): void => {
    const own = running.streams[stream];
    const line = (text: string): void => {
      tell({ t: now(), source: 'program', kind: 'program-line', peer, program, stream, text });
      running.lines.push(text);
    };
    const take = (text: string): void => {
      const lines = (own.rest + text).split('\n');
      own.rest = lines.pop() ?? '';
      while (own.rest.length > longestLine) {
        lines.push(own.rest.slice(0, longestLine));
        own.rest = own.rest.slice(longestLine);
      }
      for (const each of lines) line(each);
      if (lines.length > 0) changed(running);
    };
    running.child.streams[stream]
      .on('data', (chunk: Buffer) => {
        const room = keptBytes - own.bytes;
        own.bytes += chunk.length;
        if (room <= 0) return;
        const text = own.decoder.write(chunk.subarray(0, room));
        own.text += text;
        take(text);
      })
      .on('end', () => {
        if (own.rest !== '') line(own.rest);
        own.rest = '';
        changed(running);
      })
      .unref();
  };

  const input = async (program: Running, give: (done: (error?: Error | null) => void) => void): Promise<undefined> => {
    await new Promise<void>((resolve, reject) => {
      if (program.ended) reject(new SystemCallError('write', 'EPIPE'));
      else give((error) => (error ? reject(error) : resolve()));
    });
    return undefined;
  };

  return {
    exec({ command, args, env = {}, input: text }, timed) {
      const began = now();
      const child = timed(() =>
        startChild({
          program: command,
          args,
          // Python keeps back what it prints to anything but a terminal: a scenario would wait for a line that is not written
          env: { ...process.env, PYTHONUNBUFFERED: '1', ...env },
          descriptors: ['input', 'stdout', 'stderr'],
        }),
      );
      const name = nameFor(command, programs);
      const stream = (): Stream => ({ decoder: new StringDecoder('utf8'), text: '', bytes: 0, rest: '' });
      const running: Running = {
        child,
        streams: { stdout: stream(), stderr: stream() },
        lines: [],
        seen: 0,
        watchers: new Set(),
      };
      programs.set(name, running);
      hear(name, running, 'stdout');
      hear(name, running, 'stderr');
      child.streams.input.resume().unref();
      if (text !== undefined) child.streams.input.end(text);
      void child.ended.then((end) => {
        const how = 'signal' in end ? end.signal : `exit code ${end.code}`;
        const output = outputOf(running);
        running.ended = { how, ...end, ms: (now() - began) / 1e6, ...output };
        const { leftOut } = output;
        const left = leftOut > 0 ? { leftOut } : {};
        tell({ t: now(), source: 'program', kind: 'program-ended', peer, program: name, how, ...left });
        changed(running);
      });
      return { program: name, pid: child.pid };
    },
    async programLine({ program, pattern }) {
      const running = get(program);
      const wanted = (line: string): boolean => {
        if (pattern === undefined) return true;
        return 'text' in pattern ? line.includes(pattern.text) : new RegExp(pattern.source, pattern.flags).test(line);
      };
      for (;;) {
        while (running.seen < running.lines.length) {
          const line = running.lines[running.seen++] as string;
          if (wanted(line)) return { line };
        }
        if (running.ended) return { ended: running.ended };
        await change(running);
      }
    },
    programOutput: ({ program }) => outputOf(get(program)),
    programWrite: ({ program, text }) =>
      input(get(program), (done) => get(program).child.streams.input.write(text, done)),
    programClose: ({ program }) => {
      get(program).child.streams.input.end();
      return undefined;
    },
    programSignal({ program, signal }, timed) {
      const running = get(program);
      if (running.ended) throw new SystemCallError('kill', 'ESRCH');
      timed(() => running.child.signal(signal));
      return undefined;
    },
    async programEnded({ program }) {
      const running = get(program);
      while (!running.ended) await change(running);
      return running.ended;
    },
  };
}
