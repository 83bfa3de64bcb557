import type { Metadata } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { Refusals } from '../access/refusals.js';
import { Failure } from '../failure.js';
import { demandSigned } from '../gates/grpc/house-call.js';
import { TextList } from '../gates/fields.js';
import { validated } from '../gates/validate.js';
import { Traffic } from '../messaging/traffic.js';
import { type Quote, QUOTE_ITEMS, QUOTED_AT_MOST } from './index.js';
import { QuoteItems } from './quote-items.js';

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
    const { skus } = validated(QuoteItemsRequest, request);
    return { quotes: [...(await this.items.quote(skus)).values()] };
  }

  /** First of all, so that a stranger learns nothing about what would be valid. */
  private demandOurs({ skus }: { skus?: unknown }, metadata: Metadata): void {
    try {
      demandSigned(this.traffic.signature, QUOTE_ITEMS, Array.isArray(skus) ? (skus as string[]) : [], metadata);
    } catch (error) {
      if (error instanceof Failure)
        this.refusals.note({ principal: 'nobody', operation: 'inventory.quote-items', gate: 'grpc', code: error.code });
      throw error;
    }
  }
}
