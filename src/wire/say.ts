import type { Match, PatternData } from '../experiment/patterns.ts';
import type { Rule } from '../experiment/rules.ts';
import type { Deed } from '../record/deed.ts';
import { addressAndPort } from '../tcp/address.ts';
import { icmpText } from '../tcp/icmp.ts';

const rangeText = (from: number, to = from): string => {
  if (to === Number.POSITIVE_INFINITY) return `${from} or more`;
  return from === to ? `${from}` : `${from} to ${to}`;
};

function lengthText({ from, to = Number.POSITIVE_INFINITY }: Match & { is: 'length' }): string {
  if (to === 0) return 'without data';
  return from === 1 && to === Number.POSITIVE_INFINITY ? 'data' : `with ${rangeText(from, to)} bytes`;
}

function flagsText({ set, clear }: Match & { is: 'flags' }): string {
  if (set.join() === 'ACK' && clear.length > 1) return 'bare ACK';
  const without = clear.length > 0 ? `without ${clear.join(' and ')}` : '';
  return [set.join(',') || 'TCP', without].filter(Boolean).join(' ');
}

/** What a match means, in words: `FIN from the server`. */
function matchText(match: Match): string {
  switch (match.is) {
    case 'any':
      return 'any packet';
    case 'other':
      return 'what is no TCP segment';
    case 'from':
      return `from the ${match.end}`;
    case 'flags':
      return flagsText(match);
    case 'length':
      return lengthText(match);
    case 'seq':
    case 'ack':
    case 'window':
      return `with ${match.is} ${rangeText(match.from, match.to)}`;
    case 'covers':
      return `with the byte ${match.seq}`;
    case 'contains':
      return `containing ${JSON.stringify(Buffer.from(match.hex, 'hex').toString('latin1'))}`;
    case 'between':
      return `on port ${match.one.port}`;
    case 'connection':
      return `of connection ${match.number}`;
    case 'option':
      return `with the option ${match.kind}`;
    case 'all':
      return match.of.map(matchText).join(' ');
    case 'some':
      return `(${match.of.map(matchText).join(' or ')})`;
    case 'not':
      return `not (${matchText(match.of)})`;
  }
}

const ordinalText = (ordinal: number): string => {
  const ending = { 1: 'st', 2: 'nd', 3: 'rd' }[(ordinal % 10) as 1 | 2 | 3];
  return `${ordinal}${ending === undefined || [11, 12, 13].includes(ordinal % 100) ? 'th' : ending}`;
};

/** A pattern in words, for messages: `2nd FIN from the server`. */
export const patternText = ({ match, ordinal }: PatternData): string =>
  ordinal === undefined ? matchText(match) : `the ${ordinalText(ordinal)} ${matchText(match)}`;

/** A rule in words, for messages: `hold SYN,ACK from the server, 1 time`. */
export const ruleText = ({ pattern, action, times }: Rule): string =>
  `${action.do} ${patternText(pattern)}${times === undefined ? '' : `, ${times} ${times === 1 ? 'time' : 'times'}`}`;

const refusedText = ({ errno }: { readonly errno?: string | undefined }): string =>
  errno === undefined ? '' : `refused by the kernel: ${errno}`;
const joined = (...parts: readonly string[]): string => parts.filter(Boolean).join(', ');

function madeText(deed: Extract<Deed, { of?: number }>): string {
  const of = `#${deed.of}`;
  if (deed.do === 'copy') return `duplicate of ${of}`;
  if (deed.do === 'replay') return `replay of ${of}`;
  if (deed.as === 'reset') return `forged: no mapping, of ${of}`;
  if (deed.as === 'echo') return deed.of === undefined ? 'echo request' : `echo request, after ${of}`;
  return deed.as === 'unreachable' ? `forged: ${icmpText(deed.icmp?.kind ?? 'host-unreachable')}, of ${of}` : 'forged';
}

function waitedText(deed: Extract<Deed, { heldNs?: number }>): string {
  const what = deed.do === 'delayed' && deed.behind !== undefined ? 'overtaken' : deed.do;
  if (deed.heldNs === undefined) return what;
  const refused = refusedText(deed);
  const after = deed.do === 'held' && deed.discarded ? 'then dropped' : refused && `then ${refused}`;
  return joined(`${what} ${(deed.heldNs / 1e6).toFixed(3)} ms`, after);
}

/** What the wire did with a packet, as a comment of the capture: `held 412.000 ms (rule 2)`, `replay of #7`. */
export function deedText(deed: Deed): string {
  const rule = 'rule' in deed && deed.rule !== undefined ? ` (rule ${deed.rule})` : '';
  switch (deed.do) {
    case 'refused':
      return refusedText(deed);
    case 'held':
    case 'delayed':
      return `${waitedText(deed)}${rule}${deed.heldNs === undefined ? ', and still is' : ''}`;
    case 'copy':
    case 'replay':
    case 'forged':
      return joined(madeText(deed) + rule, refusedText(deed));
    case 'carried':
      return joined(deed.do, deed.translated ? `as ${addressAndPort(deed.translated)}` : '');
    default:
      return deed.do + rule;
  }
}
