import type { Group } from 'lingerlab';

export default { title: 'TIME-WAIT', order: 40, lead: 'time-wait-length' } satisfies Group;
