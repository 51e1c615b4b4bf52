import { connect } from 'node:net';
import { boundAddress } from '../native/sockets.ts';
import { plainAddress } from '../tcp/address-text.ts';
import type { Handlers, Self } from './handler.ts';
import { descriptorOf } from './net-handle.ts';
import { type Held, type Sockets, when } from './sockets.ts';

/** From connect(2) until the kernel said what became of it. */
interface Opening {
  readonly called: number;
  decided?: number;
}

/** Verbs for sockets that may be waiting for the other end's answer. */
export function openingHandlers(sockets: Sockets, { now }: Self): Pick<Handlers, 'open' | 'connected'> {
  const openings = new Map<Held, Opening>();
  return {
    async open({ to, localPort, localAddress, allowHalfOpen }, _timed, took) {
      const called = now();
      const opening: Opening = { called };
      const port = localPort === undefined ? {} : { localPort };
      const address = localAddress === undefined ? {} : { localAddress };
      const socket = connect({ host: to.address, port: to.port, allowHalfOpen, ...port, ...address });
      const decided = () => {
        opening.decided ??= now();
      };
      socket.once('connect', decided).once('error', decided);
      const held = sockets.add(socket);
      openings.set(held, opening);
      // net calls connect(2) in the next tick, before this one: the answer cannot have been read yet
      await new Promise<void>((resolve) => process.nextTick(resolve));
      const sentNs = now();
      took?.(called, sentNs - called);
      const fd = descriptorOf(socket);
      // what connect(2) itself refuses is an error in a later tick
      if (fd === undefined || socket.destroyed) await when(held, () => false);
      held.local = plainAddress(boundAddress(fd as number));
      held.remote = plainAddress(to);
      return { endpoint: held.id, local: held.local, calledNs: called, sentNs };
    },
    async connected({ endpoint }, _timed, took) {
      const held = sockets.get(endpoint);
      const opening = openings.get(held);
      const tell = () => {
        if (opening?.decided !== undefined) took?.(opening.called, opening.decided - opening.called);
      };
      await when(held, () => held.seen.has('connect')).finally(tell);
      return undefined;
    },
  };
}
