import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import { Failure } from '../failure.js';
import { hashOf } from './api-key-list.js';
import { customer, type Principal } from './principal.js';
import { ALGORITHMS, TokenKeys } from './token-keys.js';

/** Provider token of the `TokenSource`; nothing is provided where tokens are off. */
export const TOKEN_SOURCE = Symbol('TokenSource');

/** Whose tokens are taken. */
export interface TokenSource {
  jwksUrl: string;
  issuer: string;
  audience: string;
}

/** How far two clocks may be apart. */
const LEEWAY_SECONDS = 30;
const MOST_JUDGED = 10_000;
const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** RFC 9068 says `at+jwt`; most issuers say `JWT` or nothing. A logout token is no access token. */
const TYPES: readonly unknown[] = [undefined, 'jwt', 'at+jwt'];
/** As the field `customerId` takes it: one line of 1 to 128 characters. */
const CUSTOMER_ID = /^(?=.*\S)[^\p{Cc}\p{Cs}]{1,128}$/u;

/** Customers' tokens: JWTs (RFC 7519) signed by one issuer for us. `sub` is the customer, `scope` what it may do. */
@Injectable()
export class Tokens implements OnModuleDestroy {
  private readonly logger = new Logger(Tokens.name);
  private readonly keys: TokenKeys;
  /** Tokens judged lately, by their hash: judging one costs 130 to 180 µs of processor time, knowing it again 2. */
  private readonly judged = new Map<string, Principal>();
  private judgedUnder = 0;
  /** Under which key each principal was let in: with the key it goes. */
  private readonly signedBy = new WeakMap<Principal, string>();

  constructor(@Inject(TOKEN_SOURCE) private readonly source: TokenSource) {
    this.keys = new TokenKeys(source.jwksUrl);
  }

  onModuleDestroy(): void {
    this.keys.close();
  }

  /** Whose token this is; undefined when it is not one of ours, or no longer, or not yet. Throws `unavailable`. */
  async find(token: string): Promise<Principal | undefined> {
    if (!SHAPE.test(token)) return undefined;
    const sum = hashOf(token);
    const known = this.again(sum);
    if (known) return known;
    const principal = await this.judge(token);
    if (principal) this.remember(sum, principal);
    return principal;
  }

  private async judge(token: string): Promise<Principal | undefined> {
    try {
      const { alg, kid, typ } = decodeProtectedHeader(token);
      const type = typ?.toLowerCase().replace(/^application\//, '');
      if (!kid || !alg || !ALGORITHMS.includes(alg) || !TYPES.includes(type)) return undefined;
      const { payload } = await jwtVerify(token, await this.keys.for(kid), {
        algorithms: ALGORITHMS,
        issuer: this.source.issuer,
        audience: this.source.audience,
        clockTolerance: LEEWAY_SECONDS,
        requiredClaims: ['sub', 'exp'],
      });
      return this.principalOf(payload, kid);
    } catch (error) {
      if (error instanceof Failure) throw error;
      // Whatever jose says of a stranger's text is a refusal; another error would be a key it cannot use.
      if (!(error instanceof errors.JOSEError || error instanceof TypeError)) this.logger.warn(String(error));
      return undefined;
    }
  }

  /** Whether a principal that was let in would be let in now: its time is not over, its key not withdrawn. */
  stillValid(by: Principal): boolean {
    const kid = this.signedBy.get(by);
    return kid !== undefined && by.expiresAt! > Date.now() && this.keys.has(kid);
  }

  /** Whose token this was a moment ago. What was judged under another reading of the key set is judged anew. */
  private again(sum: string): Principal | undefined {
    if (this.judgedUnder !== this.keys.reading) this.judged.clear();
    this.judgedUnder = this.keys.reading;
    const known = this.judged.get(sum);
    return known && this.stillValid(known) ? known : undefined;
  }

  private remember(sum: string, principal: Principal): void {
    const [oldest] = this.judged.size >= MOST_JUDGED ? this.judged.keys() : [];
    if (oldest !== undefined) this.judged.delete(oldest);
    this.judged.set(sum, principal);
  }

  private principalOf({ sub, exp, scope }: JWTPayload, kid: string): Principal | undefined {
    if (typeof sub !== 'string' || !CUSTOMER_ID.test(sub)) return undefined;
    const claimed = typeof scope === 'string' ? scope.split(' ') : [];
    const principal = customer(sub, claimed, (exp! + LEEWAY_SECONDS) * 1_000);
    this.signedBy.set(principal, kid);
    return principal;
  }
}
