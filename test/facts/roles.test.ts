import { expect, test } from 'vitest';
import { endOf, ofAnyEnd, ofEach, partsOf, whoseIs, withoutEnd, withoutRole } from '../../src/facts/roles.ts';

const roles = { closing: 'server', other: 'client' } as const;
const names = Object.keys(roles);

test('a name by role stands for the fact of the end that has the role', () => {
  expect(withoutRole('closing.lost', roles)).toBe('server.lost');
  expect(withoutRole('other.stateMs.TIME-WAIT', roles)).toBe('client.stateMs.TIME-WAIT');
  expect(withoutRole('old.closing.path', roles)).toBe('old.server.path');
  expect(withoutRole('closing.lost', ofAnyEnd(names))).toBe('client.lost');
});

test('any other name is left as it is, a counter of a namespace too', () => {
  for (const name of ['client.lost', 'timeWait.holder', 'closing', 'counters.closing.Tcp.OutRsts'])
    expect(withoutRole(name, roles)).toBe(name);
  expect(withoutRole('closing.lost', undefined)).toBe('closing.lost');
});

test("an end's fact has one of each end, a role's of each role", () => {
  expect(ofEach('server.path', names)).toEqual(['client.path', 'server.path']);
  expect(ofEach('old.other.path', names)).toEqual(['old.closing.path', 'old.other.path']);
  expect(ofEach('timeWait.holder', names)).toBeUndefined();
  expect([withoutEnd('old.closing.path', names), whoseIs('old.closing.path', names)]).toEqual(['old.path', 'closing']);
});

test('a name is read in its parts: whose it is, and of which connection', () => {
  const roles = ['closing', 'other'];
  expect(partsOf('old.client.lost.js')).toEqual({ of: 'end', label: 'old', whose: 'client', own: 'lost.js' });
  expect(partsOf('closing.lost', roles)).toEqual({ of: 'end', label: '', whose: 'closing', own: 'lost' });
  expect(partsOf('closing.lost').of).toBe('cell');
  expect(partsOf('new.timeWait.holder')).toMatchObject({ of: 'connection', label: 'new', own: 'timeWait.holder' });
  expect(partsOf('closeSkew')).toEqual({ of: 'connection', label: '', whose: '', own: 'closeSkew' });
  expect(partsOf('new.closeSkew')).toMatchObject({ of: 'connection', label: 'new', own: 'closeSkew' });
  expect(partsOf('counters.lab.TcpExt.TW')).toEqual({ of: 'namespace', label: '', whose: 'lab', own: 'TcpExt.TW' });
  expect(partsOf('rate.perSecond')).toEqual({ of: 'cell', label: '', whose: '', own: 'rate.perSecond' });
});

test("a path's name says its end", () => {
  expect(endOf('server')).toEqual({ label: '', end: 'server' });
  expect(endOf('old.client')).toEqual({ label: 'old', end: 'client' });
});
