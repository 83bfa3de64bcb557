/** The kinds of "no" that all three gates can act on. `internal` is our own bug: only its id leaves the house. */
export type FailureKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'precondition'
  | 'exhausted'
  | 'unavailable'
  | 'deadline'
  | 'cancelled'
  | 'elsewhere'
  | 'internal';

/** One field that was refused; `field` is a path such as `lines[0].quantity`. */
export interface FieldViolation {
  field: string;
  message: string;
}

/** What a caller may be told beyond the sentence; never SQL, stacks or paths. */
export interface FailureDetails {
  fields?: FieldViolation[];
  /** Seconds after which asking again makes sense. */
  retryAfter?: number;
  [name: string]: unknown;
}

/** The one vocabulary in which anything here says no. Thrown or answered; `gates/` translates it once per gate. */
export class Failure extends Error {
  constructor(
    readonly kind: FailureKind,
    /** Stable, kebab-case, the same on all three gates. */
    readonly code: string,
    message: string,
    readonly details: FailureDetails = {},
  ) {
    super(message);
    this.name = 'Failure';
  }

  /** The body of a fault on AMQP and of a stored refusal. */
  toJSON(): FailureJson {
    return { kind: this.kind, code: this.code, message: this.message, details: this.details };
  }

  static fromJSON(json: FailureJson): Failure {
    return new Failure(json.kind, json.code, json.message, json.details);
  }
}

export interface FailureJson {
  kind: FailureKind;
  code: string;
  message: string;
  details: FailureDetails;
}

/** Refuses input, naming every field that is wrong. */
export const invalid = (fields: FieldViolation[], code = 'invalid'): Failure =>
  new Failure('invalid', code, fields.map((f) => `${f.field}: ${f.message}`).join('; '), { fields });

/** Says that nothing of this name is here (or may be seen by this caller: the two must look the same). */
export const notFound = (what: string, id: string): Failure =>
  new Failure('not-found', `${what}-not-found`, `There is no ${what} ${id}.`);

/** Says "not now": the work is kept or may be asked again. */
export const unavailable = (code: string, message: string, retryAfter = 1): Failure =>
  new Failure('unavailable', code, message, { retryAfter });

/** Says that another process has the module that could do this. */
export const elsewhere = (module: string): Failure =>
  new Failure('elsewhere', 'elsewhere', `The module ${module} lives in another process.`, { module });

/** Whether waiting may help, so that a message is never parked for it. */
export const passes = (failure: Failure): boolean => failure.kind === 'unavailable' || failure.kind === 'exhausted';
