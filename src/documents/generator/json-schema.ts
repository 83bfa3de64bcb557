import { getMetadataStorage } from 'class-validator';
import protobuf from 'protobufjs';
import { isGiven, ruleOf } from '../../gates/field.js';
import type { OperationClass } from '../../gates/operation.js';

/** A JSON Schema of the draft 2020-12, which OpenAPI 3.1 and AsyncAPI 3 share. */
export interface JsonSchema {
  type?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  $ref?: string;
  [keyword: string]: unknown;
}

/**
 * What an operation or a message class takes, by the rules that judge it at run time. `described` is the Protobuf message
 * of the same fields: its comments say what they mean.
 */
export function schemaOfClass(type: OperationClass, described?: protobuf.Type): JsonSchema {
  const { optional, names } = fieldsOf(type);
  const properties = Object.fromEntries(names.map((name) => [name, schemaOfField(type, name, described)]));
  const required = names.filter((name) => !optional.has(name));
  return {
    type: 'object',
    ...descriptionOf(described?.comment),
    properties,
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

function fieldsOf(type: OperationClass): { names: string[]; optional: Set<string> } {
  const found = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const optional = found.filter((one) => one.constraints?.[0] === isGiven).map(({ propertyName }) => propertyName);
  // Metadata of an inheriting class comes in no order of its own; the rules of the parent are the same ones.
  return { names: [...new Set(found.map(({ propertyName }) => propertyName))], optional: new Set(optional) };
}

function schemaOfField(type: OperationClass, name: string, described?: protobuf.Type): JsonSchema {
  const rule = ruleOf(type, name)!;
  const field = described?.fields[name]?.resolve();
  const described_ = descriptionOf(field?.comment);
  const nested = field?.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
  if (!rule.of) return { ...rule.schema, ...described_ };
  const inner = schemaOfClass(rule.of(), nested);
  if (rule.schema.type !== 'array') return { ...inner, ...described_ };
  const { description: _, ...items } = inner;
  return { ...rule.schema, ...described_, items };
}

/** Messages of Protobuf as JSON Schemas, each under a name of its own: what the gates answer. */
export class AnswerSchemas {
  /** By name, as they are met. */
  readonly named: Record<string, JsonSchema> = {};
  private readonly types = new Map<string, protobuf.Type>();

  constructor(private readonly prefix = '#/components/schemas/') {}

  /** A reference to the schema of a message; the schema itself is then among `named`. */
  refer(type: protobuf.Type): JsonSchema {
    const name = nameOf(type);
    const known = this.types.get(name);
    if (known && known !== type) throw new Error(`${known.fullName} and ${type.fullName} would both be called ${name}`);
    if (!known) {
      this.types.set(name, type);
      this.named[name] = {};
      Object.assign(this.named[name], this.describe(type));
    }
    return { $ref: this.prefix + name };
  }

  private describe(type: protobuf.Type): JsonSchema {
    const required = type.fieldsArray.filter((field) => !field.partOf).map(({ name }) => name);
    return {
      type: 'object',
      ...descriptionOf(type.comment),
      properties: Object.fromEntries(type.fieldsArray.map((field) => [field.name, this.member(field)])),
      ...(required.length > 0 && { required }),
    };
  }

  private member(field: protobuf.Field): JsonSchema {
    const described = descriptionOf(field.comment);
    const one = this.value(field.resolve());
    if (field.repeated) return { type: 'array', items: one, ...described };
    return { ...one, ...described };
  }

  private value({ resolvedType, type }: protobuf.Field): JsonSchema {
    if (resolvedType instanceof protobuf.Enum) return enumSchema(resolvedType);
    if (resolvedType?.fullName === '.google.protobuf.Timestamp') return { type: 'string', format: 'date-time' };
    if (resolvedType?.fullName === '.google.protobuf.Struct') return { type: 'object' };
    if (resolvedType instanceof protobuf.Type) return this.refer(resolvedType);
    return SCALARS[type] ?? { type: 'string' };
  }
}

/** Integers travel as JSON numbers: all of them are exact in 53 bits (docs/contract.md, "Limits"). */
const SCALARS: Record<string, JsonSchema> = {
  int64: { type: 'integer', format: 'int64' },
  int32: { type: 'integer', format: 'int32' },
  bool: { type: 'boolean' },
  double: { type: 'number' },
};

/** `sanmon.orders.v1.Order.Line` → `OrderLine`. */
export const nameOf = ({ fullName }: protobuf.Type): string => fullName.split('.').slice(4).join('');

function enumSchema({ values, comments }: protobuf.Enum): JsonSchema {
  const words = Object.keys(values).filter((word) => !word.endsWith('_UNSPECIFIED'));
  const said = words.filter((word) => comments[word]).map((word) => `- \`${word}\`: ${inJson(comments[word]!)}`);
  return { type: 'string', enum: words, ...(said.length > 0 && { description: said.join('\n') }) };
}

const descriptionOf = (comment?: string | null): { description?: string } =>
  comment ? { description: inJson(comment) } : {};

/** The comments speak of fields as Protobuf writes them; in JSON `page_token` is `pageToken`. Names of payment methods stay. */
export const inJson = (comment: string): string =>
  comment
    .replace(/(?<!\n)\n(?!\n)/g, ' ')
    .replace(/\b(?!pm_)[a-z]+(?:_[a-z]+)+\b/g, (name) => protobuf.util.camelCase(name));
