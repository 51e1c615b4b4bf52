import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { modulesFor, ownKernel, releaseOf } from '../../src/kernels/own.ts';
import { givenKernel } from '../../src/kernels/prepare.ts';

const folder = mkdtempSync(join(tmpdir(), 'lingerlab-own-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The head of a bzImage, Documentation/arch/x86/boot.rst. */
function bzImage(release: string): string {
  const bytes = Buffer.alloc(0x3000);
  bytes.write('HdrS', 0x202, 'latin1');
  bytes.writeUInt16LE(0x2600, 0x20e);
  bytes.write(`${release} (me@host) #1 SMP\0`, 0x2800, 'latin1');
  const path = join(folder, `bzImage-${release}`);
  writeFileSync(path, bytes);
  return path;
}

test('the release of a kernel is in its image', () => {
  expect(releaseOf(bzImage('6.13.0-rc2+'))).toBe('6.13.0-rc2+');
  expect(ownKernel(bzImage('6.13.0-rc2+'), undefined)).toMatchObject({
    series: '6.13',
    suite: 'own',
    modules: undefined,
  });
});

test('a file that is no kernel, or that is not there, is refused', () => {
  const path = join(folder, 'text');
  writeFileSync(path, 'x'.repeat(5000));
  for (const each of [path, join(folder, 'none'), folder])
    expect(() => releaseOf(each)).toThrow(expect.objectContaining({ code: 'BAD_KERNEL' }));
});

test('modules are found as modules_install lays them out, or in their own folder', () => {
  const own = join(folder, 'installed', 'lib', 'modules', '6.13.0');
  mkdirSync(join(own, 'kernel'), { recursive: true });
  expect(modulesFor('6.13.0', join(folder, 'installed'))).toBe(own);
  expect(modulesFor('6.13.0', join(folder, 'installed', 'lib', 'modules'))).toBe(own);
  expect(modulesFor('6.13.0', own)).toBe(own);
  expect(() => modulesFor('6.14.0', join(folder, 'installed'))).toThrow('it has those of 6.13.0');
});

test('a package has its kernel and its modules; one without a kernel is refused', async () => {
  const tree = join(folder, 'package');
  const modules = join(tree, 'lib', 'modules', '6.14.0-rc1');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  const control = ['Package: linux-image-6.14.0-rc1', 'Version: 1', 'Architecture: amd64', 'Maintainer: me <me@host>'];
  writeFileSync(join(tree, 'DEBIAN', 'control'), [...control, 'Description: a kernel', ''].join('\n'));
  const packed = (name: string) => {
    const file = join(folder, `${name}.deb`);
    execFileSync('dpkg-deb', ['-b', tree, file]);
    return file;
  };
  await expect(givenKernel(folder, packed('none'), undefined)).rejects.toThrow('holds no kernel');
  mkdirSync(join(modules, 'kernel'), { recursive: true });
  writeFileSync(join(modules, 'modules.dep'), '');
  mkdirSync(join(tree, 'boot'));
  cpSync(bzImage('6.14.0-rc1'), join(tree, 'boot', 'vmlinuz-6.14.0-rc1'));
  const kernel = await givenKernel(folder, packed('linux-image'), undefined);
  expect(kernel).toMatchObject({ release: '6.14.0-rc1', series: '6.14', suite: 'own' });
  expect(kernel.modules).toMatch(/lib\/modules\/6\.14\.0-rc1$/);
  expect(releaseOf(kernel.image)).toBe('6.14.0-rc1');
});
