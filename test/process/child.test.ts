import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startChild } from '../../src/process/child.ts';

const shell = (script: string) =>
  startChild({ program: 'sh', args: ['-c', script], descriptors: ['input', 'output', 'complaint'] });

test('what a child writes to each of its streams comes whole before its end', async () => {
  const { streams, ended } = shell('cat; head -c 300000 /dev/zero | tr "\\0" x; echo bad >&2; exit 3');
  const [output, complaint] = [text(streams.output), text(streams.complaint)];
  streams.input.resume().end('given\n');
  expect(await ended).toEqual({ code: 3 });
  expect(await output).toBe(`given\n${'x'.repeat(300_000)}`);
  expect(await complaint).toBe('bad\n');
});

test('one stream can be two of its descriptors', async () => {
  const { streams, ended } = startChild({
    program: 'sh',
    args: ['-c', 'echo one; echo two >&2'],
    descriptors: [null, 'both', 'both'],
  });
  expect(await text(streams.both)).toBe('one\ntwo\n');
  expect(await ended).toEqual({ code: 0 });
});

test('a signal ends it, and one that comes after its end hits nobody', async () => {
  const child = shell('exec sleep 60');
  for (const stream of Object.values(child.streams)) stream.resume();
  child.signal('SIGKILL');
  expect(await child.ended).toEqual({ signal: 'SIGKILL' });
  expect(() => child.signal('SIGKILL')).not.toThrow();
});

test('one that cannot be started leaves no descriptor open', () => {
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  const start = () => startChild({ program: 'no-such-program', args: [], descriptors: ['input', 'output', null] });
  expect(start).toThrow('ENOENT');
  expect(open()).toBe(before);
});
