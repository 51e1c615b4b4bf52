import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type ReadRun, readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

/** Each cell loses bytes of the client in one place, by a course that leaves no other. */

live('bytes that are lost', () => {
  let run: ReadRun;
  const factsOf = (place: string) => {
    const cell = run.cells.find(({ factors }) => factors.place === place);
    expect(cell?.warnings).toEqual([]);
    return cell!.facts as Record<string, number>;
  };

  beforeAll(async () => {
    const folder = await scratch();
    const file = own('lost-bytes');
    const { exitCode, stdout, stderr } = await lingerlab(['run', file, '--out', join(folder, 'run')]);
    expect(exitCode, stdout + stderr).toBe(0);
    run = await readRun(join(folder, 'run'));
  });

  // how much a kernel takes is its own; what the other application then read to the end of the stream is the rest
  test.each(['js', 'js-raw'])('in the process: what was queued when the socket was destroyed (%s)', (place) => {
    const facts = factsOf(place);
    expect(facts['client.lostIn']).toEqual(['js']);
    expect(facts['client.delivered']).toBeGreaterThan(0);
    expect(facts['client.lost.js']).toBe(16_000_000 - facts['client.delivered']!);
    expect(facts['client.acked']).toBe(facts['client.delivered']);
  });

  test('in the send queue: what linger 0 threw away', () => {
    const facts = factsOf('sendQueue');
    expect(facts['client.lostIn']).toEqual(['sendQueue']);
    expect(facts['client.delivered']).toBeGreaterThan(0);
    expect(facts['client.lost.sendQueue']).toBe(300_000 - facts['client.delivered']!);
  });

  test.each([
    ['network', 700, 'sent to a socket that was closed'],
    ['receiveQueue', 5000, 'left unread when the socket was closed'],
    ['readBuffer', 3000, 'read by net and not by its application'],
  ])('in %s: the %i bytes that were %s', (place, bytes) => {
    const facts = factsOf(place);
    expect(facts['client.lostIn']).toEqual([place]);
    expect([facts['client.lost'], facts[`client.lost.${place}`]]).toEqual([bytes, bytes]);
  });
});
