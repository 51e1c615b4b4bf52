import type { Address } from '../record/event.ts';

export const sameAddress = (a: Address, b: Address): boolean => a.port === b.port && a.address === b.address;
