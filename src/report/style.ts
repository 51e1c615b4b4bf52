import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Give text a terminal's colors, or leave it as it is. */
export type Style = (format: Format, text: string) => string;

/** The style of an output with or without color; the caller has decided whether its stream shows any. */
export const styleOf = (color: boolean): Style =>
  color ? (format, text) => styleText(format, text, { validateStream: false }) : (_, text) => text;
