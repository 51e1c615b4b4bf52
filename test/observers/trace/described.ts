import type { TraceEvent } from '../../../src/observers/trace/decode.ts';

const kernelStates: Readonly<Record<string, string>> = {
  'SYN-RECEIVED': 'SYN_RECV',
  CLOSED: 'CLOSE',
  'FIN-WAIT-1': 'FIN_WAIT1',
  'FIN-WAIT-2': 'FIN_WAIT2',
};
const kernelState = (state: string): string => `TCP_${kernelStates[state] ?? state.replaceAll('-', '_')}`;
/** The kernel's text has microseconds, rounded. */
const time = ({ t }: TraceEvent): string => {
  const us = Math.floor((t + 500) / 1000);
  return `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')}`;
};
const at = ({ address, port }: { address: string; port: number }): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** An event as far as the kernel's text tells the same. */
export function described(event: TraceEvent): string {
  const head = `${event.cpu} ${time(event)} ${event.kind}`;
  if (event.kind === 'transition') {
    const { family, local, remote, from, to } = event;
    return `${head} ${family} ${at(local)} ${at(remote)} ${kernelState(from)} ${kernelState(to)}`;
  }
  if ('timer' in event) return `${head} ${event.timer} ${event.jiffies ?? ''}`.trimEnd();
  return `${head} ${at(event.local)} ${at(event.remote)} ${event.reason ?? ''}`;
}

const kinds: Readonly<Record<string, TraceEvent['kind']>> = {
  inet_sock_set_state: 'transition',
  tcp_send_reset: 'reset-sent',
  tcp_receive_reset: 'reset-received',
  tcp_retransmit_skb: 'retransmit',
  tcp_retransmit_synack: 'retransmit',
  timer_start: 'mini-timer-start',
  timer_expire_entry: 'mini-timer-expire',
};

/** The kernel's line in the same words. */
export function describedByKernel(line: string): string {
  const [, cpu, when, name = '', rest = ''] = /^\[(\d+)\] \S+ +([\d.]+): (\w+): (.*)$/.exec(line)!;
  const word = (key: string): string => new RegExp(`(?:^| |\\[)${key}=(\\[\\S+|[^ \\]]+)`).exec(rest)?.[1] ?? '';
  const kind = kinds[name]!;
  const head = `${Number(cpu)} ${when} ${kind}`;
  if (kind === 'mini-timer-start') return `${head} ${word('timer')} ${word('timeout')}`;
  if (kind === 'mini-timer-expire') return `${head} ${word('timer')}`;
  const v6 = word('family') === 'AF_INET6';
  const side = (s: 's' | 'd'): string => {
    const address = word(v6 ? `${s}addrv6` : `${s}addr`).replace(/^::ffff:(?=\d+\.)/, '');
    return at({ address, port: Number(word(`${s}port`)) });
  };
  const unmapped = (end: string): string => end.replace(/^\[::ffff:([\d.]+)\]/, '$1');
  if (word('src')) return `${head} ${unmapped(word('src'))} ${unmapped(word('dest'))} ${word('reason')}`;
  if (kind !== 'transition') return `${head} ${side('s')} ${side('d')} `;
  return `${head} ${v6 ? 6 : 4} ${side('s')} ${side('d')} ${word('oldstate')} ${word('newstate')}`;
}
