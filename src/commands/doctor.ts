import { examine, type Finding } from '../doctor/doctor.ts';
import { measureWire } from '../doctor/wire-cost.ts';
import { type ExitCode, exitCode, messageOf } from '../errors.ts';
import type { Ports } from '../lab/ports.ts';
import { startObservers } from '../observers/observers.ts';
import type { WireCost } from '../record/schema.ts';
import { wireCostText } from '../report/model/overview.ts';
import { styleOf } from '../report/terminal/lines.ts';
import { answer, answerJson, wantsColor } from './output.ts';

/** `lingerlab doctor`: what this machine can do, each with consequence and remedy. 3 where nothing can run. */
export async function doctor({ json }: { readonly json: boolean }): Promise<ExitCode> {
  await using observers = await startObservers({ origin: process.hrtime.bigint(), died: () => undefined });
  const { findings: found, capabilities, hz, iproute2, privileged } = await examine(observers.trace);
  const findings = [...found, await wireFinding(observers.ports)];
  const able = capabilities.namespaces && capabilities.ss;
  if (json) answerJson({ able, findings, hz, iproute2, privileged, trace: observers.trace, reaped: observers.reaped });
  else {
    for (const finding of findings) answer(findingText(finding));
    if (observers.reaped.length > 0) answer(`\nremoved what dead runs left: ${observers.reaped.join(', ')}`);
  }
  return able ? exitCode.ok : exitCode.unable;
}

/** What the wire costs on this machine; takes a second. Never throws. */
async function wireFinding(ports: Ports): Promise<Finding & { readonly cost?: WireCost }> {
  const id = 'wire';
  const consequence = "the wire's round-trip time and throughput on this machine are unknown";
  const remedy = 'apply the remedies of `tun` and `veth`';
  try {
    const cost = await measureWire(ports);
    return { id, ok: true, found: wireCostText(cost), consequence, remedy, cost };
  } catch (error) {
    return { id, ok: false, found: messageOf(error).split('\n')[0] ?? '', consequence, remedy };
  }
}

function findingText({ id, ok, found, consequence, remedy }: Finding): string {
  const style = styleOf(wantsColor(process.stdout));
  const line = `${ok ? style('green', '✓') : style('red', '✗')} ${id.padEnd(11)} ${found}`;
  return ok ? line : `${line}\n    then:   ${consequence}\n    remedy: ${remedy}`;
}
