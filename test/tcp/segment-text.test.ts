import { expect, test } from 'vitest';
import { bitsOf, type Flag } from '../../src/tcp/flags.ts';
import type { TcpSegment } from '../../src/tcp/segment.ts';
import { rfcText, tcpdumpText } from '../../src/tcp/segment-text.ts';

const segment = (flags: readonly Flag[], change: Partial<TcpSegment> = {}): TcpSegment => ({
  kind: 'tcp',
  ip: { family: 4, hops: 64, trafficClass: 0, identification: 1, dontFragment: true, options: '' },
  source: { address: '10.77.0.1', port: 4242 },
  destination: { address: '10.77.0.2', port: 80 },
  seq: 1000,
  ack: 500,
  flags: bitsOf(flags),
  window: 64240,
  urgent: 0,
  options: [],
  payload: new Uint8Array(),
  intact: true,
  ...change,
});

test('a SYN is a line like tcpdump’s, with its options', () => {
  const syn = segment(['SYN'], {
    options: [
      { kind: 'mss', value: 1460 },
      { kind: 'sackOK' },
      { kind: 'timestamps', value: 7, echo: 0 },
      { kind: 'nop' },
      { kind: 'wscale', shift: 7 },
    ],
  });
  expect(tcpdumpText(syn, { seq: 0 })).toBe(
    '10.77.0.1:4242 > 10.77.0.2:80 [S] seq 0 win 64240 len 0 <mss 1460,sackOK,TS val 7 ecr 0,nop,wscale 7>',
  );
});

test('data has its range, absolute where no initial number is known', () => {
  const data = segment(['PSH', 'ACK'], { payload: new Uint8Array(5) });
  expect(tcpdumpText(data)).toContain('[P.] seq 1000:1005 ack 500 win 64240 len 5');
  expect(tcpdumpText(data, { seq: 1, ack: 1 })).toContain('[P.] seq 1:6 ack 1 ');
});

test('a segment is written as RFC 9293 writes it', () => {
  expect(rfcText(segment(['FIN', 'ACK'], { seq: 100, ack: 300 }))).toBe('<SEQ=100><ACK=300><CTL=FIN,ACK>');
  expect(rfcText(segment(['RST']), { seq: 1 })).toBe('<SEQ=1><CTL=RST>');
  expect(rfcText(segment(['ACK'], { payload: new Uint8Array(3) }), { seq: 1, ack: 2 })).toBe(
    '<SEQ=1><ACK=2><LEN=3><CTL=ACK>',
  );
});

test('what is no segment says so, and a wrong checksum too', () => {
  expect(tcpdumpText({ kind: 'other', why: 'fragment' })).toBe('no TCP segment: fragment');
  expect(tcpdumpText(segment(['ACK'], { intact: false }))).toContain('(checksum wrong)');
});
