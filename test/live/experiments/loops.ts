import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { experiment } from 'lingerlab';

/** Places at which an experiment does not give the thread back, or ends the process; a call that does not return runs only with --all. */
export default experiment({
  id: 'loops',
  question: 'where?',
  factors: { where: ['nowhere', 'begin', 'awaiting', 'waiting', 'step', 'call', 'timer', 'claim', 'exit', 'later'] },
  only: ({ where }) => where !== 'call',
  async scenario({ client, server, rest }, { where }) {
    while (where === 'begin');
    while (where === 'awaiting') await Promise.resolve();
    if (where === 'waiting') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    await client.connect(await server.listen());
    if (where !== 'nowhere') {
      while (!isSaved()) await rest(0.01);
      begun();
    }
    while (where === 'step');
    if (where === 'call') execFileSync('sleep', ['1000']);
    if (where === 'timer') setTimeout(loop, 10);
    if (where === 'exit') process.exit(0);
    if (where === 'later') setTimeout(() => process.exit(0), 10);
    await rest(0.1);
  },
  claims: [{ id: 'c', text: 'it ends', source: 'this test', holds: (_, { where }) => where !== 'claim' || loop() }],
  answer: () => 'as asked',
});

function loop(): never {
  for (;;);
}

/** Whether another cell, where the test has one, is saved: nothing is while the thread is held. */
function isSaved(): boolean {
  const { LINGERLAB_TEST_AFTER: cells } = process.env;
  return cells === undefined || (existsSync(cells) && readFileSync(cells, 'utf8').endsWith('\n'));
}

function begun(): void {
  const { LINGERLAB_TEST_BEGUN: path } = process.env;
  if (path !== undefined) writeFileSync(path, '');
}
