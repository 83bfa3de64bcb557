import protobuf from 'protobufjs';

/**
 * The few messages of google/rpc/{status,error_details}.proto that a refusal needs (numbers as published by googleapis).
 * Here and not under proto/: they are not ours to lint, break or serve.
 */
const root = protobuf.Root.fromJSON({
  nested: {
    'google.rpc': {
      nested: {
        Any: {
          fields: { typeUrl: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } },
        },
        Status: {
          fields: {
            code: { type: 'int32', id: 1 },
            message: { type: 'string', id: 2 },
            details: { rule: 'repeated', type: 'Any', id: 3 },
          },
        },
        ErrorInfo: {
          fields: {
            reason: { type: 'string', id: 1 },
            domain: { type: 'string', id: 2 },
            metadata: { keyType: 'string', type: 'string', id: 3 },
          },
        },
        FieldViolation: {
          fields: { field: { type: 'string', id: 1 }, description: { type: 'string', id: 2 } },
        },
        BadRequest: {
          fields: { fieldViolations: { rule: 'repeated', type: 'FieldViolation', id: 1 } },
        },
        Duration: {
          fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } },
        },
        RetryInfo: {
          fields: { retryDelay: { type: 'Duration', id: 1 } },
        },
      },
    },
  },
} as protobuf.INamespace);

/** A message type of google.rpc, to encode or (in tests and clients) decode with. */
export const googleRpc = (name: 'Status' | 'ErrorInfo' | 'BadRequest' | 'RetryInfo'): protobuf.Type =>
  root.lookupType(`google.rpc.${name}`);

/** One entry of Status.details. */
export const anyOf = (name: 'ErrorInfo' | 'BadRequest' | 'RetryInfo', content: object) => ({
  typeUrl: `type.googleapis.com/google.rpc.${name}`,
  value: googleRpc(name).encode(content).finish(),
});
