import { describe, expect, test } from 'vitest';
import { refused, succeeded } from '../../../src/experiment/answer.ts';
import { fill } from '../../../src/peers/handles/fill.ts';
import type { Numbered } from '../../../src/peers/handles/registry.ts';
import type { PeerProcess } from '../../../src/peers/process.ts';
import type { Verb } from '../../../src/peers/protocol.ts';

/** Two kernels, of which the far one takes so many bytes; after a write a segment is on its way, then one waits for the window to take it. */
function kernels(room: number) {
  const asked: string[] = [];
  let [written, underway] = [0, 0];
  const answers: Partial<Record<Verb, (ask: { bytes?: number }) => unknown>> = {
    stopReading: () => undefined,
    write({ bytes = 0 }) {
      written += bytes;
      underway = 2;
      return undefined;
    },
    info() {
      const unsent = Math.max(0, written - room);
      underway--;
      if (underway === 1) return { unacked: 1, notSentBytes: unsent, windowBytes: 2_000 };
      if (underway === 0) return { unacked: 0, notSentBytes: unsent + 1_448, windowBytes: 500 };
      return { unacked: 0, notSentBytes: unsent, windowBytes: unsent > 0 ? 0 : 2_000 };
    },
    unread: () => Math.min(written, room),
  };
  const peer = (name: string): Numbered => {
    const ask = async (verb: Verb, given: { bytes?: number }) => {
      if (verb !== 'info') asked.push(`${name}.${verb}`);
      return succeeded(answers[verb]?.(given), 5);
    };
    return { peer: { ask } as unknown as PeerProcess, id: 1 };
  };
  return { near: peer('near'), far: peer('far'), asked };
}

describe('filling the other kernel', () => {
  test('writes until it takes no more', async () => {
    const { near, far, asked } = kernels(40_000);
    const answer = await fill(near, far, {});
    expect(answer).toMatchObject({ outcome: 'ok', value: { written: 49_152, unread: 40_000, unsent: 9_152 } });
    expect(asked).toEqual(['far.stopReading', 'near.write', 'near.write', 'near.write', 'far.unread']);
  });

  test('writes no more than it is asked for', async () => {
    const { near, far, asked } = kernels(40_000);
    const answer = await fill(near, far, { bytes: 150_000 });
    expect(answer).toMatchObject({ value: { written: 150_000, unread: 40_000, unsent: 110_000 } });
    expect(asked).toEqual(['far.stopReading', 'near.write', 'far.unread']);
  });

  test('says that the other kernel took all of it', async () => {
    const { near, far } = kernels(40_000);
    await expect(fill(near, far, { bytes: 1000 })).rejects.toThrow(
      'fill(): bytes: the other kernel accepted all 1000 bytes',
    );
  });

  test('is refused with what a call was refused with', async () => {
    const { near, far } = kernels(40_000);
    const reset = refused({ errno: 'ECONNRESET', syscall: 'write' }, 5);
    const failing = { peer: { ask: async () => reset } as unknown as PeerProcess, id: 1 };
    expect(await fill(failing, far, {})).toBe(reset);
    expect(await fill(near, failing, {})).toBe(reset);
  });
});
