import { ack, data, type Endpoint, experiment, kind, rst, syn, synAck, tcp } from 'lingerlab';

const bytes = Uint8Array.of(0, 1, 10);

/** What each verb of the wire makes a kernel do. */
export default experiment({
  id: 'wire-verbs',
  question: 'what does a kernel do with what the wire makes?',
  factors: { verb: ['silence', 'retransmit', 'icmp', 'soft', 'new-four', 'reset-listener', 'urgent', 'stamped'] },
  network: 'wire',
  seconds: 1,
  measures: {
    silent: kind.boolean(),
    errnos: kind.outcome(),
    told: kind.outcome(),
    count: kind.count(),
  },
  async scenario({ client, server, wire, until, look, note }, { verb }) {
    if (verb === 'icmp') {
      await wire.blackhole(syn);
      const kinds4 = [
        'net-unreachable',
        'protocol-unreachable',
        'port-unreachable',
        'admin-prohibited',
        'ttl-exceeded',
        'parameter-problem',
      ] as const;
      const errnos: string[] = [];
      for (const [family, kinds] of [
        [4, kinds4],
        [6, kinds4],
      ] as const) {
        for (const kind of kinds) {
          const near = await client.open(server.place({ family }));
          await wire.icmp(await wire.seen(syn.on(near)), kind);
          const answer = await near.connected().answer();
          errnos.push(`${family} ${kind} ${answer.ok ? 'ok' : answer.errno}`);
        }
      }
      note('errnos', errnos.join('; '));
      return;
    }
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    const opened = await wire.seen(ack.from('client'));
    if (verb === 'silence') {
      const found = await wire.seen(tcp, { after: opened, within: 0.1 });
      note('silent', found === undefined);
    } else if (verb === 'retransmit') {
      await wire.drop(data, { times: 1 });
      await near.write(1);
      const again = await wire.seen(data.nth(2), { within: 2 });
      note('silent', again === undefined);
    } else if (verb === 'soft') {
      await near.write(1);
      const sent = await wire.seen(data);
      for (const kind of ['host-unreachable', 'port-unreachable', 'source-quench'] as const)
        await wire.icmp(sent, kind);
      await wire.icmp(sent, 'fragmentation-needed', { mtu: 1300 });
      note('silent', (await wire.seen(rst, { within: 0.1 })) === undefined);
      note('told', (await near.info()).state === 'ESTABLISHED' ? 'ok' : 'closed');
    } else if (verb === 'new-four') {
      // the client's kernel knows nothing of it
      await wire.drop(rst.from('client'));
      const between = { client: { address: near.local.address, port: 7 }, server: listener.at };
      const [answer] = await wire.answers(
        await wire.inject({ from: 'client', between, flags: ['SYN'], seq: { absolute: 4_294_967_290 } }),
      );
      note('told', answer?.segment.flags.join() ?? 'nothing');
      await wire.inject({ from: 'client', between, flags: ['ACK'], seq: 1, ack: 1 });
      const forged: Pick<Endpoint, 'local' | 'remote'> = { local: between.server, remote: between.client };
      note('count', await wire.count(synAck.on(forged)));
      note('silent', (await wire.seen(tcp.from('server').on(forged).nth(2), { within: 0.1 })) === undefined);
    } else if (verb === 'reset-listener') {
      const between = { client: { address: near.local.address, port: 7 }, server: listener.at };
      const reset = await wire.inject({ from: 'client', between, flags: ['RST'], seq: { absolute: 1 } });
      note('count', (await wire.answers(reset)).length);
      const [second] = await client.connect(listener, { as: 'again' });
      note('told', (await look(second))?.state ?? 'nothing');
    } else if (verb === 'urgent') {
      await wire.inject({ from: 'client', on: near, flags: ['URG', 'PSH', 'ACK'], urgent: 3, payload: bytes });
      // without SO_OOBINLINE the urgent byte is not in the stream
      await far.received(2);
      note('told', Buffer.from(await far.heard()).toString('latin1'));
    } else {
      // each connection begins at a random value, and older is what lies behind it in a circle of 2³² (RFC 7323 §5.2): a fixed value
      // would be newer every other time
      const stamp = opened.segment.options.find((option) => option.kind === 'timestamps');
      if (!stamp) throw new Error('the ACK has no timestamp');
      await wire.inject({
        from: 'client',
        on: near,
        flags: ['PSH', 'ACK'],
        payload: 'old',
        timestamps: { value: { absolute: (stamp.value - 100_000) >>> 0 } },
      });
      note('silent', (await wire.seen(ack.from('server'), { after: opened, within: 0.1 })) === undefined);
      note('told', (await far.heard()) || 'nothing');
    }
    await near.close('destroy');
    await far.close('destroy');
    await until(near, 'TIME-WAIT', 'CLOSED');
  },
  connections: ['again'],
  claims: [],
  answer: () => 'as asked',
});
