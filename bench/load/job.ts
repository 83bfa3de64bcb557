/** The gates a load can come through. */
export type Gate = 'rest' | 'grpc' | 'amqp';

/** Where an application listens, and who we are there. Several origins share the connections. */
export interface Target {
  rest: string[];
  grpc: string[];
  amqp?: string;
  key: string;
}

/** One stretch of an open loop. */
export interface Phase {
  perSecond: number;
  seconds: number;
}

/** What the load generator is told to do. Orders are placed, or those of `ids` are read. */
export interface Job {
  gate: Gate;
  target: Target;
  /** Closed loop: so many clients, each asking again as soon as it is answered. */
  clients: number;
  /** Ends a closed loop, whichever is first. */
  seconds?: number;
  count?: number;
  /** Open loop instead: asks by the clock, whatever the answers do. */
  phases?: Phase[];
  /** Read these orders instead of placing new ones. */
  ids?: string[];
  /** Tell which orders were placed, and when they were asked for; REST only. */
  remember?: boolean;
}

/** What came of one phase (a closed loop is one). Latencies in milliseconds. */
export interface PhaseResult {
  asked: number;
  accepted: number;
  failed: number;
  seconds: number;
  p50: number;
  p99: number;
  max: number;
}

/** What came of a job. */
export interface JobResult {
  /** When the first question was asked, milliseconds since 1970. */
  began: number;
  phases: PhaseResult[];
  /** The first failures, in words. */
  complaints: string[];
  /** Orders with the moment they were asked for, milliseconds since 1970. */
  placed: [id: string, at: number][];
}

/** One way of asking. `answered` is called exactly once. */
export interface Wire {
  ask(answered: (trouble?: string, body?: () => string) => void): void;
  close(): void;
}
