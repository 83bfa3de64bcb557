import { traceId } from './trace.js';

/**
 * What a log line is about, as fields beside its sentence: by them a collector finds all lines of one order, of one message or
 * of one trace. Of each what is known.
 */
export const about = ({ id, key, trace }: { id?: string; key?: string; trace?: string }): Record<string, string> => ({
  ...(trace !== undefined && { trace: traceId(trace) }),
  ...(id !== undefined && { messageId: `msg_${id}` }),
  ...(key !== undefined && { key }),
});
