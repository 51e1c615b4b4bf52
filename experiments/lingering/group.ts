import type { Group } from 'lingerlab';

export default { title: 'Lingering', order: 30, lead: 'linger' } satisfies Group;
