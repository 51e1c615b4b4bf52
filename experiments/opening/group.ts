import type { Group } from 'lingerlab';

export default { title: 'Opening', order: 10 } satisfies Group;
