import type { Group } from 'lingerlab';

export default { title: 'Closing', order: 20, lead: 'close-order' } satisfies Group;
