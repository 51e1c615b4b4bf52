import { expect, test } from 'vitest';
import { refusedSettings } from '../../src/run/run-json.ts';

test('a setting that the kernel refused is a warning with what the cells ran on instead', () => {
  const pinned = {
    'net.ipv4.tcp_max_tw_buckets': { set: '65536', own: '131072' },
    'net.ipv4.tcp_congestion_control': { set: 'bbr', own: 'bbr', refused: 'cubic' },
  };
  expect(refusedSettings(pinned)).toEqual([
    {
      code: 'sysctl-refused',
      text: 'every cell ran with net.ipv4.tcp_congestion_control = bbr: this kernel refused cubic',
      remedy: expect.stringContaining('tcp_allowed_congestion_control'),
    },
  ]);
});
