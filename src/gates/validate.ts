import { plainToInstance } from 'class-transformer';
import { Validator, type ValidationError } from 'class-validator';
import { invalid, type FieldViolation } from '../failure.js';
import { path } from './paths.js';
import { surelyValid } from './surely-valid.js';
import { assertSafe } from './safe-json.js';

/** More than these help nobody, and 100 wrong lines would not fit into the 8 KiB of a gRPC trailer. */
const MAX_VIOLATIONS = 20;

const validator = new Validator();
const STRICT = {
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  validationError: { target: false, value: false },
};

/**
 * The input as an instance of its operation class; throws `invalid` with the paths of all fields that are wrong: the
 * declared ones in the order of their declaration, then the unknown ones by name. Nothing is converted. `needed` names
 * fields that others may leave out and this caller may not.
 */
export function validated<C extends object>(type: new () => C, input: unknown, needed: string[] = []): C {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw invalid([{ field: 'body', message: 'must be an object' }]);
  }
  assertSafe(input);
  const instance = plainToInstance(type, input, { enableImplicitConversion: false });
  const missing = needed.filter((name) => !Object.hasOwn(input, name)).map(required);
  if (missing.length === 0 && surelyValid(type, instance)) return instance;
  const errors = validator.validateSync(instance, STRICT);
  if (errors.length + missing.length > 0) refuse(errors, input, missing);
  return instance;
}

function refuse(errors: ValidationError[], input: object, missing: FieldViolation[]): void {
  // A class without a single field has no rules to look up, and class-validator refuses it whole.
  const fieldless = errors.length === 1 && errors[0]!.property === undefined;
  const found = fieldless
    ? Object.keys(input).map((name) => unknown([name]))
    : [...missing, ...errors.flatMap((e) => violations(e, []))];
  if (found.length === 0) return;
  const declared = found.filter((violation) => violation.message !== UNKNOWN);
  const others = found.filter((violation) => violation.message === UNKNOWN);
  others.sort((a, b) => (a.field < b.field ? -1 : 1));
  throw invalid([...declared, ...others].slice(0, MAX_VIOLATIONS));
}

const required = (field: string): FieldViolation => ({ field, message: 'is required' });

const UNKNOWN = 'is not a field of this operation';
const unknown = (keys: (string | number)[]): FieldViolation => ({ field: path(keys), message: UNKNOWN });

function violations(error: ValidationError, parents: (string | number)[]): FieldViolation[] {
  const keys = [...parents, /^\d+$/.test(error.property) ? Number(error.property) : error.property];
  if (error.constraints?.['whitelistValidation']) return [unknown(keys)];
  // The first only: what is wrong with the whole of a list makes its items not worth judging.
  const [message] = Object.values(error.constraints ?? {});
  if (message) return [{ field: path(keys), message }];
  return (error.children ?? []).flatMap((child) => violations(child, keys));
}
