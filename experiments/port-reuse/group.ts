import type { Group } from 'lingerlab';

export default { title: 'Port reuse', order: 50, lead: 'server-restart' } satisfies Group;
