import protobuf from 'protobufjs';
import { Undecodable } from '../admit.js';
import { codecOf, decodeInput, protoCodec } from './codec.js';
import { messageType } from './schema.js';
