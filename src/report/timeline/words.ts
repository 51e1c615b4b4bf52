import { formatCount, formatSeconds } from '../../facts/values.ts';
import type {
  CallEvent,
  CountersEvent,
  DeedEvent,
  Event,
  NodeEvent,
  QueuesEvent,
  SegmentEvent,
  TransitionEvent,
  WireEvent,
} from '../../record/event.ts';
import type { SegmentRecord } from '../../record/schema.ts';
import { addressAndPort } from '../../tcp/address.ts';
import { icmpText } from '../../tcp/icmp.ts';
import { otherEnd } from '../../tcp/states.ts';
import { plural } from '../format.ts';
import {
  becameText,
  blocksNs,
  deedParts,
  deedText,
  optionsText,
  purposeOf,
  things,
  type Way,
} from '../ladder/segment.ts';
import { labelOf, partsOf } from '../ladder/words.ts';
import { callText, heldText, refusalText, usualText } from './calls.ts';
import type { Names } from './names.ts';
import type { Shown } from './samples.ts';

/** How an entry stands out. */
export type Tone = 'state' | 'alarm' | 'wire' | 'plain' | 'aside';

/** What is equal may be counted instead of listed. */
export interface Alike {
  /** Tells apart what is counted together. */
  readonly key: string;
  readonly bytes?: number;
  /** The text for so many of them. */
  readonly counted: (count: number, bytes: number) => string;
  /** Fewer are listed; default 3. */
  readonly least?: number;
  /** A silence between two of them is part of the story. */
  readonly silences?: true;
}

/** An event in words. */
export interface Told {
  /** The peer by its name, `wire`, `kernel`, `harness`, or what samples are taken with. */
  readonly lane: string;
  readonly text: string;
  readonly tone: Tone;
  /** Details, printed where every event has a line. */
  readonly more?: string;
  readonly alike?: Alike;
  /** It has a line only where every event has one. */
  readonly minor?: true;
}

/** What an event's words need beside the event. */
export interface Words {
  readonly names: Names;
  /** Timer interrupts a second of the kernel that ran it; undefined where that is not known. */
  readonly hz: number | undefined;
  readonly shown: (event: Extract<Event, { kind: 'sample' }>) => Shown;
}

const of = (name: string, text: string): string => (name === '' ? text : `${name}: ${text}`);
const times =
  (text: string) =>
  (count: number): string =>
    `${text} × ${formatCount(count)}`;

/** An event in plain words. */
export function wordsOf(event: Event, words: Words): Told {
  const { names } = words;
  switch (event.kind) {
    case 'transition':
      return transitionWords(event, names);
    case 'reset-sent':
    case 'reset-received':
    case 'retransmit':
      return traceWords(event, names);
    case 'mini-socket':
      return kernel(`${names.flow(event)}: a mini-socket takes over, timer ${jiffiesText(event.jiffies, words)}`);
    case 'mini-timer-start':
      return kernel(
        `${names.timer(event) ?? 'a mini-socket'}: the timer of the mini-socket starts again, ${jiffiesText(event.jiffies, words)}`,
        'state',
      );
    case 'mini-timer-expire':
      return kernel(`${names.timer(event) ?? 'a mini-socket'}: the timer of the mini-socket expires`, 'state');
    case 'lost':
      return kernel(
        `${event.count === 0 ? 'an unknown number of' : formatCount(event.count)} trace events of CPU ${event.cpu} were lost`,
        'alarm',
      );
    case 'sample': {
      const { text, isSame } = words.shown(event);
      const took = `looked for ${formatSeconds((event.until - event.t) / 1e9)}`;
      const isLong = event.until - event.t >= longLookNs;
      const entry = { lane: event.source, text: isLong ? `${text}; ${took}` : text, ...(!isLong && { more: took }) };
      return isSame ? { ...entry, tone: 'aside', alike: sameSamples } : { ...entry, tone: 'plain' };
    }
    case 'packets':
      return { lane: 'wire', text: `${plural(event.count, 'packet')} so far`, tone: 'aside', minor: true };
    case 'mapping': {
      const [inside, outside] = [addressAndPort(event.inside), addressAndPort(event.outside)];
      const text = event.forgotten ? `forgets ${outside}, which was ${inside}` : `translates ${inside} to ${outside}`;
      return { lane: 'wire', text: `the wire ${text}`, tone: 'wire' };
    }
    case 'counters':
      return kernel(countersText(event), 'aside');
    case 'node':
      return nodeWords(event, names);
    case 'call':
      return callWords(event, names);
    case 'program-line': {
      const { program, stream, text } = event;
      return peer(event.peer, `${program} writes${stream === 'stderr' ? ' to stderr' : ''}: ${text}`);
    }
    case 'program-ended': {
      const left = event.leftOut === undefined ? '' : `; ${plural(event.leftOut, 'byte')} of its output left out`;
      return peer(event.peer, `${event.program} ends: ${event.how}${left}`);
    }
    case 'stall':
      return peer(event.peer, `longest stall of the event loop: ${formatSeconds(event.ns / 1e9)}`, 'aside');
    case 'late':
      return peer(event.peer, `its process did not run for ${formatSeconds(event.ns / 1e9)}`);
    case 'queues':
      return peer(event.peer, of(names.endpoint(event.peer, event.endpoint), queuesText(event)), 'aside');
    case 'state': {
      const text = of(names.endpoint(event.peer, event.endpoint), `TCP_INFO shows ${event.state}`);
      return { ...peer(event.peer, text), alike: { key: `${event.peer} ${text}`, counted: times(text) } };
    }
    case 'connection': {
      const { label, client, server } = event;
      const nobody = server.endpoint === null ? ', which no process has yet' : '';
      const name = label === '' ? 'connection' : `connection ${label}`;
      const text = `${name}${client.opening ? ', opened' : ''}: client ${addressAndPort(client.local)}, server ${addressAndPort(server.local)}${nobody}`;
      return { ...harness(text), ...(names.isToldAgain(event) && { minor: true }) };
    }
    case 'destroyed':
      return harness(`has the kernel destroy the socket of ${names.flow(event)} (ss -K)`);
    case 'signal':
      return harness(`${event.signal} has reached ${event.peer}`, 'alarm');
    case 'scenario-begins':
      return harness('the scenario begins', 'aside');
    case 'scenario-ends':
      return harness('the scenario ends; tear-down follows', 'aside');
    case 'segment':
      return packetWords(event, names);
    case 'deed':
      return deedWords(event, names);
  }
}

