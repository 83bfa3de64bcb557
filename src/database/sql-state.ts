// Conditions by the names that PostgreSQL gives them (appendix "PostgreSQL Error Codes").
export const CHECK_VIOLATION = '23514';
export const DEADLOCK_DETECTED = '40P01';
export const DUPLICATE_TABLE = '42P07';
export const LOCK_NOT_AVAILABLE = '55P03';
export const QUERY_CANCELED = '57014';
export const SERIALIZATION_FAILURE = '40001';
export const UNIQUE_VIOLATION = '23505';

/** The SQLSTATE of an error of PostgreSQL; of one of the socket its name, as Node gives it. */
export const sqlState = (error: unknown): string | undefined => (error as { code?: string } | undefined)?.code;
