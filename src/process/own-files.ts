import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../record/tool.ts';

/** How this program runs: from a checkout's sources, from what a package holds compiled, or from the bundle made of either. */
const running = import.meta.url;
const root = packageRoot();
const isCompiled = running.startsWith(pathToFileURL(join(root, 'dist/')).href);

/** Ending of the program's own modules and experiments: a checkout has TypeScript, a package JavaScript. */
export const ownExtension: '.js' | '.ts' = isCompiled ? '.js' : '.ts';

/** Folder of this program's own modules, as a URL: also where a bundle of them runs. */
export const ownModules: string = pathToFileURL(join(root, isCompiled ? 'dist/src/' : 'src/')).href;

/** URL of the bundle that this module runs in; undefined where modules run one by one. */
export const ownBundle: string | undefined = /\.[jt]s$/.test(running) ? undefined : running;

/**
 * Whether a file is an experiment's: none of this program's own modules, which are below `own`, and no package that it or an experiment
 * imports, which is called by one of both. Built-in experiments are in the folder beside `own`. All are URLs.
 */
export const isExperimentFile = (url: string, own: string): boolean =>
  url.startsWith(new URL('../experiments/', own).href) || (!url.startsWith(own) && !url.includes('/node_modules/'));
