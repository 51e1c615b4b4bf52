import { describe, expect, test } from 'vitest';
import { cpuOf, distributionOf, type VirtualizationClues, virtualizationOf } from '../../src/doctor/machine.ts';

describe('distributionOf', () => {
  test.each([
    [
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n',
      'Debian GNU/Linux 12 (bookworm)',
    ],
    ["NAME=Alpine\nVERSION_ID=3.20.1\nID=alpine\nPRETTY_NAME='Alpine Linux v3.20'\n", 'Alpine Linux v3.20'],
    ['NAME=Fedora\nVERSION_ID=40\n', 'Fedora 40'],
    ['NAME="Ann\\"s Linux"\n', 'Ann"s Linux'],
    ['# PRETTY_NAME=no\n', 'unknown'],
    ['', 'unknown'],
  ])('%j is %s', (text, name) => expect(distributionOf(text)).toBe(name));
});

const epyc =
  'processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC\nstepping\t: 1\nflags\t\t: fpu vme de rdrand hypervisor lahf_lm\nbogomips\t: 5192.19\n';
const laptop =
  'processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 142\nmodel name\t: Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz\nflags\t\t: fpu vme de vmx rdrand lahf_lm\n';
const graviton =
  'processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd evtstrm aes\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n';
const tcg =
  'processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: QEMU Virtual CPU version 2.5+\nflags\t\t: fpu de pse rdrand hypervisor lahf_lm\n';

describe('cpuOf', () => {
  test.each([
    ['x86', epyc, 'AMD EPYC'],
    ['arm64 of a known part', graviton, 'ARM Neoverse-N1'],
    ['arm64 of another maker', graviton.replace('0x41', '0x61'), 'implementer 0x61 part 0xd0c'],
    ['nothing', '', 'unknown'],
  ])('of %s', (_, text, name) => expect(cpuOf(text)).toBe(name));
});

describe('virtualizationOf', () => {
  const nothing: VirtualizationClues = {
    dmiVendor: null,
    dmiProduct: null,
    hypervisorType: null,
    deviceTree: null,
    acpiHeader: null,
    clocksources: null,
    cpuinfo: epyc,
  };
  const dmi = (dmiVendor: string, dmiProduct: string) => ({
    dmiVendor: `${dmiVendor}\n`,
    dmiProduct: `${dmiProduct}\n`,
  });
  const firecracker = 'DSDTS\x0f\0\0\x02wFIRECKFCVMDSDT\0\0\0\0FCAT\x01\x19$ ';
  test.each<[string, Partial<VirtualizationClues>, string]>([
    ['Firecracker, seen by root', { acpiHeader: firecracker, clocksources: 'tsc kvm-clock \n' }, 'firecracker'],
    ['Firecracker, seen without root', { clocksources: 'tsc kvm-clock \n' }, 'kvm'],
    ['QEMU with KVM', { ...dmi('QEMU', 'Standard PC (Q35 + ICH9, 2009)'), clocksources: 'kvm-clock tsc\n' }, 'kvm'],
    [
      'QEMU without KVM',
      { ...dmi('QEMU', 'Standard PC (Q35 + ICH9, 2009)'), clocksources: 'tsc hpet\n', cpuinfo: tcg },
      'qemu',
    ],
    ['QEMU with neither DMI nor KVM', { cpuinfo: tcg }, 'qemu'],
    ['EC2', { ...dmi('Amazon EC2', 'm7a.large'), clocksources: 'kvm-clock tsc' }, 'amazon'],
    ['EC2 on arm64', { ...dmi('Amazon EC2', 'm6g.large'), cpuinfo: graviton }, 'amazon'],
    ['EC2 bare metal', { ...dmi('Amazon EC2', 'm6g.metal'), cpuinfo: graviton }, 'none'],
    ['VirtualBox', dmi('innotek GmbH', 'VirtualBox'), 'virtualbox'],
    ['VMware', dmi('VMware, Inc.', 'VMware7,1'), 'vmware'],
    ['a laptop', { ...dmi('LENOVO', '20L5CTO1WW'), cpuinfo: laptop }, 'none'],
    ['a laptop of Microsoft', { ...dmi('Microsoft Corporation', 'Surface Laptop 4'), cpuinfo: laptop }, 'none'],
    ['Xen', { hypervisorType: 'xen\n' }, 'xen'],
    ['KVM on arm64 by device tree', { deviceTree: 'linux,kvm\0', cpuinfo: graviton }, 'kvm'],
    ['an arm64 board', { cpuinfo: graviton }, 'none'],
    ['a guest that says no more', {}, 'unknown hypervisor'],
  ])('of %s', (_, clues, name) => expect(virtualizationOf({ ...nothing, ...clues })).toBe(name));
});
