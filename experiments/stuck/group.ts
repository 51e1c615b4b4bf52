import type { Group } from 'lingerlab';

export default { title: 'Stuck', order: 60, lead: 'idle-behind-a-firewall' } satisfies Group;
