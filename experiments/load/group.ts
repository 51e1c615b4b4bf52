import type { Group } from 'lingerlab';

export default { title: 'Load', order: 100, lead: 'load' } satisfies Group;