const kernel = (text: string, tone: Tone = 'plain'): Told => ({ lane: 'kernel', text, tone });
const harness = (text: string, tone: Tone = 'plain'): Told => ({ lane: 'harness', text, tone });
const peer = (lane: string, text: string, tone: Tone = 'plain'): Told => ({ lane, text, tone });

function callWords(event: CallEvent, names: Names): Told {
  const text = of(names.endpoint(event.peer, event.endpoint), callText(event) + refusalText(event));
  const closes = event.verb === 'close' || event.verb === 'shutdown' || event.verb === 'closeDuplicate';
  const tone = event.errno !== undefined ? 'alarm' : closes ? 'wire' : 'plain';
  const alike = { key: `${event.peer} ${text}`, counted: times(text) };
  const more = usualText(event);
  const isBlocked = event.ns >= blocksNs;
  return {
    lane: event.peer,
    text: text + heldText(event),
    tone,
    ...(!isBlocked && { alike }),
    ...(more !== '' && { more }),
  };
}

/** A sample that took longer, ns, may show what was over by its end. */
const longLookNs = 10e6;

const sameSamples: Alike = {
  key: 'same samples',
  counted: (count) => `${plural(count, 'sample')} with nothing new`,
  least: 1,
};

const jiffiesText = (jiffies: number | undefined, { hz }: Words): string => {
  if (jiffies === undefined) return 'not recorded';
  return hz === undefined ? plural(jiffies, 'jiffy', 'jiffies') : formatSeconds(jiffies / hz);
};

function transitionWords(event: TransitionEvent, names: Names): Told {
  const { from, to, cpu } = event;
  const clone = from === 'LISTEN' && to === 'SYN-RECEIVED' ? ' (a new socket of the listener)' : '';
  const again = from === to ? ' (announced once more)' : '';
  const mini = names.leavesMini(event) ? ' (the full socket; its mini-socket lives on)' : '';
  return { ...kernel(`${names.flow(event)}: ${from} → ${to}${again}${clone}${mini}`, 'state'), more: `CPU ${cpu}` };
}

const traced: Readonly<Record<SegmentEvent['kind'], string>> = {
  'reset-sent': 'sends RST',
  'reset-received': 'receives RST',
  retransmit: 'retransmits',
};

function traceWords(event: SegmentEvent, names: Names): Told {
  const why = event.reason === undefined ? '' : ` (${event.reason})`;
  const text = `${names.flow(event)}: ${traced[event.kind]}${why}`;
  const tone = event.kind === 'retransmit' ? 'wire' : 'alarm';
  return { ...kernel(text, tone), alike: { key: text, counted: times(text), silences: true } };
}

const countersText = ({ space, values }: CountersEvent): string => {
  const counts = Object.entries(values).map(([name, value]) => `${name} ${formatCount(value)}`);
  return `counters${space === 'lab' ? '' : ` of the ${space}'s namespace`}: ${counts.join(', ') || 'all 0'}`;
};

function nodeWords({ peer: lane, endpoint, event, bytes, hadError, errno, syscall }: NodeEvent, names: Names): Told {
  const name = names.endpoint(lane, endpoint);
  const size = bytes === undefined ? '' : `, ${plural(bytes, 'byte')}`;
  const error = errno === undefined ? '' : ` ${errno}${syscall ? ` (${syscall})` : ''}`;
  const text = of(name, `'${event}'${error}${size}${hadError ? ', hadError' : ''}`);
  const counted = (count: number, sum: number) =>
    of(name, `'${event}' × ${formatCount(count)}${sum > 0 ? `, ${plural(sum, 'byte')}` : ''}`);
  const alike = { key: `${lane} ${name} ${event}`, counted, ...(bytes !== undefined && { bytes }) };
  const isAlarm = errno !== undefined || hadError === true;
  return { lane, text, tone: isAlarm ? 'alarm' : 'plain', ...(event === 'data' && { alike }) };
}

