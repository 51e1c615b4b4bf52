import { expect, test } from 'vitest';
import { tcpLinesIn } from '../../src/lab/space.ts';

test('connections of a state are counted in /proc/net/tcp, where a request is in SYN-RECEIVED', () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 71201 1 0000000000000000 100 0 0 10 0
   1: 02004D0A:1F90 01004D0A:9C42 03 00000000:00000000 01:00000012 00000001     0        0 0 1 0000000000000000
   2: 02004D0A:1F90 01004D0A:9C44 01 00000000:00000000 00:00000000 00000000     0        0 71203 1 0000000000000000 20 4 30 10 -1
`;
  expect(['03', '01', '06'].map((state) => tcpLinesIn(text, state))).toEqual([1, 1, 0]);
});
