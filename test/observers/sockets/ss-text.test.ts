import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseEnd, parseMs, parseSs } from '../../../src/observers/sockets/ss-text.ts';

const folder = new URL('../../fixtures/ss/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');

interface Capture {
  readonly file: string;
  readonly iproute2: string;
  readonly linux: string;
  readonly scene: string;
}
const captures: Capture[] = readdirSync(folder).flatMap((file) => {
  const match = /^iproute2-([\d.]+)\.linux-([\d.]+)\.(.+?)(?:-processes|-all)?\.txt$/.exec(file);
  return match ? [{ file, iproute2: match[1]!, linux: match[2]!, scene: match[3]! }] : [];
});

interface Expected {
  readonly at: string;
  readonly to: string;
  readonly states: Readonly<Record<string, string>>;
}
const expectedOf = ({ linux, scene }: Capture): Expected => JSON.parse(read(`expected.linux-${linux}.${scene}.json`));

const unmapped = (address: string): string => address.replace(/^::ffff:/, '');

test('there are captures of four versions of iproute2', () => {
  expect(new Set(captures.map(({ iproute2 }) => iproute2)).size).toBeGreaterThanOrEqual(4);
});

describe.each(captures)('$file', (capture) => {
  const text = read(capture.file);
  const { sockets, unread } = parseSs(text);
  const expected = expectedOf(capture);
  const timers = (name: string) => sockets.flatMap(({ timer }) => (timer?.name === name ? [timer] : []));

  test('reads every line', () => {
    expect(unread).toEqual([]);
    expect(sockets.length).toBe(text.trimEnd().split('\n').length);
  });

  test('finds the sockets that were made, in the states that they were brought to', () => {
    const found = sockets
      .filter(({ state }) => state !== 'CLOSED')
      .map(({ local, remote, state }) => [`${local.port}>${remote.port}`, state]);
    expect(Object.fromEntries(found)).toEqual(expected.states);
    expect(found.length).toBe(Object.keys(expected.states).length);
  });

  test('keeps addresses without zones and brackets, mapped ones as IPv4 of an IPv6 socket', () => {
    const own = [unmapped(expected.at), unmapped(expected.to)];
    const wildcard = capture.scene.startsWith('ipv4') ? '0.0.0.0' : '::';
    const linkLocal = capture.scene === 'ipv6' ? ['fe80::1'] : [];
    const addresses = new Set(sockets.flatMap(({ local, remote }) => [local.address, remote.address]));
    expect([...addresses].sort()).toEqual([...new Set([...own, wildcard, ...linkLocal])].sort());
    expect(new Set(sockets.map(({ family }) => family))).toEqual(new Set([capture.scene.startsWith('ipv4') ? 4 : 6]));
  });

  test('reads timers of every form', () => {
    const idle = timers('keepalive')
      .map(({ ms }) => ms)
      .sort((a, b) => a - b);
    const set = [7_000, 59_000, 118_000, 7_200_000];
    expect(idle.length).toBe(set.length);
    for (const [index, ms] of set.entries()) {
      expect(idle[index]).toBeLessThanOrEqual(ms);
      // minutes are cut off from ten on; the scene is a second or so old
      expect(idle[index]).toBeGreaterThanOrEqual(ms - (ms > 600_000 ? 65_000 : 5_000));
    }
    expect(timers('timewait').map(({ ms }) => ms > 50_000 && ms <= 60_000)).toEqual([true, true]);
    expect(timers('persist').length).toBe(2);
    expect(timers('on').some(({ retransmits }) => retransmits > 0)).toBe(true);
  });

  test('reads inode and cookie, also after a process name that looks like them', () => {
    const cookies = sockets.map(({ cookie }) => cookie);
    expect(new Set(cookies).size).toBe(sockets.length);
    for (const cookie of cookies) expect(cookie).toMatch(/^[0-9a-f]+$/);
    const ownerless = sockets.filter(({ inode }) => inode === 0).map(({ state }) => state);
    expect(new Set(ownerless)).toEqual(new Set(['FIN-WAIT-1', 'FIN-WAIT-2', 'LAST-ACK', 'SYN-RECEIVED', 'TIME-WAIT']));
    const inodes = sockets.flatMap(({ inode }) => (inode ? [inode] : []));
    expect(new Set(inodes).size).toBe(sockets.length - 5);
  });

  test('reads the queues', () => {
    const stuck = sockets.filter(({ sendQ, state }) => sendQ > 4096 && state !== 'LISTEN');
    expect(stuck.map(({ state, timer }) => `${state} ${timer?.name}`).sort()).toEqual([
      'ESTABLISHED persist',
      'FIN-WAIT-1 persist',
    ]);
    expect(sockets.some(({ recvQ, state }) => recvQ > 1000 && state === 'ESTABLISHED')).toBe(true);
  });
});