function queuesText({ state, sent, unsent, acked, unread, read }: QueuesEvent): string {
  const held = [
    ...(unsent > 0 ? [`${formatCount(unsent)} in the send queue never sent`] : []),
    ...(unread > 0 ? [`${formatCount(unread)} in the receive queue`] : []),
  ];
  return `before closing, in ${state}: ${held.join(', ') || 'queues empty'}; sent ${formatCount(sent)}, acknowledged ${formatCount(acked)}, read ${formatCount(read)}`;
}

const ruleText = (deed: SegmentRecord['deed']): string =>
  'rule' in deed && deed.rule !== undefined ? ` (rule ${deed.rule})` : '';

/** What the wire did with a packet beyond carrying it; empty for that. */
function wayText(way: Way): string {
  const { deed } = way;
  const original = 'of' in deed && deed.of !== undefined ? `#${deed.of}` : '';
  const refused =
    deed.do !== 'refused' && 'errno' in deed && deed.errno ? `, refused by the kernel: ${deed.errno}` : '';
  return `${deedText(deedParts(way, original))}${ruleText(deed)}${refused}`;
}

/** Where a packet goes: `client → server`, with its connection's name where there are several. */
const courseText = (from: SegmentRecord['from'], label = ''): string =>
  `${label === '' ? '' : `${label} `}${from} → ${otherEnd(from)}`;

/** A packet that is no TCP segment. */
function otherText({ why, deed, from, t }: WireEvent): string {
  if (deed.do === 'forged' && deed.as === 'echo')
    return `ICMP echo request, the wire's own${deed.of === undefined ? '' : `, after #${deed.of}`}`;
  if (deed.do === 'forged' && deed.as === 'unreachable')
    return `ICMP ${icmpText(deed.icmp?.kind ?? 'host-unreachable')}, for #${deed.of}`;
  const way = wayText({ deed, from, t, arrived: t });
  return `no TCP segment (${why ?? 'no reason recorded'})${way && `, ${way}`}`;
}

function packetWords(event: WireEvent, names: Names): Told {
  const { n, from } = event;
  const segment = names.segment(n);
  if (!segment) {
    const text = `#${n} ${courseText(from)}: ${otherText(event)}`;
    return { lane: 'wire', text, tone: 'aside' };
  }
  const way = wayText(segment);
  const course = courseText(from, segment.label);
  const label = partsOf(labelOf(segment, '', '')).join(' ');
  const options = optionsText(segment);
  const isSyn = segment.flags.includes('SYN');
  const more = `win ${segment.window}${options && !isSyn ? ` <${options}>` : ''}`;
  const purpose = purposeOf(segment);
  const isStream = purpose === 'data' || purpose === 'ACK';
  const isOrdinary = segment.deed.do === 'carried' || segment.deed.do === 'delayed';
  const text = `#${n} ${course}: ${label}${isSyn && options ? ` <${options}>` : ''}${way && `, ${way}`}`;
  const became = isOrdinary ? '' : `, ${becameText(segment)}${ruleText(segment.deed)}`;
  const alike: Alike = {
    key: `${course} ${purpose} ${became}`,
    bytes: segment.length,
    counted: (count, bytes) =>
      `${course}: ${plural(count, things[purpose])}${bytes > 0 ? `, ${plural(bytes, 'byte')}` : ''}${became}, the first #${n}`,
    silences: true,
    ...(!isOrdinary && { least: fewestDeeds }),
  };
  const tone = purpose === 'RST' ? 'alarm' : isOrdinary ? 'plain' : 'wire';
  return { lane: 'wire', text, tone, more, ...(isStream && segment.window > 0 && { alike }) };
}

/** What the wire did to fewer packets of a kind is listed. */
const fewestDeeds = 5;

function deedWords({ n, deed }: DeedEvent, names: Names): Told {
  const held = 'heldNs' in deed && deed.heldNs !== undefined ? ` after ${formatSeconds(deed.heldNs / 1e9)}` : '';
  const segment = names.segment(n);
  const what = segment ? `#${n} (${segment.flags.join(' ')} of the ${segment.from})` : `#${n}`;
  const refused = 'errno' in deed && deed.errno ? `, refused by the kernel: ${deed.errno}` : '';
  const ends = deed.do === 'held' && deed.discarded ? 'is dropped' : 'goes on';
  const text = `${what} ${ends}${held}${ruleText(deed)}${refused}`;
  const alike: Alike = {
    key: `${ends}${ruleText(deed)}${refused}`,
    counted: (count) => `${plural(count, 'packet')}: each ${ends}${ruleText(deed)}${refused}, the first #${n}`,
    silences: true,
    least: fewestDeeds,
  };
  return { lane: 'wire', text, tone: 'wire', alike, ...(deed.do === 'delayed' && refused === '' && { minor: true }) };
}
