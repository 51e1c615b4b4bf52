import { describe, expect, test } from 'vitest';
import { parseFormat, TraceError } from '../../../src/observers/trace/format.ts';
import { formatOf, formatsOf, kernels } from './captures.ts';

describe.each(kernels)('%s', (kernel) => {
  test('a format has the event, its fields and where they are', () => {
    const format = formatOf(kernel, 'sock.inet_sock_set_state');
    expect(format.name).toBe('inet_sock_set_state');
    expect(format.id).toBeGreaterThan(0);
    expect(format.fields.get('common_type')).toMatchObject({ offset: 0, size: 2, signed: false });
    expect(format.fields.get('skaddr')).toMatchObject({
      type: 'const void *',
      size: 8,
      isArray: false,
      dataLoc: false,
    });
    expect(format.fields.get('oldstate')).toMatchObject({ type: 'int', size: 4, signed: true });
    expect(format.fields.get('saddr_v6')).toMatchObject({ type: '__u8', size: 16, isArray: true });
    expect(format.fields.get('daddr_v6')!.offset + 16).toBe(format.size);
  });

  test('no two fields of an event overlap', () => {
    for (const { fields } of formatsOf(kernel)) {
      const ordered = [...fields.values()].sort((a, b) => a.offset - b.offset);
      for (const [index, field] of ordered.entries()) {
        expect(field.offset).toBeGreaterThanOrEqual(
          index === 0 ? 0 : ordered[index - 1]!.offset + ordered[index - 1]!.size,
        );
      }
    }
  });

  test('events have different numbers', () => {
    const formats = formatsOf(kernel);
    expect(new Set(formats.map(({ id }) => id)).size).toBe(formats.length);
  });

  test('symbols are read from the print format', () => {
    const { symbols } = formatOf(kernel, 'sock.inet_sock_set_state');
    expect(symbols.get('newstate')?.get(8)).toBe('TCP_CLOSE_WAIT');
    expect(symbols.get('protocol')?.get(6)).toBe('IPPROTO_TCP');
  });
});

test('reasons of a reset have names; states that the kernel gives as enum names have none', () => {
  const { symbols } = formatOf('linux-6.18', 'tcp.tcp_send_reset');
  expect(symbols.get('reason')?.get(0)).toBe('NOT_SPECIFIED');
  expect(symbols.get('reason')?.get(9)).toBe('TCP_TIMEWAIT_SOCKET');
  expect(symbols.get('reason')?.size).toBe(26);
  expect(symbols.has('state')).toBe(false);
});

const header = 'name: e\nID: 7\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n';

test('a __data_loc field is known as the place of its data', () => {
  const { fields, size } = parseFormat(`${header}\tfield:__data_loc char[] comm;\toffset:8;\tsize:4;\tsigned:1;\n`);
  expect(fields.get('comm')).toMatchObject({
    type: '__data_loc char[]',
    offset: 8,
    size: 4,
    isArray: true,
    dataLoc: true,
  });
  expect(size).toBe(12);
});

test('array lengths may be names, values hexadecimal, and pointers types of several words', () => {
  const { fields, symbols } = parseFormat(
    `${header}\tfield:char comm[TASK_COMM_LEN];\toffset:8;\tsize:16;\tsigned:0;\n` +
      '\tfield:struct sock * sk;\toffset:24;\tsize:8;\tsigned:0;\n' +
      'print fmt: "%s", __print_symbolic(REC->flag, { 0x10UL, "A,B" }, { -1, "{C}" }, { E, "D" })\n',
  );
  expect(fields.get('comm')).toMatchObject({ type: 'char', isArray: true });
  expect(fields.get('sk')).toMatchObject({ type: 'struct sock *', isArray: false });
  expect([...symbols.get('flag')!]).toEqual([
    [16, 'A,B'],
    [-1, '{C}'],
  ]);
});

test.each(['', 'name: e\nID: 7\n', header.replace('ID: 7', ''), header.replace('name: e', '')])(
  'what is no format is refused: %j',
  (text) => {
    expect(() => parseFormat(text)).toThrow(TraceError);
  },
);
