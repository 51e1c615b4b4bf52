import type { Run } from '../record/schema.ts';
import { reportPath } from '../report/markdown/beside.ts';

/** What a program that ran `--json` reads: where the run is, how it ended, the answers and the verdicts. */
export function runAnswer({ folder, run, cells }: Run) {
  const count = (status: string) => cells.filter((cell) => cell.status === status).length;
  return {
    folder,
    report: reportPath(folder),
    status: run.status,
    ran: count('ran'),
    unsupported: count('unsupported'),
    errored: cells
      .filter(({ status }) => status === 'errored')
      .map(({ id, repeat, reason }) => ({ id, repeat, reason })),
    experiments: run.experiments.map(({ id, question, answer, claims }) => ({ id, question, answer, claims })),
    warnings: [...run.warnings, ...cells.flatMap((cell) => cell.warnings.map((each) => ({ ...each, cell: cell.id })))],
  };
}
