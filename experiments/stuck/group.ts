import type { Group } from 'lingerlab';

export default { title: 'Stuck', order: 60, lead: 'close-wait' } satisfies Group;
