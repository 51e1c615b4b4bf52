import type { Group } from 'lingerlab';

export default { title: 'Segments', order: 70, lead: 'transfer' } satisfies Group;
