import { experiment, kind, type SocketOption } from 'lingerlab';

/** The user nobody. */
const nobody = 65_534;

export default experiment({
  id: 'socket-options',
  question: 'What does the kernel keep of each option?',
  factors: { user: ['root', 'nobody'] },
  needs: ({ user }) => (user === 'nobody' ? ['another-user'] : []),
  measures: {
    transparent: kind.outcome(),
    read: kind.words(),
    byNumber: kind.words(),
    refused: kind.words(),
    accepted: kind.words(),
  },
  async scenario({ client, server, start, note }, { user }) {
    const peer = user === 'root' ? server : await start('unprivileged', { where: 'server', uid: nobody });
    const bound = await peer.bind();
    note('transparent', (await bound.set('IP_TRANSPARENT', true).answer()).outcome);
    await bound.close();

    const listener = await peer.listen();
    await listener.set('TCP_DEFER_ACCEPT', 5);
    await listener.set('TCP_FASTOPEN', 16);
    note('accepted', [String(await listener.get('TCP_DEFER_ACCEPT')), String(await listener.get('TCP_FASTOPEN'))]);
    await listener.set('TCP_DEFER_ACCEPT', 0);
    const [near] = await client.connect(listener);
    await near.set('SO_RCVBUF', 10_000);
    await near.set('SO_SNDBUF', 20_000);
    await near.set('TCP_NODELAY', true);
    await near.set('TCP_MAXSEG', 1000);
    await near.set('TCP_SYNCNT', 3);
    await near.set('TCP_QUICKACK', false);
    await near.set('TCP_CONGESTION', 'reno');
    await near.set('SO_BINDTODEVICE', 'lo');
    await near.set('IP_FREEBIND', true);
    await near.set('IP_LOCAL_PORT_RANGE', { low: 40_000, high: 40_007 });
    // TCP_CONGESTION, TCP_USER_TIMEOUT, IP_TTL by their numbers
    await near.set({ level: 'IPPROTO_TCP', name: 13 }, Buffer.from('reno'));
    await near.set({ level: 6, name: 18 }, 1500);
    await near.set({ level: 'IPPROTO_IP', name: 2 }, Uint8Array.of(7));
    const read: string[] = [];
    for (const option of [
      'SO_RCVBUF',
      'TCP_CONGESTION',
      'SO_BINDTODEVICE',
      'IP_LOCAL_PORT_RANGE',
      'TCP_USER_TIMEOUT',
    ] as const satisfies SocketOption[])
      read.push(JSON.stringify(await near.get(option)));
    note('read', read);
    const bytes = [
      await near.get({ level: 'IPPROTO_TCP', name: 13 }, 16),
      await near.get({ level: 'IPPROTO_IP', name: 2 }),
      await near.get({ level: 'SOL_SOCKET', name: 8 }),
    ];
    note(
      'byNumber',
      bytes.map((each) => Buffer.from(each).toString('hex')),
    );
    const refused = [
      await near.set({ level: 'IPPROTO_TCP', name: 999 }, 1).answer(),
      await near.get({ level: 'SOL_SOCKET', name: 999 }).answer(),
      await near.set('SO_BINDTODEVICE', 'nothing').answer(),
      await near.set('IP_LOCAL_PORT_RANGE', { low: 40_007, high: 40_000 }).answer(),
      await near.set('TCP_MAXSEG', 1_000_000).answer(),
      await near.set('TCP_CONGESTION', 'no-such-thing').answer(),
    ];
    note(
      'refused',
      refused.map(({ outcome }) => outcome),
    );
  },
  claims: [],
  answer: () => 'as asked',
});
