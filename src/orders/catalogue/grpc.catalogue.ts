import { type ChannelOptions, Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { protoCodec } from '../../gates/grpc/codec.js';
import { signedCall } from '../../gates/grpc/house-call.js';
import { type Quote, QUOTE_ITEMS, QUOTED_AT_MOST } from '../../inventory/index.js';
import type { Signature } from '../../messaging/outbox/signature.js';
import { nameOfError, type TellSpan } from '../../messaging/spans.js';
import { pricesUnavailable } from '../orders.failures.js';
import { Breaker } from './breaker.js';
import { Catalogue, type Cause } from './catalogue.js';
import { questionOf } from './question.js';

/** For one question with all its attempts; a quote takes 2 ms. */
const DEADLINE_MS = 2_000;

/** For the question of `/readyz`, which waits for a second at most. */
const ALIVE_MS = 800;

/** gRPC's own balancing and retries (gRFC A6: the waits are random, and a share of answers bounds them). */
const SERVICE_CONFIG = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: '0.05s',
        maxBackoff: '0.5s',
        backoffMultiplier: 3,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
  retryThrottling: { maxTokens: 20, tokenRatio: 0.2 },
};

const CHANNEL: ChannelOptions = {
  'grpc.service_config': JSON.stringify(SERVICE_CONFIG),
  'grpc.service_config_disable_resolution': 1, // nobody's DNS says how we call
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000, // 2 minutes by default
  'grpc.dns_min_time_between_resolutions_ms': 2_000, // 30 s by default: a replica that moved would be missed so long
  'grpc.keepalive_time_ms': 10_000, // finds a peer that went away without a word
  'grpc.keepalive_timeout_ms': 2_000,
};

const request = (skus: string[]): Buffer =>
  protoCodec('sanmon.inventory.internal.v1.QuoteItemsRequest').encode({ skus });
const answer = (bytes: Buffer): Quote[] =>
  (protoCodec('sanmon.inventory.internal.v1.QuoteItemsResponse').decode(bytes) as { quotes: Quote[] }).quotes;

/** Asks the processes that have inventory, e.g. at `dns:///inventory:50051`, in turn. */
export class GrpcCatalogue extends Catalogue {
  private readonly logger = new Logger('Catalogue');
  private readonly breaker = new Breaker();
  private readonly client: Client;

  constructor(
    private readonly url: string,
    private readonly signature: Signature,
    /** Where questions are told; absent = nowhere. */
    private readonly tell?: TellSpan,
  ) {
    super();
    this.client = new Client(url, credentials.createInsecure(), CHANNEL);
  }

  async quote(skus: string[], causes: readonly Cause[] = []): Promise<Map<string, Quote>> {
    // Nobody is asked then, so there is nothing to tell: the calls themselves say what they came to.
    if (!this.breaker.admits()) throw pricesUnavailable();
    const question = this.tell && questionOf(causes, skus.length, this.tell);
    try {
      const quotes = await Promise.all(slices(skus).map((slice) => this.ask(slice, question?.traceparent)));
      this.answered();
      question?.ended();
      return new Map(quotes.flat().map((quote) => [quote.sku, quote]));
    } catch (error) {
      question?.ended(status[(error as ServiceError).code] ?? nameOfError(error));
      if (this.breaker.failed()) this.logger.error(`inventory does not answer at ${this.url}: ${reasonOf(error)}`);
      throw pricesUnavailable();
    }
  }

  /** Whether anybody answers now; asked by `/readyz`, so that the circuit closes without a caller. */
  async answers(): Promise<boolean> {
    try {
      await this.ask(['-'], undefined, ALIVE_MS);
      this.answered();
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    this.client.close();
  }

  private answered(): void {
    if (this.breaker.answered()) this.logger.log(`inventory answers again at ${this.url}`);
  }

  private ask(skus: string[], traceparent?: string, within = DEADLINE_MS): Promise<Quote[]> {
    const metadata = signedCall(this.signature, QUOTE_ITEMS, skus);
    if (traceparent) metadata.set('traceparent', traceparent);
    const deadline = Date.now() + within;
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(QUOTE_ITEMS, request, answer, skus, metadata, { deadline }, (error, quotes) =>
        error ? reject(error) : resolve(quotes!),
      );
    });
  }
}

function slices(skus: string[]): string[][] {
  const found: string[][] = [];
  for (let at = 0; at < skus.length; at += QUOTED_AT_MOST) found.push(skus.slice(at, at + QUOTED_AT_MOST));
  return found;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as ServiceError;
  if (code === status.UNAUTHENTICATED)
    return 'it refuses our signature: MESSAGE_SECRET differs, or the clocks by more than a minute';
  if (code === status.UNIMPLEMENTED)
    return 'that process has no inventory, or is of a version that does not quote: see INVENTORY_GRPC_URL';
  return message;
}
