import { Injectable } from '@nestjs/common';
import { Failure } from '../failure.js';
import { ApiKeys } from './api-keys.js';
import type { Principal, Scope } from './principal.js';

const BEARER = /^bearer +([!-~]+)$/i;

/** Who is calling and what they may do; the same for every gate. */
@Injectable()
export class Access {
  constructor(private readonly keys: ApiKeys) {}

  /**
   * Who shows this credential (the whole value of `authorization`). `otherwise` is who it is when none is shown; a
   * credential that is shown and wrong is refused all the same. Every refusal reads alike: it must not tell how near
   * somebody came.
   */
  async principal(authorization?: string, otherwise?: Access.Anonymous): Promise<Principal> {
    if (authorization === undefined && otherwise) return { name: otherwise.name, scopes: new Set(otherwise.scopes) };
    const secret = BEARER.exec(authorization?.trim() ?? '')?.[1];
    const known = secret === undefined ? undefined : this.keys.find(secret);
    if (!known) throw unauthenticated();
    return known;
  }

  /** Throws `forbidden` when this caller lacks a scope. */
  demand(by: Principal, scope: Scope): void {
    if (!by.scopes.has(scope))
      throw new Failure('forbidden', 'missing-scope', `This needs the scope ${scope}.`, { scope });
  }
}

// Types only, so that callers need one name; nothing of it is left at run time.
// eslint-disable-next-line @typescript-eslint/no-namespace
export namespace Access {
  /** A caller without a credential of its own, such as a publisher whom the broker let in. */
  export interface Anonymous {
    name: string;
    scopes: readonly Scope[];
  }
}

const unauthenticated = (): Failure =>
  new Failure('unauthenticated', 'unauthenticated', 'This needs a valid credential: authorization: Bearer <API key>.');