test('a line becomes exactly this', () => {
  const line =
    'LAST-ACK   1      1      [::ffff:127.0.0.1]%lo:4400  [::ffff:127.0.0.1]:49298 timer:(on,1.516sec,2) uid:7 ino:0 sk:10a4 cgroup:/ ---   \n';
  expect(parseSs(line).sockets).toEqual([
    {
      state: 'LAST-ACK',
      recvQ: 1,
      sendQ: 1,
      local: { address: '127.0.0.1', port: 4400 },
      remote: { address: '127.0.0.1', port: 49298 },
      family: 6,
      timer: { name: 'on', ms: 1516, retransmits: 2 },
      inode: 0,
      cookie: '10a4',
    },
  ]);
});

test('without -o and -e there are no timer, inode and cookie', () => {
  expect(parseSs('ESTAB 0 0 10.0.0.1:22 10.0.0.2:5555').sockets).toEqual([
    {
      state: 'ESTABLISHED',
      recvQ: 0,
      sendQ: 0,
      local: { address: '10.0.0.1', port: 22 },
      remote: { address: '10.0.0.2', port: 5555 },
      family: 4,
    },
  ]);
});

test('several processes that share a socket are skipped', () => {
  const line = 'ESTAB 0 0 1.2.3.4:1 1.2.3.4:2 users:(("a,fd=))",pid=1,fd=2),("sk:7 )) b",pid=3,fd=4)) ino:9 sk:8';
  expect(parseSs(line).sockets).toMatchObject([{ inode: 9, cookie: '8' }]);
});

describe('names of processes', () => {
  const hostile = 'a",fd=3)) timer:(keepalive,2min,0) ino:7 sk:5';
  const line = (rest: string) => `ESTAB 0 0 1.2.3.4:1 1.2.3.4:2 ${rest}`;

  test("a name's words are not the socket's", () => {
    const text = line(`users:(("${hostile}",pid=1,fd=3)) timer:(on,200ms,1) ino:9 sk:8 cgroup:/ <->`);
    expect(parseSs(text).sockets).toMatchObject([
      { timer: { name: 'on', ms: 200, retransmits: 1 }, inode: 9, cookie: '8' },
    ]);
    expect(parseSs(line(`users:(("${hostile}",pid=1,fd=3))`)).sockets).toEqual([
      expect.not.objectContaining({ inode: expect.anything(), timer: expect.anything() }),
    ]);
  });

  test('of a name that can be read in two ways nothing is taken', () => {
    const text = line('users:(("a",pid=1,fd=3)) ino:7 sk:5 skmem:(",pid=1,fd=3)) ino:9 sk:8');
    expect(parseSs(text)).toEqual({ sockets: [], unread: [text] });
  });

  test('in a line that is otherwise not understood are not taken for what is', () => {
    const text = line(`users:(("${hostile}",pid=1,fd=3)) new:1 ino:9 sk:8`);
    expect(parseSs(text)).toEqual({ sockets: [], unread: [text] });
  });
});

describe('a column that is not known', () => {
  const known = 'TIME-WAIT 0 0 127.0.0.1:1 127.0.0.1:2 timer:(timewait,59sec,0) uid:7 ino:1 sk:2 cgroup:/ v6only:0 <->';
  const words = known.split(' ');

  test.each(words.map((_, index) => index + 1))('makes the line unread, wherever it is: behind word %i', (place) => {
    const line = words.toSpliced(place, 0, 'system_u:object_r:unlabeled_t:s0').join(' ');
    expect(parseSs(line)).toEqual({ sockets: [], unread: [line] });
  });

  test('and without it the line is read', () => {
    expect(parseSs(known).sockets).toHaveLength(1);
  });
});

test('nothing is nothing', () => {
  expect(parseSs('')).toEqual({ sockets: [], unread: [] });
  expect(parseSs('\n\n')).toEqual({ sockets: [], unread: [] });
});

