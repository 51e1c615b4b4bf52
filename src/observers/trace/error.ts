/** Bytes or text from tracefs that are not what the kernel documents; the message says what is wrong. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}
