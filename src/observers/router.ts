import type { Event } from '../record/event.ts';
import type { Address } from '../tcp/address.ts';

interface Owner {
  readonly to: (event: Event) => void;
  readonly isOwn: (address: string) => boolean;
}

/**
 * Gives each trace event to the cell that it belongs to: tracepoints see every namespace of the machine, and of this program's
 * cells a port is one's alone. What else runs on the machine may have the same port, at another address. Mini-sockets' timers belong to the cell whose full socket left them.
 */
export class Router {
  readonly #byPort = new Map<number, Owner>();
  readonly #byTimer = new Map<string, (event: Event) => void>();

  /** Events of a port at an address that is the cell's own. */
  add(port: number, isOwn: (address: string) => boolean, to: (event: Event) => void): void {
    this.#byPort.set(port, { to, isOwn });
  }

  remove(to: (event: Event) => void): void {
    for (const [port, owner] of this.#byPort) if (owner.to === to) this.#byPort.delete(port);
    for (const [timer, sink] of this.#byTimer) if (sink === to) this.#byTimer.delete(timer);
  }

  route(event: Event): void {
    if (event.kind === 'lost') {
      for (const sink of new Set([...this.#byPort.values()].map(({ to }) => to))) sink(event);
      return;
    }
    if (event.kind === 'mini-timer-start' || event.kind === 'mini-timer-expire') {
      this.#byTimer.get(event.timer)?.(event);
      if (event.kind === 'mini-timer-expire') this.#byTimer.delete(event.timer);
      return;
    }
    if (!('local' in event)) return;
    const sink = this.#ownerOf(event.local) ?? this.#ownerOf(event.remote);
    if (sink && event.kind === 'mini-socket') this.#byTimer.set(event.timer, sink);
    sink?.(event);
  }

  #ownerOf({ address, port }: Address): ((event: Event) => void) | undefined {
    const owner = this.#byPort.get(port);
    return owner?.isOwn(address) ? owner.to : undefined;
  }
}