test.each([
  ['a header', 'State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process'],
  ['a state that is not known', 'WAITING 0 0 127.0.0.1:1 127.0.0.1:2'],
  ['a line that is cut off', 'ESTAB 0 0 127.0.0.1:4000'],
  ['only a state', 'ESTAB'],
  ['a queue that is not a number', 'ESTAB 0 x 127.0.0.1:1 127.0.0.1:2'],
  ['an address without a port', 'ESTAB 0 0 127.0.0.1 127.0.0.1:2'],
  ['a service name for a port', 'ESTAB 0 0 127.0.0.1:ssh 127.0.0.1:2'],
  ['a timer that is not one', 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 timer:(on,soon,0)'],
  ['a timer without retransmissions', 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 timer:(on,5ms)'],
  ['a timer without a name', 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 timer:(,5ms,0)'],
  ['a timer that is cut off', 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 timer:(on,5ms,0'],
  ['a timer with a word for a number', 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 timer:(on,5ms,x)'],
  ['a cookie that is not a number', 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 ino:1 sk:x'],
  ['an inode that is not a number', 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 ino:x sk:1'],
  ['a message', 'Cannot open netlink socket: Protocol not supported'],
])('%s is given back unread, and the lines around it are read', (_, line) => {
  const good = 'LISTEN 0 8 *:80 *:* ino:1 sk:1';
  const { sockets, unread } = parseSs(`${good}\n${line}\n${good}\n`);
  expect(unread).toEqual([line]);
  expect(sockets.length).toBe(2);
});

test('a timer has a name, a time and a number of retransmissions', () => {
  const timers = ['timer:(persist,1min58sec,12)', 'timer:(on,,0)'].map(
    (timer) => parseSs(`ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 ${timer}`).sockets[0]?.timer,
  );
  expect(timers).toEqual([
    { name: 'persist', ms: 118_000, retransmits: 12 },
    { name: 'on', ms: 0, retransmits: 0 },
  ]);
});

describe('the end of a socket', () => {
  test.each([
    ['127.0.0.1:80', '127.0.0.1', 80, 4],
    ['127.0.0.1%lo:80', '127.0.0.1', 80, 4],
    ['0.0.0.0:*', '0.0.0.0', 0, 4],
    ['0.0.0.0%eth0:68', '0.0.0.0', 68, 4],
    ['[::1]:80', '::1', 80, 6],
    ['[::]:*', '::', 0, 6],
    ['[fe80::1]%eth0:443', 'fe80::1', 443, 6],
    ['[fe80::1%eth0]:443', 'fe80::1', 443, 6],
    ['[::ffff:127.0.0.1]:80', '127.0.0.1', 80, 6],
    ['[::ffff:10.1.2.3]%veth.1:80', '10.1.2.3', 80, 6],
    ['[::ffff:7f00:1]:80', '::ffff:7f00:1', 80, 6],
    ['*:80', '::', 80, 6],
    ['*%lo:80', '::', 80, 6],
    ['*:*', '::', 0, 6],
    // iproute2 before 4.14
    ['::ffff:192.0.2.1:443', '192.0.2.1', 443, 6],
    ['::1:80', '::1', 80, 6],
    [':::*', '::', 0, 6],
    ['fe80::1%eth0:443', 'fe80::1', 443, 6],
    ['[2001:db8::5]:65535', '2001:db8::5', 65_535, 6],
  ])('%s', (text, address, port, family) => {
    expect(parseEnd(text)).toEqual({ at: { address, port }, family });
  });

  test.each([
    '',
    ':',
    ':80',
    '127.0.0.1',
    '127.0.0.1:',
    '[::1:80',
    '[::1]',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    'lo:80',
    '1.2.3:80',
    '[127.0.0.1]:80',
    '[fe80::x]:80',
    '[*]:80',
    '127.0.0.1:1e3',
    '127.0.0.1:+1',
  ])('%j is no end of a socket', (text) => {
    expect(parseEnd(text)).toBeUndefined();
  });
});

describe('the time of a timer', () => {
  /** print_ms_timer of iproute2's misc/ss.c; before 6.12 the second unit was `ms` after seconds, too. */
  function printed(timeout: number, old: boolean): string {
    const minutes = Math.floor(timeout / 60_000);
    const seconds = minutes > 9 ? 0 : Math.floor(timeout / 1000) % 60;
    const ms = minutes > 0 || seconds > 9 ? 0 : timeout % 1000;
    const unit = seconds && !old ? 'sec' : 'ms';
    return [
      minutes ? `${minutes}min` : '',
      seconds ? `${seconds}${ms ? '.' : 'sec'}` : '',
      ms ? `${String(ms).padStart(3, '0')}${unit}` : '',
    ].join('');
  }

  test.each([
    ['', 0],
    ['004ms', 4],
    ['200ms', 200],
    ['5.992ms', 5992],
    ['5.992sec', 5992],
    ['1.004sec', 1004],
    ['59sec', 59_000],
    ['1min', 60_000],
    ['1min58sec', 118_000],
    ['119min', 7_140_000],
  ])('%s is %i ms', (text, ms) => {
    expect(parseMs(text)).toBe(ms);
  });

  test.each([true, false])('whatever iproute2 prints is read back, up to what it cuts off (older: %s)', (old) => {
    for (let timeout = 0; timeout < 700_000; timeout += 37) {
      const cut = timeout >= 600_000 ? 60_000 : timeout >= 10_000 ? 1000 : 1;
      expect(parseMs(printed(timeout, old))).toBe(timeout - (timeout % cut));
    }
  });

  test.each(['soon', '5', '1hr', '-5ms', '1min5', '5.sec', ' 5sec', '5sec '])('%j is no time', (text) => {
    expect(parseMs(text)).toBeUndefined();
  });
});
