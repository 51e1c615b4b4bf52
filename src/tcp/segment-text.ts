import { addressAndPort } from './address.ts';
import { flagBits, namesOf } from './flags.ts';
import type { TcpOption } from './header-options.ts';
import type { Packet } from './segment.ts';

/** Numbers of a segment counted from the initial sequence numbers of its connection, where those are known. */
export interface Relative {
  readonly seq?: number | undefined;
  readonly ack?: number | undefined;
}

/** As tcpdump(8) prints control bits: S, F, R, P, U, W (CWR), E (ECE), e (AE), and a dot for ACK; `none` without any. */
function flagText(flags: number): string {
  const letters: readonly (readonly [number, string])[] = [
    [flagBits.FIN, 'F'],
    [flagBits.SYN, 'S'],
    [flagBits.RST, 'R'],
    [flagBits.PSH, 'P'],
    [flagBits.ACK, '.'],
    [flagBits.URG, 'U'],
    [flagBits.ECE, 'E'],
    [flagBits.CWR, 'W'],
    [flagBits.AE, 'e'],
  ];
  return letters.map(([bit, letter]) => (flags & bit ? letter : '')).join('') || 'none';
}

/** One option as tcpdump(8) prints it: `mss 1460`, `sackOK`, `TS val 1 ecr 0`, `sack 1 {5:9}`. */
function optionText(option: TcpOption): string {
  switch (option.kind) {
    case 'mss':
      return `mss ${option.value}`;
    case 'wscale':
      return `wscale ${option.shift}`;
    case 'timestamps':
      return `TS val ${option.value} ecr ${option.echo}`;
    case 'sack':
      return `sack ${option.blocks.length} ${option.blocks.map(([left, right]) => `{${left}:${right}}`).join('')}`;
    case 'other':
      return `unknown-${option.code}${option.hex && ` 0x${option.hex}`}`;
    case 'rest':
      return `[bad opt] 0x${option.hex}`;
    default:
      return option.kind;
  }
}

/** Options in one line, no-ops left out: `mss 1460,wscale 7`. */
export const optionsText = (options: readonly TcpOption[]): string =>
  options
    .filter(({ kind }) => kind !== 'nop')
    .map(optionText)
    .join(',');

/** A packet in one line as tcpdump(8) has it: `10.77.0.1:4242 > 10.77.0.2:80 [S] seq 0 win 64240 len 0 <mss 1460>`. */
export function tcpdumpText(packet: Packet, relative: Relative = {}): string {
  if (packet.kind === 'other') return `no TCP segment: ${packet.why}`;
  const length = packet.payload.length;
  const seq = relative.seq ?? packet.seq;
  const parts = [
    `${addressAndPort(packet.source)} > ${addressAndPort(packet.destination)}`,
    `[${flagText(packet.flags)}]`,
    `seq ${seq}${length > 0 ? `:${seq + length}` : ''}`,
  ];
  if (packet.flags & flagBits.ACK) parts.push(`ack ${relative.ack ?? packet.ack}`);
  parts.push(`win ${packet.window}`, `len ${length}`);
  if (packet.options.length > 0) parts.push(`<${packet.options.map(optionText).join(',')}>`);
  if (!packet.intact) parts.push('(checksum wrong)');
  return parts.join(' ');
}

/** A segment as RFC 9293 §3.5 writes it: `<SEQ=100><ACK=300><CTL=FIN,ACK>`, with `<LEN=…>` where it carries data. */
export function rfcText(packet: Packet, relative: Relative = {}): string {
  if (packet.kind === 'other') return `<${packet.why}>`;
  const control = namesOf(packet.flags).join(',');
  const ack = packet.flags & flagBits.ACK ? `<ACK=${relative.ack ?? packet.ack}>` : '';
  const length = packet.payload.length > 0 ? `<LEN=${packet.payload.length}>` : '';
  return `<SEQ=${relative.seq ?? packet.seq}>${ack}${length}<CTL=${control}>`;
}
