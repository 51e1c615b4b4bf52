/**
 * Whether a file is an experiment's: none of this program's own modules, which are below `own`, and no package that it or an experiment
 * imports, which is called by one of both. Built-in experiments are in the folder beside `own`. All are URLs.
 */
export const isExperimentFile = (url: string, own: string): boolean =>
  url.startsWith(new URL('../experiments/', own).href) || (!url.startsWith(own) && !url.includes('/node_modules/'));
