// FieldDescriptorProto.Type and .Label of google/protobuf/descriptor.proto.
const DOUBLE = 1;
const INT64 = 3;
const INT32 = 5;
const BOOL = 8;
const STRING = 9;
const MESSAGE = 11;
const ENUM = 14;

const field = (number: number, name: string, type: number, more: object = {}) => ({
  number,
  name,
  type,
  label: 1,
  jsonName: name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  ...more,
});
const refers = (name: string) => ({ typeName: `.google.protobuf.${name}` });
const repeats = (name: string) => ({ typeName: `.google.protobuf.${name}`, label: 3 });
const kind = { oneofIndex: 0 };

const timestamp = {
  name: 'google/protobuf/timestamp.proto',
  package: 'google.protobuf',
  syntax: 'proto3',
  messageType: [{ name: 'Timestamp', field: [field(1, 'seconds', INT64), field(2, 'nanos', INT32)] }],
};

const struct = {
  name: 'google/protobuf/struct.proto',
  package: 'google.protobuf',
  syntax: 'proto3',
  messageType: [
    {
      name: 'Struct',
      field: [field(1, 'fields', MESSAGE, repeats('Struct.FieldsEntry'))],
      nestedType: [
        {
          name: 'FieldsEntry',
          field: [field(1, 'key', STRING), field(2, 'value', MESSAGE, refers('Value'))],
          options: { mapEntry: true },
        },
      ],
    },
    {
      name: 'Value',
      field: [
        field(1, 'null_value', ENUM, { ...refers('NullValue'), ...kind }),
        field(2, 'number_value', DOUBLE, kind),
        field(3, 'string_value', STRING, kind),
        field(4, 'bool_value', BOOL, kind),
        field(5, 'struct_value', MESSAGE, { ...refers('Struct'), ...kind }),
        field(6, 'list_value', MESSAGE, { ...refers('ListValue'), ...kind }),
      ],
      oneofDecl: [{ name: 'kind' }],
    },
    { name: 'ListValue', field: [field(1, 'values', MESSAGE, repeats('Value'))] },
  ],
  enumType: [{ name: 'NullValue', value: [{ name: 'NULL_VALUE', number: 0 }] }],
};

/** google/protobuf/timestamp.proto and struct.proto as descriptors: reflection must bring along what our files import. */
export const GOOGLE_FILES: object[] = [timestamp, struct];
