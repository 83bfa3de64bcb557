import { Injectable } from '@nestjs/common';
import { v7 } from 'uuid';
import { Access } from '../access/access.js';
import { Failure, invalid } from '../failure.js';
import type { Asked } from './asked.js';
import { idempotencyKey } from './idempotency-key.js';
import { operationOf, type OperationClass } from './operation.js';
import { validated } from './validate.js';

/** A call as a gate decoded it, before anybody has judged it. */
export interface Call {
  /** The whole value of `authorization`, if there was one. */
  authorization?: string;
  /** Who it is when no credential is shown: AMQP publishers have a name and scopes of their own. */
  otherwise?: Access.Anonymous;
  /** The idempotency key as it came, quoted or not. */
  key?: string;
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

/** Admission, per message and by the same steps on every gate: decode, principal, scope, validate. */
@Injectable()
export class Admission {
  constructor(private readonly access: Access) {}

  /** The admitted call; throws the Failure that refuses it. */
  async admit<C extends object>(type: OperationClass<C>, call: Call): Promise<Asked<C>> {
    const operation = operationOf(type);
    const by = await this.access.principal(call.authorization, call.otherwise);
    this.access.demand(by, operation.scope);
    if (call.input instanceof Undecodable) {
      const { field, why, code } = call.input;
      throw invalid([{ field, message: why }], code);
    }
    const key = operation.kind === 'command' ? idempotencyKey(call.key) : undefined;
    return { id: v7(), operation, command: validated(type, call.input), by, key };
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
