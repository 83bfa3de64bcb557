/** A place in a feed: everything up to `position` was seen, in the numbering of this `epoch`. */
export interface Place {
  epoch: string;
  position: number;
}

/** The cursor that clients give back; opaque, but not secret: what they may see is judged anew each time. */
export const encodeCursor = ({ epoch, position }: Place): string =>
  Buffer.from(`${epoch}.${position}`).toString('base64url');

/** The place a cursor stands for; undefined when it is none of ours. */
export function decodeCursor(cursor: string): Place | undefined {
  const [, epoch, position] = /^([0-9a-f]{12})\.(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  return epoch && position ? { epoch, position: Number(position) } : undefined;
}
