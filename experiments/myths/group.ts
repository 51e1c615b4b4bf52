import type { Group } from 'lingerlab';

export default { title: 'Myths', order: 80 } satisfies Group;
