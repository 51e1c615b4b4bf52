import type { Event } from '../record/event.ts';

/**
 * Gives each trace event to the cell that it belongs to: tracepoints see every namespace of the machine, and a port is one
 * cell's alone. Mini-sockets' timers belong to the cell whose full socket left them.
 */
export class Router {
  readonly #byPort = new Map<number, (event: Event) => void>();
  readonly #byTimer = new Map<string, (event: Event) => void>();

  add(port: number, to: (event: Event) => void): void {
    this.#byPort.set(port, to);
  }

  remove(to: (event: Event) => void): void {
    for (const table of [this.#byPort, this.#byTimer] as Map<unknown, unknown>[]) {
      for (const [key, sink] of table) if (sink === to) table.delete(key);
    }
  }

  route(event: Event): void {
    if (event.kind === 'lost') {
      for (const sink of new Set(this.#byPort.values())) sink(event);
      return;
    }
    if (event.kind === 'mini-timer-start' || event.kind === 'mini-timer-expire') {
      this.#byTimer.get(event.timer)?.(event);
      if (event.kind === 'mini-timer-expire') this.#byTimer.delete(event.timer);
      return;
    }
    if (!('local' in event)) return;
    const sink = this.#byPort.get(event.local.port) ?? this.#byPort.get(event.remote.port);
    if (sink && event.kind === 'mini-socket') this.#byTimer.set(event.timer, sink);
    sink?.(event);
  }
}
