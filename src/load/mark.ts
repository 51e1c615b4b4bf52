import { readFileSync } from 'node:fs';
import type { Usage } from '../experiment/load.ts';
import { userCpuOf } from '../native/cpu.ts';
import { enterNamespace } from '../native/namespaces.ts';
import { minorFaults } from '../native/process-state.ts';
import { usage } from './usage.ts';

/** Whose state a mark is. */
export interface Marked {
  /** Pids. */
  readonly servers: readonly number[];
  /** Paths of the network namespaces whose counters are read, beside the client's own. */
  readonly spaces: readonly string[];
}

/** How things stand when the window begins or ends. */
export interface Mark {
  /** CLOCK_MONOTONIC, ms. */
  readonly at: number;
  readonly usage: Usage;
  readonly client: Times;
  readonly servers: Times;
  /** /proc/net/snmp and netstat of each namespace. */
  readonly counters: readonly (readonly [snmp: string, netstat: string])[];
}

/** Of some processes together, until now. */
export interface Times {
  /** CPU, s: by ticks, good for the ratio of the two. */
  readonly user: number;
  readonly all: number;
  /** Page faults that needed no disk. */
  readonly faults: number;
}

/** CLOCK_MONOTONIC, ms. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * Taken by the client itself: where the harness waits for a CPU, what it reads when it hears of the window is of another one. `own`
 * is the path of the client's namespace.
 */
export function markNow({ servers, spaces }: Marked, own: string): Mark {
  const counters = [countersHere()];
  for (const path of spaces) {
    enterNamespace(path);
    counters.push(countersHere());
  }
  if (spaces.length > 0) enterNamespace(own);
  return {
    at: monotonicMs(),
    client: timesOf([process.pid]),
    servers: timesOf(servers),
    usage: usage(process.pid, servers),
    counters,
  };
}

function timesOf(pids: readonly number[]): Times {
  const sum = { user: 0, all: 0, faults: 0 };
  for (const pid of pids) {
    const { user, all } = userCpuOf(pid) ?? { user: 0, all: 0 };
    sum.user += user;
    sum.all += all;
    sum.faults += minorFaults(pid) ?? 0;
  }
  return sum;
}

function countersHere(): readonly [string, string] {
  const read = (name: string) => readFileSync(`/proc/thread-self/net/${name}`, 'latin1');
  return [read('snmp'), read('netstat')];
}
