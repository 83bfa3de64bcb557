import { Injectable, Optional } from '@nestjs/common';
import { uuidv7 } from '../uuid.js';
import { Access, type Anonymous } from '../access/access.js';
import type { Principal } from '../access/principal.js';
import { type Budget, RateLimit } from '../access/rate-limit.js';
import { Refusals } from '../access/refusals.js';
import { Failure, invalid } from '../failure.js';
import { traceOf } from '../messaging/trace.js';
import type { Asked, Unwanted } from './asked.js';
import { CallSpans } from './call-spans.js';
import { demandOwn, withOwnCustomerId } from './customer-id.js';
import { asFailure } from './failures.js';
import { idempotencyKey } from './idempotency-key.js';
import { operationOf, type OperationClass, type OperationTraits } from './operation.js';
import { preferredWait } from './prefer.js';
import { validated } from './validate.js';

/** A call as a gate decoded it, before anybody has judged it. */
export interface Call {
  /** The whole value of `authorization`, if there was one. */
  authorization?: string;
  /** Who it is when no credential is shown: AMQP publishers have a name and scopes of their own. */
  otherwise?: Anonymous;
  /** The idempotency key as it came, quoted or not. */
  key?: string;
  /** The value of `prefer`. */
  prefer?: string;
  /** The value of `traceparent`; one that is not valid is ignored. */
  traceparent?: unknown;
  /** The key is the id of a message, which is unique whatever operation it asks for. */
  keyIsMessageId?: boolean;
  /** Why it need not be begun any more, on the gates that notice. */
  unwanted?: Unwanted;
  /** Through which gate, and what this call is called in logs. */
  via?: { gate: 'rest' | 'grpc' | 'amqp'; requestId?: string };
  /** Told how much of its rate the caller has left, where there is a limit. */
  budget?: (budget: Budget) => void;
  /** The decoded input, or why it could not be decoded. */
  input: unknown;
}

/** Stands in the place of an input that could not be decoded, so that the refusal is made here and not by a library. */
export class Undecodable {
  constructor(
    readonly why: string,
    readonly field = 'body',
    readonly code = 'undecodable',
  ) {}
}

/** What must be known of an operation to let somebody in. */
export type Door = Pick<OperationTraits, 'name' | 'kind' | 'scope'>;

/** Admission, per message and by the same steps on every gate: decode, principal, scope, validate. */
@Injectable()
export class Admission {
  constructor(
    private readonly access: Access,
    @Optional() private readonly refusals = new Refusals(),
    @Optional() private readonly limit?: RateLimit,
    @Optional() private readonly spans?: CallSpans,
  ) {}

  /** The admitted call; throws the Failure that refuses it. */
  async admit<C extends object>(type: OperationClass<C>, call: Call): Promise<Asked<C>> {
    const operation = operationOf(type);
    const by = await this.enter(operation, call);
    try {
      return this.judged(type, call, by);
    } catch (error) {
      this.note(error, operation.name, call, by);
      throw error;
    }
  }

  /** The first steps alone, for streams whose input comes later; `opens` is what opens one, and its span ends with that. */
  async open(door: Door, call: Omit<Call, 'input'>, opens: (by: Principal) => void): Promise<void> {
    const by = await this.enter(door, call);
    const opening = { id: uuidv7(), operation: door, by, trace: traceOf(call.traceparent) };
    const asked = this.spans?.begin(opening, call.via?.gate) ?? opening;
    try {
      opens(by);
      this.spans?.ended(asked, undefined);
    } catch (error) {
      this.spans?.ended(asked, asFailure(error));
      throw error;
    }
  }

  /** Who it is, its rate, its scope. */
  private async enter({ name, kind, scope }: Door, call: Omit<Call, 'input'>): Promise<Principal> {
    let by: Principal | undefined;
    try {
      by = await this.access.principal(call.authorization, call.otherwise);
      // A command over RabbitMQ is counted where it is run: what is over the limit waits there and is not refused here.
      const counted = call.via?.gate !== 'amqp' || kind === 'query';
      if (this.limit && counted) await this.count(this.limit, call, by);
      this.access.demand(by, scope);
      return by;
    } catch (error) {
      this.note(error, name, call, by);
      throw error;
    }
  }

  private judged<C extends object>(type: OperationClass<C>, call: Call, by: Principal): Asked<C> {
    const operation = operationOf(type);
    const late = call.unwanted?.();
    if (late) throw late;
    if (call.input instanceof Undecodable) {
      const { field, why, code } = call.input;
      throw invalid([{ field, message: why }], code);
    }
    const key = operation.kind === 'command' ? idempotencyKey(call.key) : undefined;
    const { keyIsMessageId, unwanted } = call;
    const asked = {
      id: uuidv7(),
      operation,
      command: this.command(type, call.input, by),
      by,
      key,
      wait: preferredWait(call.prefer),
      trace: traceOf(call.traceparent),
      ...(keyIsMessageId && { keyIsMessageId }),
      ...(unwanted && { unwanted }),
    };
    return this.spans?.begin(asked, call.via?.gate) ?? asked;
  }

  private async count(limit: RateLimit, call: Omit<Call, 'input'>, { name }: Principal): Promise<void> {
    try {
      // Not inside the call: where nobody wants to be told, `?.` would not count either.
      const budget = await limit.take(name);
      call.budget?.(budget);
    } catch (error) {
      if (error instanceof Failure) call.budget?.({ perSecond: limit.perSecond, left: 0 });
      throw error;
    }
  }

  private note(error: unknown, operation: string, call: Omit<Call, 'input'>, by?: Principal): void {
    if (!(error instanceof Failure)) return;
    const { via, traceparent } = call;
    const refusal = { principal: by?.name ?? 'nobody', operation, gate: via?.gate ?? 'a gate', code: error.code };
    this.spans?.refused({ ...refusal, traceparent });
    if (!['unauthenticated', 'forbidden'].includes(error.kind)) return;
    this.refusals.note({ ...refusal, requestId: via?.requestId });
  }

  private command<C extends object>(type: OperationClass<C>, input: unknown, by: Principal): C {
    const { customerId } = operationOf(type);
    if (!customerId) return validated(type, input);
    const own = withOwnCustomerId(by, input);
    const command = validated(type, own, customerId === 'needed' ? ['customerId'] : []);
    demandOwn(by, (command as { customerId?: string }).customerId);
    return command;
  }

  /** Who a refused call is kept under: its caller if the credential was good, else who it is without one. */
  async nameOf({ authorization, otherwise }: Call): Promise<string> {
    const known = await this.access.principal(authorization, otherwise).catch(() => otherwise);
    return known?.name ?? 'nobody';
  }

  /** The same for a gate that answers each message of a set by itself. */
  async tryAdmit<C extends object>(type: OperationClass<C>, call: Call): Promise<Asked<C> | Failure> {
    try {
      return await this.admit(type, call);
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
  }
}
