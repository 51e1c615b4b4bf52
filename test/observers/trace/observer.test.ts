import { describe, expect, test } from 'vitest';
import {
  inTimeOrder,
  miniTimerFilterByAddress,
  portFilter,
  withinPorts,
} from '../../../src/observers/trace/observer.ts';
import { flow, ns, went } from '../../facts/handmade.ts';
import { formatOf, kernels, sceneOf } from './captures.ts';

const within = '(sport >= 100 && sport < 200) || (dport >= 100 && dport < 200)';
const block = { from: 100, to: 200, named: [] };

describe.each(kernels)('%s', (kernel) => {
  test('a transition is filtered by protocol and ports', () => {
    expect(portFilter(formatOf(kernel, 'sock.inet_sock_set_state'), block)).toBe(
      'protocol == 6 && ((sport >= 100 && sport < 200) || (dport >= 100 && dport < 200))',
    );
  });

  test.each(['tcp.tcp_receive_reset', 'tcp.tcp_retransmit_skb', 'tcp.tcp_retransmit_synack'])(
    '%s has no protocol and is filtered by ports alone',
    (event) => {
      expect(portFilter(formatOf(kernel, event), block)).toBe(
        '(sport >= 100 && sport < 200) || (dport >= 100 && dport < 200)',
      );
    },
  );

  test('ports that scenarios name are traced beside the block', () => {
    expect(portFilter(formatOf(kernel, 'tcp.tcp_receive_reset'), { ...block, named: [80, 8080] })).toBe(
      `${within} || sport == 80 || dport == 80 || sport == 8080 || dport == 8080`,
    );
    expect(portFilter(formatOf(kernel, 'sock.inet_sock_set_state'), { ...block, named: [80] })).toBe(
      `protocol == 6 && (${within} || sport == 80 || dport == 80)`,
    );
  });

  test('an event without ports cannot be filtered in the kernel', () => {
    expect(portFilter(formatOf(kernel, 'timer.timer_start'), block)).toBeNull();
  });

  test('events that got through the filter are within its ports', () => {
    for (const event of sceneOf(kernel, 'resets').events) {
      if (event.kind === 'transition' || event.kind === 'reset-received')
        expect(withinPorts(event, { from: 6000, to: 6100, named: [] })).toBe(true);
    }
  });
});

test('a reset that keeps its ports in a sockaddr cannot be filtered in the kernel', () => {
  expect(portFilter(formatOf('linux-6.18', 'tcp.tcp_send_reset'), block)).toBeNull();
});

test.each([
  [99, 0, false],
  [100, 0, true],
  [199, 0, true],
  [200, 0, false],
  [0, 100, true],
  [5, 200, false],
  [8080, 5, true],
  [5, 8080, true],
  [8081, 8079, false],
])('a flow from port %i to port %i is within 100 to 200, or 8080: %s', (from, to, isTraced) => {
  const flow = { local: { address: '::1', port: from }, remote: { address: '::1', port: to } };
  expect(withinPorts(flow, { ...block, named: [8080] })).toBe(isTraced);
});

test('what a CPU did while another one’s buffer was read waits until what came before is read there', () => {
  const take = inTimeOrder();
  const one = flow();
  const established = went(one, 'client', 10.1, 'SYN-SENT', 'ESTABLISHED', 0);
  const clone = went(one, 'server', 10.2, 'LISTEN', 'SYN-RECEIVED', 1);
  const before = went(one, 'client', 9, 'CLOSED', 'SYN-SENT', 0);
  // the first CPU's buffer was read at 10.05
  expect(take(ns(10), [before, clone])).toEqual([before]);
  expect(take(ns(20), [established])).toEqual([established, clone]);
  expect(take(ns(30), [])).toEqual([]);
});

describe('the address of the timer function', () => {
  const kallsyms = (address: string) =>
    `ffffffff82006800 t tw_timer_handler_other\n${address} t tw_timer_handler\nffffffff82006900 T inet_twsk_put\t[module]\n`;

  test('makes a filter for kernels that do not know functions', () => {
    expect(miniTimerFilterByAddress(kallsyms('ffffffff82006870'))).toBe('function == 0xffffffff82006870');
  });

  test('is of no use when it is hidden or absent', () => {
    expect(miniTimerFilterByAddress(kallsyms('0000000000000000'))).toBeNull();
    expect(miniTimerFilterByAddress('ffffffff82006800 t tw_timer_handler_other\n')).toBeNull();
  });
});
