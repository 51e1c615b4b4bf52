import type { Group } from 'lingerlab';

export default { title: 'Opening', order: 10, lead: 'unanswered' } satisfies Group;
