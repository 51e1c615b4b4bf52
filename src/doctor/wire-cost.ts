import { type Lab, makeLab } from '../lab/lab.ts';
import type { Ports } from '../lab/ports.ts';
import { type Child, startChild } from '../process/child.ts';
import { answerMs, noAnswer, settlesWithin } from '../process/deadline.ts';
import { entryPoint } from '../process/entry.ts';
import type { WireCost } from '../record/schema.ts';
import { quantile } from '../stats/quantile.ts';
import type { End } from '../tcp/states.ts';

/** How long each part takes, in ms: a round trip takes some 20 to 100 µs, so that p99 is the worst but some ten of a thousand. */
const echoMs = 60;
/** The two networks take turns, and the least of each counts: a burst of load on the machine must not hit one alone. */
const rounds = 2;
const bulkMs = 250;
/** Of the round trips, while both programs are new. */
const warmUp = 0.25;
const mtu = 1500;

const start = (lab: Lab, end: End, ...args: readonly string[]): Child<'output'> =>
  lab.space(end).inside(() =>
    startChild({
      program: process.execPath,
      args: [entryPoint('wire/traffic'), String(process.pid), ...args],
      descriptors: [null, 'output', null],
    }),
  );

async function printed<T>({ streams, ended, end }: Child<'output'>): Promise<T> {
  let text = '';
  streams.output.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  if (!(await settlesWithin(ended, answerMs))) {
    await end();
    throw noAnswer('the client that measures a network did not end', answerMs);
  }
  return JSON.parse(text) as T;
}

/** What a client of a load says on a network. */
export type Load = <T>(what: 'echo' | 'bulk', forMs: number) => Promise<T>;

/** A network under load: two namespaces, a server in one, and a client in the other for as long as it is asked. */
export async function underLoad<T>(
  network: 'veth' | 'wire',
  ports: Ports,
  look: (load: Load, lab: Lab) => Promise<T>,
): Promise<T> {
  await using lab = await makeLab({ network, sysctls: {}, ports, serial: 0, wire: { mtu } });
  const at = [lab.address('server', 4), String(lab.port())] as const;
  const server = start(lab, 'server', 'serve', ...at);
  try {
    const listening = Promise.race([
      new Promise((resolve) => server.streams.output.once('data', resolve)),
      server.ended.then(() => Promise.reject(new Error('the server of the load ended'))),
    ]);
    if (!(await settlesWithin(listening, answerMs))) throw noAnswer('the server of the load did not listen', answerMs);
    await listening;
    return await look((what, forMs) => printed(start(lab, 'client', what, ...at, String(forMs))), lab);
  } finally {
    await server.end();
    await lab.empty();
  }
}

interface RoundTrips {
  readonly p50: number;
  readonly p99: number;
}

async function roundTrips(load: Load): Promise<RoundTrips> {
  const times = await load<number[]>('echo', echoMs);
  const warm = times.slice(Math.floor(times.length * warmUp));
  return { p50: quantile(warm, 0.5), p99: quantile(warm, 0.99) };
}

const least = (all: readonly RoundTrips[]): RoundTrips => ({
  p50: Math.min(...all.map(({ p50 }) => p50)),
  p99: Math.min(...all.map(({ p99 }) => p99)),
});

async function bulkOf(load: Load, { wire }: Lab): Promise<Pick<WireCost, 'packetsPerSecond' | 'megabytesPerSecond'>> {
  const carried = async () => {
    const count = (await wire?.ask('statistics', {}))?.carried ?? { client: 0, server: 0 };
    return count.client + count.server;
  };
  const before = await carried();
  const { bytes, seconds } = await load<{ bytes: number; seconds: number }>('bulk', bulkMs);
  const packets = (await carried()) - before;
  return { packetsPerSecond: Math.round(packets / seconds), megabytesPerSecond: bytes / seconds / 1e6 };
}

/**
 * What the wire costs on this machine now, without rules and without a file: half a second of round trips, beside a veth pair,
 * and of bulk data. Throws where there is no TUN device, or no veth pair.
 */
export const measureWire = (ports: Ports): Promise<WireCost> =>
  underLoad('veth', ports, (veth) =>
    underLoad('wire', ports, async (wire, lab) => {
      const times: { veth: RoundTrips[]; wire: RoundTrips[] } = { veth: [], wire: [] };
      for (let round = 0; round < rounds; round++) {
        times.veth.push(await roundTrips(veth));
        times.wire.push(await roundTrips(wire));
      }
      const roundTripUs = { wire: least(times.wire), veth: least(times.veth) };
      const addedP50Us = roundTripUs.wire.p50 - roundTripUs.veth.p50;
      return { mtu, roundTripUs, addedP50Us, ...(await bulkOf(wire, lab)) };
    }),
  );
