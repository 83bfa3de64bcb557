import type { Tx } from '../../database/transaction.js';
import type { Broker, Publication } from '../broker/broker.js';
import type { Carrier } from './carrier.js';
import { ENVELOPE, pack } from './envelope.js';
import type { Outgoing } from '../message.js';
import { tellCarried, type TellSpan } from '../spans.js';
import { type Signature, SIGNATURE_HEADER } from './signature.js';
import { EXCHANGES } from '../broker/topology.js';
import { publicTrace } from '../trace.js';

interface Parcel {
  publication: Publication;
  /** The places of its rows in the set. */
  rows: number[];
}

/** Carries over RabbitMQ: between modules signed and up to 50 in one AMQP message, to the world one by one. */
export class RabbitMqCarrier implements Carrier {
  readonly name = 'rabbitmq';

  constructor(
    private readonly broker: Broker,
    private readonly signature: Signature,
    private readonly tell?: TellSpan,
  ) {}

  ready(): boolean {
    return this.broker.ready();
  }

  open(): void {}

  async close(): Promise<void> {}

  /** Publishes in order on one channel, so one key stays in order on each route; a wide window of confirms is open. */
  async carry(tx: Tx, rows: Outgoing[]): Promise<boolean[]> {
    const parcels = this.parcels(rows);
    const sent = await this.broker.publish(parcels.map((p) => p.publication));
    const taken = rows.map(() => false);
    parcels.forEach(({ publication, rows: places }, i) => {
      const gone = sent[i] === 'confirmed' || (sent[i] === 'returned' && !publication.mandatory);
      // A reply is tried once: whoever asked is gone or not, and nothing waits for it.
      const reply = publication.exchange === '' && sent[i] !== 'lost';
      if (gone || reply) for (const place of places) taken[place] = true;
    });
    const carried = this.tell ? rows.filter((_, place) => taken[place]) : [];
    tellCarried(tx, carried, this.tell);
    return taken;
  }

  private parcels(rows: Outgoing[]): Parcel[] {
    const parcels: Parcel[] = [];
    const open = new Map<string, number[]>();
    rows.forEach((row, place) => {
      if (!row.route.startsWith('internal:')) parcels.push({ publication: single(row), rows: [place] });
      else if ((open.get(row.route)?.length ?? ENVELOPE) < ENVELOPE) open.get(row.route)!.push(place);
      else {
        // The list is filled later; its parcel stands where its first row stood.
        const places = [place];
        open.set(row.route, places);
        parcels.push({ publication: undefined as never, rows: places });
      }
    });
    for (const parcel of parcels)
      parcel.publication ??= this.envelope(
        rows[parcel.rows[0]!]!.route,
        parcel.rows.map((place) => rows[place]!),
      );
    return parcels;
  }

  private envelope(route: string, rows: Outgoing[]): Publication {
    const routingKey = route.slice('internal:'.length);
    const content = pack(rows);
    return {
      exchange: EXCHANGES.internal,
      routingKey,
      content,
      mandatory: true,
      properties: {
        messageId: rows[0]!.id,
        type: 'sanmon.envelope',
        contentType: 'application/json',
        headers: { [SIGNATURE_HEADER]: this.signature.sign(routingKey, content) },
      },
    };
  }
}

function single(row: Outgoing): Publication {
  const content = Buffer.from(row.body);
  if (row.route === 'public')
    return {
      exchange: EXCHANGES.events,
      routingKey: row.type,
      content,
      mandatory: false,
      properties: eventProperties(row),
    };
  const { correlationId, ...rest } = JSON.parse(row.headers ?? '{}') as { correlationId?: string };
  return {
    exchange: '',
    routingKey: row.route.slice('reply:'.length),
    content,
    mandatory: true,
    properties: { messageId: `msg_${row.id}`, correlationId, contentType: 'application/json', headers: rest },
  };
}

/** The world's copy of an event is a plain JSON body; what CloudEvents needs stands in string headers, its AMQP binding. */
function eventProperties(row: Outgoing): Publication['properties'] {
  const at = new Date(parseInt(row.id.slice(0, 8) + row.id.slice(9, 13), 16));
  return {
    messageId: `msg_${row.id}`,
    type: row.type,
    appId: 'sanmon',
    contentType: 'application/json',
    timestamp: Math.floor(at.getTime() / 1_000),
    correlationId: row.key,
    headers: {
      cloudEvents_specversion: '1.0',
      cloudEvents_id: `msg_${row.id}`,
      cloudEvents_source: `/sanmon/${row.type.slice(0, row.type.indexOf('.'))}`,
      cloudEvents_type: row.type,
      cloudEvents_time: at.toISOString(),
      cloudEvents_subject: row.key,
      traceparent: publicTrace(row),
    },
  };
}
