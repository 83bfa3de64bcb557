import { createHash } from 'node:crypto';

/** What is known of a body of which only the beginning was kept. */
export interface Cut {
  length: number;
  sha256: string;
}

/** The largest body that is kept whole, in bytes. */
export const LARGEST_KEPT = 1024 * 1024;
const KEPT_OF_LARGER = 64 * 1024;

/** The beginning of a body that is larger than we keep, copied so that the rest can go. */
export function cut(content: Buffer): { content: Buffer; cut?: Cut } {
  if (content.length <= LARGEST_KEPT) return { content };
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { content: Buffer.from(content.subarray(0, KEPT_OF_LARGER)), cut: { length: content.length, sha256 } };
}
