import { protoCodec } from '../grpc/codec.js';

/** One message for any number of readers: each of its forms on the wire is made once, when the first asks for it. */
export class Frame {
  private made: { json?: Buffer; event?: Buffer; protobuf?: Buffer } = {};

  constructor(
    private readonly value: object,
    /** The full name of its Protobuf message. */
    private readonly message = '',
    private readonly cursor?: string,
  ) {}

  get json(): Buffer {
    return (this.made.json ??= Buffer.from(JSON.stringify(this.value)));
  }

  /** As WHATWG HTML, 9.2 has it; the id is what comes back as `Last-Event-ID`. */
  get event(): Buffer {
    return (this.made.event ??= Buffer.from(`id: ${this.cursor}\ndata: ${JSON.stringify(this.value)}\n\n`));
  }

  get protobuf(): Buffer {
    return (this.made.protobuf ??= protoCodec(this.message).encode(this.value));
  }
}
