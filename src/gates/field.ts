import { ValidateBy, ValidateIf } from 'class-validator';

/** What is said of a field in generated documents; a fragment of JSON Schema. */
export type FieldSchema = Record<string, unknown> & { type: 'string' | 'integer' | 'boolean' | 'array' | 'object' };

/** One rule for one field: a single constraint with a single sentence, so that a refusal reads the same every time. */
export interface FieldRule {
  /** Completes "quantity …", and never changes: clients show it. */
  says: string;
  schema: FieldSchema;
  holds: (value: unknown) => boolean;
  /** The input class of the object, or of the objects of the list, that this field holds. */
  of?: () => new () => object;
}

/** The name under which class-validator knows our rules. */
export const FIELD = 'field';

const RULE = Symbol('field rule');

/** Makes a rule the decorator of a property; its schema stays readable for query strings and documents. */
export const field =
  (rule: FieldRule): PropertyDecorator =>
  (target, property) => {
    const { says, holds } = rule;
    Reflect.defineMetadata(RULE, rule, target, property);
    ValidateBy({
      name: FIELD,
      validator: { validate: holds, defaultMessage: (args) => (args?.value === undefined ? 'is required' : says) },
    })(target, property);
  };

/** May be left out. `null` is not leaving out: it is refused before any rule is asked. */
export const Optional = (): PropertyDecorator => ValidateIf(isGiven);

/** The condition `Optional` sets, to know it again. */
export const isGiven = (_: object, value: unknown): boolean => value !== undefined;

/** The rule of one field of an input class, of its parents too. */
export const ruleOf = (type: new () => object, property: string): FieldRule | undefined =>
  Reflect.getMetadata(RULE, type.prototype as object, property) as FieldRule | undefined;

/** Sixteen digits hold every number that is exact (2^53); a longer one is left a text, which its rule refuses. */
const WHOLE = /^-?\d{1,16}$/;

/**
 * A value of a path or query string as its field declares it. What does not look like that type stays a string and is
 * refused by the rule. Bodies never come here: there "1" is no number.
 */
export function fromText(type: new () => object, property: string, text: string): unknown {
  const declared = ruleOf(type, property)?.schema.type;
  if (declared === 'integer' && WHOLE.test(text)) return Number(text);
  if (declared === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
