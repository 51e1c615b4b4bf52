import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../../src/experiment/handles.ts';
import type { Wire } from '../../src/experiment/wire.ts';
import { makeLab } from '../../src/lab/lab.ts';
import { lockPorts } from '../../src/lab/ports.ts';
import { type PeerProcess, startPlayer } from '../../src/peers/process.ts';
import type { Verb, Verbs } from '../../src/peers/protocol.ts';
import { makeSteps } from '../../src/peers/step.ts';
import { makeCompany } from '../../src/process/company.ts';
import type { DeedEvent, WireEvent } from '../../src/record/event.ts';
import type { Address } from '../../src/tcp/address.ts';
import type { End } from '../../src/tcp/states.ts';
import type { ToldPacket, WireSettings } from '../../src/wire/protocol.ts';
import { makeWire } from '../../src/wire/stage.ts';
import { describeWhere } from '../where-possible.ts';

const reason = tunMissing();
function tunMissing(): string | undefined {
  const { status, stderr } = spawnSync('unshare', ['--net', 'ip', 'tuntap', 'add', 'dev', 'probe0', 'mode', 'tun'], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : `no TUN device: ${stderr.trim() || 'unshare or ip is missing'}`;
}

/** Tests that need a wire, and so TUN devices. */
export const onWire = (title: string, tests: () => void): void => describeWhere(reason, title, tests);

/** One end of a connection: what its peer is asked goes with its number. */
export interface WiredEnd {
  readonly local: Address;
  readonly remote: Address;
  ask<V extends Verb>(verb: V, ask: Omit<Verbs[V]['ask'], 'endpoint' | 'socket'>): Promise<Verbs[V]['value']>;
  /** A refusal as data. */
  answer<V extends Verb>(
    verb: V,
    ask: Omit<Verbs[V]['ask'], 'endpoint' | 'socket'>,
  ): Promise<Answer<Verbs[V]['value']>>;
}

/** A cell on the wire without an experiment: the lab, two peers, the wire as a scenario has it. */
export interface WiredCell extends AsyncDisposable {
  readonly wire: Wire;
  readonly wirePid: number;
  readonly events: readonly (WireEvent | DeedEvent)[];
  readonly lab: Awaited<ReturnType<typeof makeLab>>;
  readonly origin: bigint;
  now(): number;
  listen(family: 4 | 6): Promise<Address>;
  /** Both ends, established; the client's first. */
  connect(to: Address, localPort?: number): Promise<readonly [WiredEnd, WiredEnd]>;
  flush(): Promise<void>;
}

export interface WiredOptions {
  readonly settings?: Partial<WireSettings>;
  readonly sysctls?: Record<string, number | string>;
}

const done = async <T>(answer: Promise<Answer<T>>): Promise<T> => {
  const got = await answer;
  if (!got.ok) throw new Error(`${got.syscall}: ${got.errno}`);
  return got.value;
};

export async function wiredCell({ settings, sysctls = {} }: WiredOptions = {}): Promise<WiredCell> {
  await using scope = new AsyncDisposableStack();
  const origin = process.hrtime.bigint();
  const wallNs = String(BigInt(Date.now()) * 1_000_000n);
  const events: (WireEvent | DeedEvent)[] = [];
  const ports = scope.use(lockPorts());
  const link = {
    origin,
    settings: { wallNs, ...settings },
    saw: (event: ToldPacket) => void (event.kind === 'packets' || event.kind === 'mapping' || events.push(event)),
  };
  const lab = scope.use(await makeLab({ network: 'wire', sysctls, ports, serial: 1, wire: link }));
  scope.defer(async () => assert.deepEqual(await lab.empty(), []));
  const wireProcess = lab.wire!;
  const company = scope.use(
    makeCompany({ fresh: true, start: (start) => startPlayer({ origin, spawned: () => {} }, start) }),
  );
  const peer = async (name: End, index: number): Promise<PeerProcess> =>
    scope.use(
      await company.hire(
        {
          name,
          index,
          space: lab.space(name),
          until: new AbortController().signal,
          saw: () => {},
          spent: () => {},
          died: () => {},
        },
        true,
      ),
    );
  const client = await peer('client', 0);
  const server = await peer('server', 1);
  const kept = scope.move();

  const end = (from: PeerProcess, endpoint: number, local: Address, remote: Address): WiredEnd => {
    const answer: WiredEnd['answer'] = (verb, ask) =>
      from.ask(verb, { ...ask, endpoint, socket: endpoint } as never) as never;
    return { local, remote, answer, ask: (verb, ask) => done(answer(verb, ask)) };
  };
  return {
    wire: makeWire(wireProcess, makeSteps()),
    wirePid: wireProcess.pid,
    events,
    lab,
    origin,
    now: () => Number(process.hrtime.bigint() - origin),
    async listen(family) {
      const ask = { address: lab.address('server', family), port: lab.port(), allowHalfOpen: true };
      return (await done(server.ask('listen', ask))).at;
    },
    async connect(to, localPort) {
      const ask = { to, allowHalfOpen: true, ...(localPort !== undefined && { localPort }) };
      const near = await done(client.ask('connect', ask));
      const far = await done(server.ask('accepted', { from: near.local }));
      return [
        end(client, near.endpoint, near.local, near.remote),
        end(server, far.endpoint, far.local, far.remote),
      ] as const;
    },
    flush: () => wireProcess.ask('flush', {}).then(() => undefined),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Resolves with what is found; rejects after so many seconds. */
export async function found<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  seconds = 10,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(5);
  }
}
