import { experiment, kind, tcp } from 'lingerlab';

const words = 'ABCDEFGHIJ';
/** More than 2,000 packets: of what follows the record has only those that open, close or reset. */
const manyBytes = 60_000_000;

/** What the wire makes, or keeps from the record, and what is derived of it. */
export default experiment({
  id: 'forged',
  question: 'are facts right of what no end sent?',
  factors: { made: ['fin-then-rst', 'syn', 'syn-and-ack', 'bytes', 'many', 'nothing'] },
  network: 'wire',
  seconds: 3,
  sysctls: () => ({ 'net.ipv4.tcp_timestamps': 0 }),
  measures: { heard: kind.outcome(), seen: kind.outcome() },
  async scenario({ client, server, wire, until, look, note }, { made }) {
    const [near, far] = await client.connect(await server.listen());
    const inject = async (forgery: Omit<Parameters<typeof wire.inject>[0], 'from' | 'on'>) =>
      wire.answers(await wire.inject({ from: 'client', on: near, ...forgery }));
    if (made === 'nothing') {
      await near.close('destroy');
      throw new Error('as planned');
    }
    if (made === 'many') {
      await near.write(manyBytes);
      await far.received(manyBytes);
      await far.close('destroy');
      await near.ended();
      await until(far, 'FIN-WAIT-2');
      await near.close('destroy');
      await until(far, 'TIME-WAIT');
      return;
    }
    if (made === 'bytes') {
      await wire.inject({ from: 'client', on: near, flags: ['PSH', 'ACK'], payload: 'evil' });
      await far.received(4);
      await near.write(words.length, { fill: words });
      await far.received(words.length);
      note('heard', await far.heard());
      await near.close('destroy');
      await far.ended();
      await far.close('destroy');
      await until(near, 'TIME-WAIT');
      await until(far, 'CLOSED');
      return;
    }
    await wire.drop(tcp);
    await far.close('destroy');
    await wire.seen(tcp.from('server').withSeq(1));
    await inject({ flags: ['FIN', 'ACK'], seq: 1, ack: 2 });
    if (made === 'fin-then-rst') {
      await inject({ flags: ['RST'], seq: 2 });
      return;
    }
    const [answer] = await inject({ flags: ['SYN'], seq: 5000, options: [{ kind: 'mss', value: 1000 }] });
    if (made === 'syn-and-ack')
      await inject({ flags: ['ACK'], seq: 5001, ack: { absolute: (answer!.segment.absolute.seq + 1) >>> 0 } });
    note('seen', (await look(far))?.state ?? 'nothing');
  },
  claims: [],
  answer: () => 'as asked',
});
