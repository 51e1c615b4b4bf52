import { succeeded } from '../experiment/answer.ts';
import type { Answer } from '../experiment/handles.ts';
import type { Loaded, Seen } from '../experiment/load.ts';
import type { AnyLoadStage } from '../experiment/stage.ts';
import { runLoad } from '../load/run.ts';
import { gauges } from './instruments.ts';
import type { Playing } from './playing.ts';
import { lazyWire, type Notes, noting, resting } from './stage.ts';
import type { LoadWork } from './work.ts';

/** What a load is played on, and what it came to. */
export interface LoadPlaying extends AsyncDisposable {
  readonly stage: AnyLoadStage;
  readonly notes: Notes;
  /** Absent until it is over. */
  readonly loaded?: Loaded;
}

/** Makes the stage of a load. Disposed of, it ends a load that goes on: behind a scenario that has thrown. */
export function makeLoadStage(work: LoadWork, playing: Playing, seen: Readonly<Seen>): LoadPlaying {
  const { planned, definition, crew } = work;
  const { lab, watching, steps, signal, failure } = playing;
  const stop = new AbortController();
  const wire = lazyWire(playing);
  const { notes, note, noteUnknown } = noting(definition.measures);
  let done: Promise<Answer<Loaded>> | undefined;
  let loaded: Loaded | undefined;
  const stage: AnyLoadStage = {
    get wire() {
      return wire();
    },
    ...gauges(lab),
    rest: resting(work, playing),
    note,
    noteUnknown,
    load(options) {
      if (done) throw new TypeError('load(): a cell has one load; its facts describe that load');
      done = runLoad(options, {
        lab,
        observers: watching,
        seen,
        planned,
        crew,
        died: (error) => failure.abort(error),
        signal: AbortSignal.any([signal, stop.signal]),
      }).then((value) => {
        loaded = value;
        return succeeded(value, 0);
      });
      return steps.take('load', done);
    },
  };
  return {
    stage,
    notes,
    get loaded() {
      return loaded as Loaded;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done?.catch(() => undefined);
    },
  };
}
