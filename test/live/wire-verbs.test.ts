import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { lingerlab, live, own, scratch } from './program.ts';

live('verbs of the wire', () => {
  let cells: readonly CellRecord[];
  beforeAll(async () => {
    const out = join(await scratch(), 'run');
    const run = ['run', own('wire-verbs'), own('translated'), 'forgotten-by-nat', '--out', out];
    const { exitCode, stdout } = await lingerlab(run);
    ({ cells } = await readRun(out));
    expect(cells.flatMap(({ id, reason }) => (reason ? [`${id}: ${reason.message}`] : []))).toEqual([]);
    expect(exitCode, stdout).toBe(0);
  }, 120_000);
  const cellOf = (experiment: string, factors: Record<string, string | number>): CellRecord => {
    const found = cells.find(
      (cell) =>
        cell.experiment === experiment &&
        Object.entries(factors).every(([name, value]) => cell.factors[name] === value),
    );
    if (!found) throw new Error(`no cell of ${experiment} with ${JSON.stringify(factors)}`);
    return found;
  };
  const factsOf = (verb: string) => cellOf('wire-verbs', { verb }).facts;

  test('no facts exclude each other, and no observers', () => {
    const contradictions = ['facts-contradict', 'observers-disagree'];
    const found = cells.flatMap(({ id, warnings }) =>
      warnings.filter(({ code }) => contradictions.includes(code)).map(({ text }) => `${id}: ${text}`),
    );
    expect(found).toEqual([]);
  });

  test('a silence is observed, and a segment that is sent again in time ends the wait', () => {
    expect(factsOf('silence')).toMatchObject({ silent: true });
    expect(factsOf('retransmit')).toMatchObject({ silent: false });
  });

  test('an ICMP message in SYN-SENT fails connect(2) with the errno of its kind, in each family', () => {
    // icmp_err_convert[] in net/ipv4/icmp.c, icmpv6_err_convert() in net/ipv6/icmp.c
    expect((factsOf('icmp').errnos as string).split('; ')).toEqual([
      '4 net-unreachable ENETUNREACH',
      '4 protocol-unreachable ENOPROTOOPT',
      '4 port-unreachable ECONNREFUSED',
      '4 admin-prohibited EHOSTUNREACH',
      '4 ttl-exceeded EHOSTUNREACH',
      '4 parameter-problem EPROTO',
      '6 net-unreachable ENETUNREACH',
      '6 protocol-unreachable EPROTO',
      '6 port-unreachable ECONNREFUSED',
      '6 admin-prohibited EACCES',
      '6 ttl-exceeded EHOSTUNREACH',
      '6 parameter-problem EPROTO',
    ]);
    expect(
      cellOf('wire-verbs', { verb: 'icmp' }).asides?.flatMap((each) => (each.what === 'unreachable' ? each.kind : [])),
    ).toHaveLength(12);
  });

  test('in ESTABLISHED it resets nothing', () => {
    expect(factsOf('soft')).toMatchObject({ silent: true, told: 'ok' });
  });

  test('a SYN of new four numbers opens a connection that only the wire has, and later numbers count from it', () => {
    expect(factsOf('new-four')).toMatchObject({
      told: 'SYN,ACK',
      count: 1,
      silent: true,
      'counters.server.Tcp.PassiveOpens': 2,
    });
    const { incarnations, segments } = cellOf('wire-verbs', { verb: 'new-four' });
    expect(incarnations?.map(({ label }) => label)).toEqual(['', 'forged']);
    const forged = segments!.filter(({ label, deed }) => label === 'forged' && deed.do === 'forged');
    expect(forged.map(({ flags, seq, ack }) => [flags.join(), seq, ack])).toEqual([
      ['SYN', 0, undefined],
      ['ACK', 1, 1],
    ]);
  });

  test('a RST to a listener is answered by nothing, and the listener accepts the next connection', () => {
    expect(factsOf('reset-listener')).toMatchObject({ count: 0, told: 'ESTABLISHED' });
  });

  test('an urgent byte is not in the stream, and bytes are what they were', () => {
    expect(factsOf('urgent')).toMatchObject({ told: '\0\u0001' });
  });

  test('an old absolute timestamp is refused with an ACK', () => {
    expect(factsOf('stamped')).toMatchObject({ silent: false, told: 'nothing' });
  });

  describe.each([4, 6])('a translation of IPv%i', (family) => {
    const translated = (way: string) => cellOf('translated', { way, family });
    const whole = {
      known: true,
      'old.timeWait.holder': 'client',
      'old.client.path': ['SYN-SENT', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT'],
      'old.server.path': ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'],
      'old.client.closedWith': ['FIN'],
      'old.server.closedWith': ['FIN'],
      'old.client.delivered': 3,
      'old.server.delivered': 5,
    };

    test.each([
      ['closed', 1],
      ['opened', 1],
      ['two', 2],
    ])('leaves every fact as it is: %s', (way, mappings) => {
      expect(translated(way).facts).toMatchObject({ ...whole, mappings });
    });

    test('that has forgotten makes another mapping, at which the server has no connection', () => {
      const { facts, segments } = translated('forgotten');
      expect(facts).toMatchObject({
        ended: 'ECONNRESET',
        mappings: 2,
        'old.client.path': ['SYN-SENT', 'ESTABLISHED', 'CLOSED'],
      });
      // the RST is not of the server's socket, which knows the client by the first mapping
      expect(facts).toMatchObject({ 'old.server.path': ['SYN-RECEIVED', 'ESTABLISHED'], 'old.server.closedWith': [] });
      expect(segments!.find(({ from, length }) => from === 'server' && length > 0)?.deed).toEqual({ do: 'no mapping' });
      const carried = segments!.flatMap(({ deed }) =>
        deed.do === 'carried' && deed.translated ? deed.translated.port : [],
      );
      expect(new Set(carried)).toEqual(new Set([61_001, 61_002]));
    });

    test('answers with a RST of its own, or drops, and translates what is forged and what ICMP quotes', () => {
      expect(translated('reset').facts).toMatchObject({ ended: 'ECONNRESET', mappings: 1 });
      expect(translated('forged').facts).toMatchObject({ ended: 'ECONNRESET' });
      // a soft error of an established connection, which it reports when it gives up
      expect(translated('told').facts).toMatchObject({ ended: 'ECONNREFUSED' });
    });
  });

  test('an idle connection dies behind a NAT, and keepalive keeps it', () => {
    const verdicts = cells
      .filter(({ experiment }) => experiment === 'forgotten-by-nat')
      .flatMap(({ claims }) => claims.map(({ id, verdict }) => `${id} ${verdict}`));
    expect(verdicts.toSorted()).toEqual([
      'dropped-without-a-word confirmed',
      'keepalive-keeps-it confirmed',
      'keepalive-keeps-it confirmed',
      'keepalive-keeps-it confirmed',
      'new-mapping-is-refused confirmed',
      'reset-tells-one-end confirmed',
    ]);
  });
});
