import { Injectable, Optional } from '@nestjs/common';
import { Failure } from '../failure.js';
import { ApiKeys } from './api-keys.js';
import type { Principal, Scope } from './principal.js';
import { Tokens } from './tokens.js';

const BEARER = /^bearer +([!-~]+)$/i;

/** Who is calling and what they may do; the same for every gate. */
@Injectable()
export class Access {
  constructor(
    private readonly keys: ApiKeys,
    @Optional() private readonly tokens?: Tokens,
  ) {}

  /**
   * Who shows this credential (the whole value of `authorization`). `otherwise` is who it is when none is shown; a
   * credential that is shown and wrong is refused all the same. Every refusal reads alike: it must not tell how near
   * somebody came. Throws `unavailable` when a token's key is not known and the issuer's keys cannot be read.
   */
  async principal(authorization?: string, otherwise?: Anonymous): Promise<Principal> {
    if (authorization === undefined && otherwise) return { name: otherwise.name, scopes: new Set(otherwise.scopes) };
    const secret = BEARER.exec(authorization?.trim() ?? '')?.[1];
    const known = secret === undefined ? undefined : (this.keys.find(secret) ?? (await this.tokens?.find(secret)));
    if (!known) throw unauthenticated();
    return known;
  }

  /**
   * Whether a principal that was let in would be let in now: its token has not ended, its key was neither withdrawn nor
   * given other scopes. For streams, which outlive the call they began with. Ask with the object that `principal` gave.
   */
  stillValid(by: Principal): boolean {
    if (by.customerId !== undefined) return this.tokens?.stillValid(by) ?? false;
    return this.keys.stillValid(by);
  }

  /** Throws `forbidden` when this caller lacks a scope. */
  demand(by: Principal, scope: Scope): void {
    if (!by.scopes.has(scope))
      throw new Failure('forbidden', 'missing-scope', `This needs the scope ${scope}.`, { scope });
  }
}

/** A caller without a credential of its own, such as a publisher whom the broker let in. */
export interface Anonymous {
  name: string;
  scopes: readonly Scope[];
}

/** No credential, or a wrong one: said in the same bytes whatever was wrong. */
export const unauthenticated = (): Failure =>
  new Failure(
    'unauthenticated',
    'unauthenticated',
    'This needs a valid credential: authorization: Bearer <API key or token>.',
  );
