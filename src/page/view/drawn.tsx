import type { CellRecord } from '../../record/schema.ts';
import type { Wired } from '../../report/ladder/parts.ts';
import { lanesOf } from '../lanes.ts';
import { LadderFigure } from './ladder.tsx';
import { LanesFigure } from './lanes.tsx';

/** How a result went: the ladder of a wire, or the lanes of its connections; with a label, of the connection of that name only. */
export const Drawn = ({
  record,
  label,
}: {
  readonly record: Wired & Pick<CellRecord, 'ends'>;
  readonly label?: string;
}) => {
  if (record.segments) return <LadderFigure wired={record} />;
  return (
    <>
      {lanesOf({ ...record, unknown: {} })
        .filter((each) => label === undefined || each.label === label)
        .map((lanes) => (
          <>
            {label === undefined && lanes.label !== '' ? <p class="caption">{lanes.label}</p> : null}
            <LanesFigure lanes={lanes} />
          </>
        ))}
    </>
  );
};
