import protobuf from 'protobufjs';

type Json = Record<string, unknown>;

/** Whether absent and empty are two things for this field. */
export const hasPresence = (field: protobuf.Field): boolean =>
  field.partOf !== null || field.resolvedType instanceof protobuf.Type;

/** An empty message with a place for every field, in the order of the .proto; `undefined` where absent means absent. */
export function blankOf(type: protobuf.Type): Json {
  return Object.fromEntries(type.fieldsArray.map((field) => [field.name, defaultOf(field)]));
}

function defaultOf(field: protobuf.Field): unknown {
  if (field.repeated || hasPresence(field)) return undefined;
  if (field.resolvedType instanceof protobuf.Enum) return field.resolvedType.valuesById[0];
  return { string: '', int64: 0, bool: false }[field.type];
}

/**
 * Takes the places that stayed empty out of a message. Each combination of present fields is copied from an object of
 * that shape: adding a property to a fresh object costs V8 560 ns, storing into one that is there 20 ns.
 */
export function withoutAbsent(type: protobuf.Type): (message: Json) => Json {
  const optional = type.fieldsArray.filter((field) => !field.repeated && hasPresence(field)).map(({ name }) => name);
  const whole = 2 ** optional.length - 1;
  const shapes = new Map<number, { names: string[]; blank: Json }>();
  const shapeOf = (message: Json, present: number) => {
    const names = Object.keys(message).filter((name) => message[name] !== undefined);
    const shape = { names, blank: Object.fromEntries(names.map((name) => [name, undefined])) };
    shapes.set(present, shape);
    return shape;
  };
  return (message) => {
    let present = 0;
    for (let i = 0; i < optional.length; i++) if (message[optional[i]!] !== undefined) present += 2 ** i;
    if (present === whole) return message;
    const { names, blank } = shapes.get(present) ?? shapeOf(message, present);
    const result = { ...blank };
    for (const name of names) result[name] = message[name];
    return result;
  };
}
