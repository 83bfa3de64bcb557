import { ValidateBy, ValidateIf } from 'class-validator';

/** What is said of a field in generated documents; a fragment of JSON Schema. */
export type FieldSchema = Record<string, unknown> & { type: 'string' | 'integer' | 'boolean' | 'array' | 'object' };

/** One rule for one field: a single constraint with a single sentence, so that a refusal reads the same every time. */
export interface FieldRule {
  /** Completes "quantity …", and never changes: clients show it. */
  says: string;
  schema: FieldSchema;
  holds: (value: unknown) => boolean;
}

const SCHEMA = Symbol('field schema');

/** Makes a rule the decorator of a property; its schema stays readable for query strings and documents. */
export const field =
  ({ says, schema, holds }: FieldRule): PropertyDecorator =>
  (target, property) => {
    Reflect.defineMetadata(SCHEMA, schema, target, property);
    ValidateBy({
      name: 'field',
      validator: { validate: holds, defaultMessage: (args) => (args?.value === undefined ? 'is required' : says) },
    })(target, property);
  };

/** May be left out. `null` is not leaving out: it is refused before any rule is asked. */
export const Optional = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined);

/** The schema of one field of an input class, of its parents too. */
export const schemaOf = (type: new () => object, property: string): FieldSchema | undefined =>
  Reflect.getMetadata(SCHEMA, type.prototype as object, property) as FieldSchema | undefined;

/** Sixteen digits hold every number that is exact (2^53); a longer one is left a text, which its rule refuses. */
const WHOLE = /^-?\d{1,16}$/;

/**
 * A value of a path or query string as its field declares it. What does not look like that type stays a string and is
 * refused by the rule. Bodies never come here: there "1" is no number.
 */
export function fromText(type: new () => object, property: string, text: string): unknown {
  const declared = schemaOf(type, property)?.type;
  if (declared === 'integer' && WHOLE.test(text)) return Number(text);
  if (declared === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
