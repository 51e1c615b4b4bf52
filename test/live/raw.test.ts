import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ReadRun, readEvents, readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

/** Each does what a program in C does. */
const programs = [
  'bound-connect',
  'two-reads',
  'accept-after-reset',
  'ports-used-up',
  'listener-shutdown',
  'two-writes',
  'reopened',
  'listens-after',
  'port-share',
  'two-clients',
];
const names = [...programs, 'taken', 'states', 'descriptors'];

live('raw sockets', () => {
  let out: string;
  let run: ReadRun;
  const cellsOf = (name: string, factors: Readonly<Record<string, unknown>> = {}) =>
    run.cells.filter(
      (cell) =>
        cell.experiment === `raw-${name}` &&
        Object.entries(factors).every(([factor, value]) => cell.factors[factor] === value),
    );
  /** The facts of each cell with these factors. */
  const factsOf = (name: string, factors: Readonly<Record<string, unknown>> = {}) => {
    const cells = cellsOf(name, factors);
    expect(cells.length, name).toBeGreaterThan(0);
    return cells.map(({ facts }) => facts);
  };

  beforeAll(async () => {
    out = join(await scratch(), 'run');
    const files = names.map((name) => own(`raw-${name}`));
    const { stderr, exitCode, stdout } = await lingerlab(['run', ...files, '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode, stdout).toBe(0);
    run = await readRun(out);
    expect(run.cells.flatMap(({ warnings }) => warnings)).toEqual([]);
  }, 120_000);

  test.each(programs)('a program in C is an experiment of at most 40 lines: %s', (name) => {
    expect(
      readFileSync(own(`raw-${name}`), 'utf8')
        .trimEnd()
        .split('\n').length,
    ).toBeLessThanOrEqual(40);
  });

  describe('a port with a TIME-WAIT', () => {
    test('cannot be bound again without SO_REUSEADDR', () => {
      for (const facts of factsOf('bound-connect', { reuse: false })) expect(facts.bind).toBe('EADDRINUSE');
    });

    test('can with it, and connect(2) takes the place of TIME-WAIT at once where there are timestamps', () => {
      // __inet_hash_connect(): with a port that was bound tcp_twsk_unique() is not told that it may wait for tcp_tw_reuse
      for (const facts of factsOf('bound-connect', { reuse: true, timestamps: 1 }))
        expect(facts).toMatchObject({ bind: 'ok', connect: 'ok', 'first.timeWait.endedBy': 'recycled' });
      for (const facts of factsOf('bound-connect', { reuse: true, timestamps: 0 }))
        expect(facts).toMatchObject({ bind: 'ok', connect: 'EADDRNOTAVAIL' });
    });
  });

  test('a read after a reset fails with ECONNRESET, the next one is at the end; what came before is read first', () => {
    for (const facts of factsOf('two-reads')) {
      expect(facts).toMatchObject({
        poll: 'POLLIN,POLLOUT,POLLERR,POLLHUP,POLLRDHUP',
        name: 'ENOTCONN',
        before: 'ling',
        first: 'ECONNRESET',
        second: '',
        later: 'POLLIN,POLLOUT,POLLHUP,POLLRDHUP',
        'server.delivered': 4,
        'client.sawEnd': true,
        'client.errors': [
          { call: 'getpeername', errno: 'ENOTCONN' },
          { call: 'read', errno: 'ECONNRESET' },
        ],
      });
    }
    // Node has no events of what it does not read
    for (const facts of factsOf('two-reads')) expect(Object.hasOwn(facts, 'client.events')).toBe(false);
  });

  test('accept(2) gives a connection that was reset before, with the address that it came from', () => {
    for (const facts of factsOf('accept-after-reset')) {
      expect(facts).toMatchObject({
        accepted: 'ok',
        sameClient: true,
        name: 'ENOTCONN',
        first: 'ECONNRESET',
        second: 'ok',
        again: 'EAGAIN',
        'client.path': ['SYN-SENT', 'ESTABLISHED', 'CLOSED'],
        'client.closedWith': ['RST'],
        'server.path': ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSED'],
      });
    }
  });

  test('a bind before connect takes a port for itself, unless IP_BIND_ADDRESS_NO_PORT leaves that to connect(2)', () => {
    expect(factsOf('ports-used-up', { noPort: false })[0]).toMatchObject({
      connected: 2,
      call: 'bind',
      errno: 'EADDRINUSE',
    });
    expect(factsOf('ports-used-up', { noPort: true })[0]).toMatchObject({
      connected: 4,
      call: 'connect',
      errno: 'EADDRNOTAVAIL',
    });
  });

  test('a listener that is shut down for reading resets what waits, and listens again when it is told to', () => {
    for (const how of ['RD', 'RDWR']) {
      for (const facts of factsOf('listener-shutdown', { how })) {
        expect(facts).toMatchObject({
          shutdown: 'ok',
          read: 'ECONNRESET',
          accept: 'EINVAL',
          later: 'ECONNREFUSED',
          last: 'ok',
          'queued.server.closedWith': ['RST'],
          'later.client.path': ['SYN-SENT', 'CLOSED'],
          'later.client.errors': [{ call: 'connect', errno: 'ECONNREFUSED' }],
          'last.server.path': ['SYN-RECEIVED', 'ESTABLISHED'],
        });
      }
    }
    for (const facts of factsOf('listener-shutdown', { how: 'WR' }))
      expect(facts).toMatchObject({ shutdown: 'ok', read: 'EAGAIN', accept: 'ok', later: 'ok', last: 'EISCONN' });
  });

  test("the first write after the other end's close succeeds, unless a RST has come; the next one fails with EPIPE", () => {
    expect(factsOf('two-writes', { unread: 0 })[0]).toMatchObject({
      first: '1',
      second: 'EPIPE',
      third: 'EPIPE',
      poll: 'POLLIN,POLLOUT,POLLHUP,POLLRDHUP',
      'client.written': 1,
      'client.delivered': 0,
      'client.lost': 1,
    });
    expect(factsOf('two-writes', { unread: 3 })[0]).toMatchObject({
      first: 'ECONNRESET',
      second: 'EPIPE',
      'client.written': 3,
      'client.lostIn': ['receiveQueue'],
    });
  });

  test('a socket that left its connection by AF_UNSPEC connects again', () => {
    for (const facts of factsOf('reopened')) {
      expect(facts).toMatchObject({
        again: 'EISCONN',
        unconnected: 'ENOTCONN',
        // tcp_disconnect() leaves it pending
        error: 'ECONNRESET',
        'first.client.path': ['SYN-SENT', 'ESTABLISHED', 'CLOSED'],
        'first.client.closedWith': ['RST'],
        'first.client.written': 3,
        'first.client.delivered': 3,
        'second.client.closedWith': ['RST'],
        'second.client.written': 5,
        'second.client.delivered': 5,
      });
    }
    expect(factsOf('reopened', { bound: true })[0]?.samePort).toBe(true);
    expect(factsOf('reopened', { bound: false })[0]?.samePort).toBe(false);
  });

  test('a socket that called connect(2) before listens, or is refused by kernels that forbid it', () => {
    const listened = {
      listens: 'ok',
      'second.server.path': ['SYN-RECEIVED', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT'],
    };
    expect(factsOf('listens-after', { before: 'nothing' })[0]).toMatchObject(listened);
    const [refused, connection] = ['refused', 'connection'].flatMap((before) => factsOf('listens-after', { before }));
    expect(connection?.['first.client.path']).toEqual(['SYN-SENT', 'ESTABLISHED', 'CLOSED']);
    expect(refused?.['first.client.path']).toEqual(['SYN-SENT', 'CLOSED']);
    // of two builds of Linux 6.18.44 one does, the other does not
    const forbids = connection?.listens === 'EINVAL';
    for (const facts of [refused, connection]) {
      if (forbids) expect(facts).toMatchObject({ listens: 'EINVAL' });
      else expect(facts).toMatchObject(listened);
    }
  });

  test('a port is shared by connects to several places, not while another socket is bound to it', () => {
    for (const bound of ['never', 'closed', 'disconnected'])
      expect(factsOf('port-share', { bound })[0], bound).toMatchObject({ shared: 'ok', elsewhere: 'ok' });
    expect(factsOf('port-share', { bound: 'open' })[0]).toMatchObject({
      bind: 'ok',
      shared: 'EADDRNOTAVAIL',
      elsewhere: 'EADDRNOTAVAIL',
    });
    for (const facts of factsOf('port-share')) expect(facts.same).toBe('EADDRNOTAVAIL');
  });

  test('two clients with SO_REUSEADDR share a port, and not a connection', () => {
    for (const reuse of ['none', 'second'])
      for (const facts of factsOf('two-clients', { reuse })) expect(facts.bind).toBe('EADDRINUSE');
    const shared = [
      ...factsOf('two-clients', { reuse: 'both', port: 'chosen' }),
      // the kernel chooses a port that is shared only where ip_autobind_reuse lets it
      ...factsOf('two-clients', { reuse: 'both', port: 'any', autobind: 1 }),
    ];
    for (const facts of shared) expect(facts).toMatchObject({ bind: 'ok', other: 'ok', same: 'EADDRNOTAVAIL' });
    expect(factsOf('two-clients', { reuse: 'both', port: 'any', autobind: 0 })[0]?.bind).toBe('EADDRINUSE');
  });

  test("a net socket's descriptor is read and written, accepts, and outlives net's own", () => {
    for (const facts of factsOf('taken')) {
      expect(facts).toMatchObject({
        name: 'true',
        read: 'hello',
        empty: 'EAGAIN',
        accept: 'EAGAIN',
        waiting: 'true',
        error: 'ECONNRESET',
        cleared: 'none',
        closed: 'EBADF',
      });
    }
  });

  test('each call is answered in each state', () => {
    const callsIn = (state: string) =>
      Object.fromEntries(
        (factsOf('states', { state, family: 4 })[0]!.calls as string).split(', ').map((each) => each.split(' ')),
      );
    const unbound = callsIn('unbound');
    expect(unbound).toEqual({
      read: 'ENOTCONN',
      write: 'EPIPE',
      accept: 'EINVAL',
      getpeername: 'ENOTCONN',
      open: 'ok',
      // connecting by then
      listen: 'EINVAL',
      bind: 'EINVAL',
      shutdown: 'ok',
    });
    expect(callsIn('bound')).toEqual(unbound);
    expect(callsIn('listening')).toMatchObject({ read: 'ENOTCONN', accept: 'EAGAIN', open: 'EISCONN', listen: 'ok' });
    expect(callsIn('connecting')).toMatchObject({
      read: 'EAGAIN',
      write: 'EAGAIN',
      open: 'EALREADY',
      listen: 'EINVAL',
    });
    expect(callsIn('refused')).toMatchObject({ read: 'ok', write: 'EPIPE', open: 'ECONNABORTED' });
    expect(factsOf('states', { state: 'refused' })[0]?.again).toBe('ECONNREFUSED');
    expect(callsIn('connected')).toMatchObject({ read: 'EAGAIN', write: 'ok', getpeername: 'ok', open: 'EISCONN' });
    expect(new Set(Object.values(callsIn('closed')))).toEqual(new Set(['EBADF']));
    expect(factsOf('states', { state: 'connected', family: 6 })[0]?.calls).toBe(
      factsOf('states', { state: 'connected', family: 4 })[0]?.calls,
    );
  });

  test('a socket is closed with its last descriptor; what it does not take at once it takes when there is room', () => {
    for (const facts of factsOf('descriptors')) {
      expect(facts).toMatchObject({
        kept: 'ESTABLISHED',
        full: 'EAGAIN',
        rest: 4_000_000,
        'one.client.delivered': 13,
        'one.client.closedWith': ['FIN'],
        'one.client.options': [{ option: 'TCP_USER_TIMEOUT', value: 7000, kept: 7000 }],
        'two.client.lost': 0,
        'two.timeWait.holder': 'client',
      });
      expect(facts['two.client.written']).toBe(facts['two.client.delivered']);
    }
  });

  test('the record has each call with what it got, and says which ends are raw', async () => {
    const [cell] = cellsOf('two-reads', { by: 'connect' });
    const events = (await readEvents(out, cell?.id ?? '', 1)) ?? [];
    expect(events.find(({ kind }) => kind === 'connection')).toMatchObject({ client: { raw: true } });
    const calls = events.flatMap((event) => (event.kind === 'call' && event.peer === 'client' ? [event] : []));
    expect(calls.map(({ verb }) => verb)).toEqual([
      'socket(2)',
      'connect(2)',
      'poll(2)',
      'poll(2)',
      'getpeername(2)',
      'read(2)',
      'read(2)',
      'read(2)',
      'poll(2)',
      'close(2)',
    ]);
    expect(calls.filter(({ verb }) => verb === 'read(2)')).toMatchObject([
      { asked: 100, wait: true, got: 4 },
      { asked: 100, wait: true, errno: 'ECONNRESET' },
      { asked: 100, wait: true, got: 0 },
    ]);
    expect(new Set(calls.map(({ socket }) => socket)).size).toBe(1);
  });
});
