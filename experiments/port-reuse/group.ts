import type { Group } from 'lingerlab';

export default { title: 'Port reuse', order: 50 } satisfies Group;
