import type { Scope } from '../../access/principal.js';
import type { Admission } from '../admit.js';
import type { CallSpans } from '../call-spans.js';
import type { Calls } from '../calls.js';
import type { Execution } from '../execution.js';

/** What the third gate of one module admits and runs with. */
export interface AmqpGate {
  admission: Admission;
  execution: Execution;
  /** What a publisher without a credential may do. */
  publisherScopes: readonly Scope[];
  /** Where calls are counted. */
  calls?: Calls;
  /** Where the spans of calls are told. */
  spans?: CallSpans;
}
