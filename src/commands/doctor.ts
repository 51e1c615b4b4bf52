import { type ExitCode, exitCode } from '../errors.ts';
import { examine, type Finding } from '../lab/doctor.ts';
import { lockPorts } from '../lab/ports.ts';
import { startObservers } from '../observers/observers.ts';
import { styleOf } from '../report/style.ts';
import { answer, answerJson, wantsColor } from './output.ts';

/** `lingerlab doctor`: what this machine can do, each with consequence and remedy. 3 where nothing can run. */
export async function doctor({ json }: { readonly json: boolean }): Promise<ExitCode> {
  using ports = lockPorts();
  await using observers = await startObservers(ports, process.hrtime.bigint(), () => undefined);
  const { findings, capabilities, hz, iproute2, privileged } = await examine(observers.trace);
  const able = capabilities.namespaces && capabilities.ss;
  if (json) answerJson({ able, findings, hz, iproute2, privileged, trace: observers.trace, reaped: observers.reaped });
  else {
    for (const finding of findings) answer(findingText(finding));
    if (observers.reaped.length > 0) answer(`\nremoved what dead runs left: ${observers.reaped.join(', ')}`);
  }
  return able ? exitCode.ok : exitCode.unable;
}

function findingText({ id, ok, found, consequence, remedy }: Finding): string {
  const style = styleOf(wantsColor(process.stdout));
  const line = `${ok ? style('green', '✓') : style('red', '✗')} ${id.padEnd(11)} ${found}`;
  return ok ? line : `${line}\n    then:   ${consequence}\n    remedy: ${remedy}`;
}
