// Appends cells without end, saying how many are saved: what test/live/record-crash.test.ts kills.
import { createRun } from '../../src/record/folder.ts';
import { exampleCell, exampleRun } from './example.ts';

const folder = process.argv[2] as string;
const writer = await createRun(folder, exampleRun());
for (let repeat = 1; ; repeat += 1) {
  await Promise.all([
    writer.writeEvents('close-order/closes=server', repeat, [{ t: repeat, source: 'harness', kind: 'scenario-ends' }]),
    writer.update({ repeats: { 'close-order/closes=client': repeat } }),
  ]);
  await writer.appendCell(exampleCell({ id: 'close-order/closes=server', factors: { closes: 'server' }, repeat }));
  process.stdout.write(`${repeat}\n`);
}
