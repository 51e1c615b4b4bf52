import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type ReadRun, readRun } from '../../src/record/read.ts';
import { experimentFile, lingerlab, live, plainRest, scratch } from './program.ts';

/** Each cell loses bytes of the client in one place, by a course that leaves no other. */
const text = `import { experiment } from 'lingerlab';
export default experiment({
  id: 'places', question: 'lost where?',
  factors: { place: ['js', 'js-raw', 'sendQueue', 'network', 'receiveQueue', 'readBuffer'] },
  async scenario({ client, server, until }, { place }) {
    const [near, far] = await client.connect(await server.listen());
    const over = () => Promise.all([until(near, 'TIME-WAIT', 'CLOSED'), until(far, 'TIME-WAIT', 'CLOSED'), near.gone(), far.gone()]);
    if (place === 'js' || place === 'js-raw') {
      await far.stopReading();
      const written = near.write(16_000_000).answer();
      // a peer obeys in turn: the kernel has taken all it can
      await near.info();
      await near.close(place === 'js' ? 'destroy' : 'close(2)');
      await written;
      await far.resume();
      await far.ended();
      await far.close();
    } else if (place === 'sendQueue') {
      await far.stopReading();
      await near.write(300_000);
      await near.set('SO_LINGER', 0);
      await near.close('destroy');
      await until(far, 'CLOSED');
      await far.resume();
    } else if (place === 'network') {
      await far.close('destroy');
      await until(far, 'FIN-WAIT-2');
      await near.write(700);
      // net has read the end of the stream, and so does not hear of the RST
      await until(near, 'CLOSED');
      await near.close('destroy');
    } else if (place === 'receiveQueue') {
      await far.stopReading();
      await near.write(5000);
      await far.unread('kernel', 5000);
      await far.close('destroy');
    } else {
      await far.pause();
      await near.write(3000);
      await far.unread('node', 3000);
      await far.close('destroy');
      await near.ended();
      await near.close();
    }
    await over();
  },
  ${plainRest},
});`;

live('bytes that are lost', () => {
  let run: ReadRun;
  const factsOf = (place: string) => {
    const cell = run.cells.find(({ factors }) => factors.place === place);
    expect(cell?.warnings).toEqual([]);
    return cell!.facts as Record<string, number>;
  };

  beforeAll(async () => {
    const folder = await scratch();
    const file = await experimentFile(folder, 'places.ts', text);
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
