import type { ComponentChildren } from 'preact';
import type { Prose } from '../../report/model/wording.ts';
import { hashOf } from '../query.ts';

/** Names of states, and numbers with their units: no line ends within them. */
const unbroken = /((?:FIN|TIME|CLOSE)-WAIT(?:-[12])?|LAST-ACK|SYN-(?:SENT|RECEIVED)|\d (?:s|ms|µs|ns|B|kB|%|×)(?!\w))/;

const Tight = ({ children }: { readonly children: string }) => (
  <>{children.split(unbroken).map((part, index) => (index % 2 === 1 ? <span class="nb">{part}</span> : part))}</>
);

/** Text in which what stands between backticks is code. */
export const Text = ({ children }: { readonly children: string }) => (
  <>
    {children
      .split(/(`[^`\n]+`)/)
      .map((part, index) => (index % 2 === 1 ? <code>{part.slice(1, -1)}</code> : <Tight>{part}</Tight>))}
  </>
);

/** How `whichText` and the like mark a name for {@link Text}. */
export const mark = (text: string): string => `\`${text}\``;

export const ProseText = ({ says }: { readonly says: Prose }) => (
  <>{says.map((part) => (typeof part === 'string' ? part : <code>{part.code}</code>))}</>
);

/** A number that opens the results behind it. */
export const NumberLink = ({
  children,
  target,
  query,
}: {
  readonly children: ComponentChildren;
  readonly target: string;
  readonly query: string;
}) => (
  <a class="num" href={hashOf({ target, query })}>
    {children}
  </a>
);

/** A command line with a button that copies it. */
export const Command = ({ children, copyKey }: { readonly children: string; readonly copyKey?: string }) => (
  <div class="command">
    <code>{children}</code>
    <button type="button" class="js" data-copy={children}>
      copy{copyKey === undefined ? '' : <kbd>{copyKey}</kbd>}
    </button>
  </div>
);

/** What may be wider than the page, and is scrolled by keys, too. */
export const Scroll = ({ name, children }: { readonly name: string; readonly children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no pointer scrolls what has the focus
  <section class="scroll" tabIndex={0} aria-label={name}>
    {children}
  </section>
);

/** Puts what it holds at a place of a drawing, in px from there: a drawing is as wide as it can be, a mark is not. */
export const At = ({
  x,
  y,
  children,
  ...rest
}: {
  readonly x: string;
  readonly y: number;
  readonly class?: string;
  readonly children: ComponentChildren;
}) => (
  // biome-ignore lint/a11y/noSvgWithoutTitle: the drawing around it has a name
  <svg x={x} y={y} overflow="visible" {...rest}>
    {children}
  </svg>
);
