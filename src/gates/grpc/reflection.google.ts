/** google/protobuf/timestamp.proto and struct.proto as descriptors, for clients that do not bring them along. */
export const GOOGLE_FILES: object[] = [];
