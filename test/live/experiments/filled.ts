import { experiment, kind } from 'lingerlab';

export default experiment({
  id: 'filled',
  question: 'Where are the bytes that nobody reads, and which end keeps TIME-WAIT?',
  factors: { fills: ['until-full', 'so-many', 'too-few', 'itself'], closer: ['client', 'server'] },
  only: ({ fills, closer }) => closer === 'client' || fills === 'so-many',
  measures: {
    written: kind.bytes({ text: 'written', compare: 'measurement' }),
    unread: kind.bytes({ text: 'in the receive queue of the other end', compare: 'measurement' }),
    unsent: kind.bytes({ text: 'in the send queue', compare: 'measurement' }),
    again: kind.bytes({ text: 'in the receive queue a little later', compare: 'measurement' }),
    sendQueue: kind.bytes({ text: 'SIOCOUTQ', compare: 'measurement' }),
    heard: kind.outcome({ text: 'what the other application read first' }),
    afterwards: kind.outcome({ text: 'what a write said when both ends were closed' }),
  },
  async scenario({ client, server, closeInTurn, note }, { fills, closer }) {
    const [near, far] = await client.connect(await server.listen());
    const [first, second] = closer === 'client' ? [near, far] : [far, near];
    const fewer = { 'until-full': undefined, 'so-many': 300_000, 'too-few': 1000, itself: undefined }[fills];
    const filled = await first.fill(fills === 'itself' ? first : second, {
      fill: 'full',
      ...(fewer !== undefined && { bytes: fewer }),
    });
    note('written', filled.written);
    note('unread', filled.unread);
    note('unsent', filled.unsent);
    note('sendQueue', await first.sendQueue());
    note('again', await second.unread('kernel', 1));
    await second.resume();
    await second.received(filled.written);
    note('heard', (await second.heard()).slice(0, 8));
    await closeInTurn(first, second, closer === 'client' ? 'close(2)' : 'end');
    note('afterwards', (await first.info().answer()).outcome);
  },
  claims: [],
  answer: () => 'as asked',
});
