import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Effects } from '../messaging/effects/effects.js';
import { PaymentStory } from './payment-story.js';
import { PAYMENTS_OPTIONS, type PaymentsOptions } from './payments.options.js';
import { ProviderEffect, type Rules } from './provider-effect.js';
import type { AuthoriseCall, CaptureCall, Refusal, RefundCall, VoidCall } from './providers/provider.js';

/** The refusals that a customer is told; any other one of an authorisation is our mistake and reads as declined. */
const TOLD: readonly Refusal[] = ['payment-declined', 'insufficient-funds', 'unknown-payment-method'];

/** The refusals of a void that say what has become of the authorisation; others say nothing about the money. */
const TELLING: readonly Refusal[] = ['already-captured', 'already-voided', 'not-found'];

/** The four calls to the provider. Only an authorisation may be given up: the others move money that is ours or owed. */
@Injectable()
export class PaymentEffects implements OnModuleInit {
  constructor(
    private readonly effects: Effects,
    private readonly story: PaymentStory,
    @Inject(PAYMENTS_OPTIONS) private readonly options: PaymentsOptions,
  ) {}

  onModuleInit(): void {
    const { provider, deadlineMs } = this.options;
    this.register<AuthoriseCall>({
      kind: 'payment-authorise',
      book: (call, timeoutMs) => provider.authorise(call, timeoutMs),
      refusal: (reason) => (TOLD.includes(reason) ? reason : 'payment-declined'),
      deadlineMs,
    });
    this.register<CaptureCall>({
      kind: 'payment-capture',
      book: (call, timeoutMs) => provider.capture(call, timeoutMs),
      refusal: () => 'capture-failed',
    });
    this.register<VoidCall>({
      kind: 'payment-void',
      book: (call, timeoutMs) => provider.void(call, timeoutMs),
      refusal: (reason) => (TELLING.includes(reason) ? reason : undefined),
    });
    this.register<RefundCall>({
      kind: 'payment-refund',
      book: (call, timeoutMs) => provider.refund(call, timeoutMs),
      refusal: (reason) => reason,
    });
  }

  private register<C extends { key: string }>(rules: Rules<C>): void {
    this.effects.register(new ProviderEffect(rules, this.options.provider, this.story));
  }
}
