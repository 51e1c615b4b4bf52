import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { loadKoffi } from '../../src/native/koffi.ts';

const room = new URL('../../src/native/', import.meta.url);

test("no module loads koffi's own index where npm put its build beside it", () => {
  const code = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    for (const each of ${JSON.stringify(readdirSync(room).map((name) => new URL(name, room).href))}) await import(each);
    (await import(${JSON.stringify(new URL('koffi.ts', room).href)})).loadKoffi();
    console.log(JSON.stringify(loaded));`;
  const loaded: string[] = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }),
  );
  expect(loaded).toContain(new URL('poll.ts', room).href);
  expect(loaded.filter((url) => url.includes('/node_modules/koffi/'))).toEqual([]);
});

test('what is loaded is the version of koffi that is installed, and calls libc', () => {
  const koffi = loadKoffi();
  expect(koffi.version).toBe(createRequire(import.meta.url)('koffi').version);
  expect(koffi.load('libc.so.6').func('int getpid()')()).toBe(process.pid);
});
