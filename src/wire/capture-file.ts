import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import { interfaceDescription, sectionHeader } from './pcapng.ts';

/** A pcapng file that grows, and in which comments are replaced. */
export interface CaptureFile {
  /** Where its end is. */
  readonly end: number;
  /** Why nothing more is written. */
  readonly error: string | undefined;
  /** Never throws: a full disk must not stop the wire, the record says that the capture ends there. */
  write(bytes: Uint8Array, at: number): void;
  close(): void;
}

/** Make the file with its header; throws where that cannot be. */
export function openCaptureFile(path: string, wallNs: bigint, snap: number): CaptureFile {
  const fd = openSync(path, 'w');
  let end = 0;
  let error: string | undefined;
  const file: CaptureFile = {
    get end() {
      return end;
    },
    get error() {
      return error;
    },
    write(bytes, at) {
      if (error !== undefined) return;
      try {
        for (let written = 0; written < bytes.length; ) {
          written += writeSync(fd, bytes, written, bytes.length - written, at + written);
        }
        end = Math.max(end, at + bytes.length);
      } catch (thrown) {
        error = messageOf(thrown);
      }
    },
    close: () => closeSync(fd),
  };
  const comment = `t = 0 of the run's record is ${wallNs} ns of wall time`;
  file.write(sectionHeader({ application: 'lingerlab wire', comment }), 0);
  file.write(interfaceDescription({ name: 'wire', snap }), end);
  return file;
}

/** Of a capture that stays in memory. */
export const noFile: CaptureFile = { end: 0, error: undefined, write: () => undefined, close: () => undefined };
