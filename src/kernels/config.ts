import { readFileSync } from 'node:fs';
import type { Kernel } from './kernel.ts';
import { configBeside } from './own.ts';

/** What a guest's kernel must have built in: it is started without an initial RAM disk. */
const builtIn = [
  'CONFIG_BLK_DEV_NVME',
  'CONFIG_EXT4_FS',
  'CONFIG_PCI',
  'CONFIG_DEVTMPFS',
  'CONFIG_TMPFS',
  'CONFIG_SERIAL_8250_CONSOLE',
  'CONFIG_BINFMT_ELF',
  'CONFIG_BINFMT_SCRIPT',
  'CONFIG_NET_NS',
  'CONFIG_UNIX',
  'CONFIG_INET',
] as const;
/** What it must have, built in or as a module. */
const anyway = ['CONFIG_TUN', 'CONFIG_VETH', 'CONFIG_INET_DIAG', 'CONFIG_INET_TCP_DIAG'] as const;
/** Without these, cells observe less. */
const better = ['CONFIG_FTRACE', 'CONFIG_INET_DIAG_DESTROY', 'CONFIG_IPV6'] as const;

/** Options that a kernel's configuration lacks: those without which it does not boot or run cells, and those that cells miss. */
export function lackingOptions(
  config: string,
  hasModules: boolean,
): { readonly needed: readonly string[]; readonly better: readonly string[] } {
  const values = new Map([...config.matchAll(/^(CONFIG_\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]));
  const isBuiltIn = (name: string): boolean => values.get(name) === 'y';
  const is = (name: string): boolean => isBuiltIn(name) || (hasModules && values.get(name) === 'm');
  return {
    needed: [...builtIn.filter((name) => !isBuiltIn(name)), ...anyway.filter((name) => !is(name))],
    better: better.filter((name) => !is(name)),
  };
}

/** What is to be said of a user's kernel before it boots; nothing where no configuration is beside it. */
export function configRemarks(kernel: Kernel): string[] {
  const path = configBeside(kernel);
  if (path === undefined) return [];
  const { needed, better: missed } = lackingOptions(readFileSync(path, 'utf8'), kernel.modules !== undefined);
  const built = new Set<string>(builtIn);
  const how = (name: string): string => (built.has(name) ? `${name}=y` : `${name}=y or =m with --modules`);
  return [
    ...(needed.length > 0 ? [`${path} lacks ${needed.map(how).join(', ')}: this kernel cannot run cells`] : []),
    ...(missed.length > 0 ? [`${path} lacks ${missed.join(', ')}: cells observe less`] : []),
  ];
}
