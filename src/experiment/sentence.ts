/**
 * Parts of an answer as one sentence: joined by semicolons, with a capital and a full stop. `false` and `undefined` stand for
 * parts of which nothing ran and are left out; where that is all of them, it says so.
 */
export function sentence(...parts: readonly (string | false | undefined)[]): string {
  const said = parts.filter((part) => part).join('; ') || 'what ran does not tell';
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}.`;
}
