import { z } from 'zod';
import { icmpKinds } from '../tcp/icmp.ts';

/** The rule that decided, and how long the wire kept the packet where it did. */
const rule = z.number().int().exactOptional().describe('number of the rule; absent where version 1 recorded it');
const heldNs = z.number().exactOptional().describe('how long the wire kept it; absent while it does');
const refused = {
  refusedBy: z.literal('kernel').exactOptional().describe('the kernel did not take the packet from the wire'),
  errno: z.string().exactOptional().describe('why it did not'),
};
const of = z.number().int().describe('number of the packet in the capture');

/** What the wire did with a packet, or that it made the packet. */
export const deed = z.discriminatedUnion('do', [
  z
    .object({
      do: z.literal('carried'),
      translated: z
        .object({ address: z.string(), port: z.number().int() })
        .readonly()
        .exactOptional()
        .describe("what the outside knows the client as, where the wire translates; the record has the client's own"),
    })
    .readonly(),
  /** The wire carried it, and the kernel of the other end did not take it. */
  z.object({ do: z.literal('refused'), refusedBy: z.literal('kernel'), errno: z.string() }).readonly(),
  z.object({ do: z.enum(['dropped', 'black hole', 'lost', 'queue full', 'no mapping']), rule }).readonly(),
  z
    .object({
      do: z.literal('held'),
      rule,
      heldNs,
      discarded: z.literal(true).exactOptional().describe('the scenario dropped it in the end'),
      ...refused,
    })
    .readonly(),
  z
    .object({
      do: z.literal('delayed'),
      rule,
      heldNs,
      behind: z.number().int().exactOptional().describe('how many packets were to overtake it'),
      ...refused,
    })
    .readonly(),
  z.object({ do: z.literal('copy'), of, rule, ...refused }).readonly(),
  z.object({ do: z.literal('replay'), of, ...refused }).readonly(),
  z
    .object({
      do: z.literal('forged'),
      as: z
        .enum(['unreachable', 'echo', 'reset'])
        .exactOptional()
        .describe(
          "an ICMP message that answers `of`; the wire's own ping behind it; the RST of a translation without a mapping for it; absent: what the scenario made",
        ),
      of: of.exactOptional(),
      icmp: z
        .object({
          kind: z.enum(icmpKinds),
          type: z.number().int(),
          code: z.number().int(),
          mtu: z.number().int().exactOptional().describe('of the next hop'),
        })
        .readonly()
        .exactOptional()
        .describe("of 'unreachable': what it says; absent in older records: host unreachable"),
      ...refused,
    })
    .readonly(),
]);
export type Deed = z.infer<typeof deed>;
