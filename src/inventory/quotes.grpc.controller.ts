import type { Metadata } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { Refusals } from '../access/refusals.js';
import { Failure } from '../failure.js';
import { asFailure } from '../gates/failures.js';
import { demandSigned } from '../gates/grpc/house-call.js';
import { TextList } from '../gates/fields.js';
import { validated } from '../gates/validate.js';
import { spanTime } from '../messaging/spans.js';
import { hop, isSampled, traceOf } from '../messaging/trace.js';
import { Traffic } from '../messaging/traffic.js';
import { uuidv7 } from '../uuid.js';
import { type Quote, QUOTE_ITEMS, QUOTED_AT_MOST } from './index.js';
import { QuoteItems } from './quote-items.js';

const NAME = 'inventory.quote-items';

class QuoteItemsRequest {
  @TextList(QUOTED_AT_MOST, /^[A-Za-z0-9._-]{1,64}$/) skus!: string[];
}

/** Quotes for orders in other processes of this house. No operation of clients: it knows no scope, only our own secret. */
@Controller()
export class QuotesGrpcController {
  constructor(
    private readonly items: QuoteItems,
    private readonly traffic: Traffic,
    private readonly refusals: Refusals,
  ) {}

  @GrpcMethod('QuotesService', 'QuoteItems')
  async quote(request: { skus?: unknown }, metadata: Metadata): Promise<{ quotes: Quote[] }> {
    this.demandOurs(request, metadata);
    const { tell } = this.traffic.handlers;
    const parent = tell && traceOf(metadata.get('traceparent')[0]);
    if (!tell || !isSampled(parent)) return this.answer(request);
    const span = { name: NAME, kind: 'server', self: hop(parent, uuidv7()), parent, began: spanTime() } as const;
    const attributes = { 'sanmon.gate': 'grpc', 'sanmon.operation': NAME };
    try {
      const answer = await this.answer(request);
      tell({ ...span, attributes });
      return answer;
    } catch (error) {
      tell({ ...span, attributes, failed: asFailure(error).code });
      throw error;
    }
  }

  private async answer(request: object): Promise<{ quotes: Quote[] }> {
    const { skus } = validated(QuoteItemsRequest, request);
    return { quotes: [...(await this.items.quote(skus)).values()] };
  }

  /** First of all, so that a stranger learns nothing about what would be valid. */
  private demandOurs({ skus }: { skus?: unknown }, metadata: Metadata): void {
    try {
      demandSigned(this.traffic.signature, QUOTE_ITEMS, Array.isArray(skus) ? (skus as string[]) : [], metadata);
    } catch (error) {
      if (error instanceof Failure)
        this.refusals.note({ principal: 'nobody', operation: NAME, gate: 'grpc', code: error.code });
      throw error;
    }
  }
}
