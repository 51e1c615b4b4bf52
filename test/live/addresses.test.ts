import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type ReadRun, readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

const minutes = 60_000;

live('addresses and options that a scenario names', () => {
  let run: ReadRun;
  const factsOf = (experiment: string) =>
    run.cells.filter((cell) => cell.experiment === experiment).map(({ factors, facts }) => ({ ...factors, ...facts }));

  beforeAll(async () => {
    const out = join(await scratch(), 'run');
    const files = ['addresses', 'missing-address', 'socket-options'].map(own);
    const { exitCode, stderr, stdout } = await lingerlab(['run', ...files, '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode, stdout).toBe(0);
    run = await readRun(out);
    expect(run.cells.flatMap(({ warnings }) => warnings)).toEqual([]);
  }, 2 * minutes);

  test('at any address a connection is observed whole, though cells have address and port at the same time', () => {
    const cells = factsOf('addresses');
    expect(cells).toHaveLength(24);
    for (const cell of cells)
      expect(cell).toMatchObject({
        'timeWait.holder': 'client',
        'client.path': ['SYN-SENT', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT'],
        'server.path': ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'],
        'client.closedWith': ['FIN'],
        'client.written': 100,
        'client.delivered': 100,
        'server.lost': 0,
      });
  });

  test.each([
    ['exact', { listens: '127.0.0.2', from: '127.0.0.3', ends: ['127.0.0.2', '127.0.0.2'] }],
    ['unbound', { listens: '127.0.0.2', from: expect.stringMatching(/^127\.(6[4-9]|[78]\d)\./) as string }],
    ['mapped', { listens: '::ffff:127.0.0.2', from: '127.0.0.3', ends: ['127.0.0.2', '127.0.0.2'] }],
    ['mapped-wildcard', { listens: '::ffff:0.0.0.0', from: '127.0.0.3' }],
    [
      'ipv6-other',
      { listens: expect.stringMatching(/^fd77:/) as string, from: expect.stringMatching(/^fd77:/) as string },
    ],
    ['link-local', { listens: 'fe80::2%veth0', from: 'fe80::1', ends: ['fe80::2', 'fe80::2'] }],
  ])('%s: listens, and is connected to, where it was said', (place, facts) => {
    const cells = factsOf('addresses').filter((cell) => cell.place === place);
    expect(cells).toHaveLength(4);
    for (const cell of cells) expect(cell).toMatchObject(facts);
  });

  test("an address that the namespace does not have is the kernel's refusal, another cell's the program's", () => {
    expect(factsOf('missing-address')).toMatchObject([
      {
        net: 'EADDRNOTAVAIL',
        libc: 'EADDRNOTAVAIL',
        source: 'EADDRNOTAVAIL',
        device: 'EINVAL',
        others: expect.stringContaining("'10.64.255.1' may belong to another cell") as string,
      },
    ]);
  });

  test('a place has the port that was chosen, and a listener on every address is reached there', () => {
    expect(factsOf('missing-address')).toMatchObject([
      {
        ports: 3,
        place: ['other', 'chosen'],
        'placed.timeWait.holder': 'client',
        'placed.server.path': ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'],
      },
    ]);
  });

  test('a listener on :: is reached over IPv4 unless it is for IPv6 alone, and has a port without one asked for', () => {
    const both = ['ok', 'ok'];
    const six = ['ECONNREFUSED', 'ok'];
    expect(factsOf('missing-address')).toMatchObject([
      { only: [...six, ...six, ...both, ...both], noPort: ['chosen', 'SO_REUSEADDR true', 'ok'] },
    ]);
  });

  test('options are recorded with what the kernel kept of each, also those by number', () => {
    const cells = factsOf('socket-options');
    expect(cells).toHaveLength(2);
    for (const cell of cells) {
      expect(cell['client.options']).toMatchObject([
        { option: 'SO_RCVBUF', value: 10_000, kept: 20_000 },
        { option: 'SO_SNDBUF', value: 20_000, kept: 40_000 },
        { option: 'TCP_NODELAY', value: true, kept: true },
        // of a connection getsockopt(2) gives what it has, not what was asked for
        { option: 'TCP_MAXSEG', value: 1000, kept: expect.any(Number) as number },
        { option: 'TCP_SYNCNT', value: 3, kept: 3 },
        { option: 'TCP_QUICKACK', value: false, kept: false },
        { option: 'TCP_CONGESTION', value: 'reno', kept: 'reno' },
        { option: 'SO_BINDTODEVICE', value: 'lo', kept: 'lo' },
        { option: 'IP_FREEBIND', value: true, kept: true },
        { option: 'IP_LOCAL_PORT_RANGE', value: { low: 40_000, high: 40_007 }, kept: { low: 40_000, high: 40_007 } },
        { option: 'IPPROTO_TCP 13', value: '0x72656e6f', kept: '0x72656e6f' },
        { option: '6 18', value: '0xdc050000', kept: '0xdc050000' },
        { option: 'IPPROTO_IP 2', value: '0x07', kept: '0x07000000' },
      ]);
      expect(cell).toMatchObject({
        read: ['20000', '"reno"', '"lo"', '{"low":40000,"high":40007}', '1500'],
        byNumber: [`72656e6f${'00'.repeat(12)}`, '07000000', '204e0000'],
        refused: ['ENOPROTOOPT', 'ENOPROTOOPT', 'ENODEV', 'EINVAL', 'EINVAL', 'ENOENT'],
        // 1, 3, 7 seconds: a whole number of time-outs
        accepted: ['7', '16'],
      });
    }
  });

  test('IP_TRANSPARENT is for a user with CAP_NET_ADMIN', () => {
    const transparent = factsOf('socket-options').map(({ user, transparent }) => [user, transparent]);
    expect(Object.fromEntries(transparent)).toEqual({ root: 'ok', nobody: 'EPERM' });
  });
});
