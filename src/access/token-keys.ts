import { Logger } from '@nestjs/common';
import { createLocalJWKSet, type JWK, type JSONWebKeySet } from 'jose';
import { unavailable } from '../failure.js';

/** Asymmetric ones only: with HS256 the public key would be the secret (CVE-2022-23540 and its many kin). */
export const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

const REFRESH_MS = 300_000;
/** An unknown key id asks for the set again, but however many come, not more often than this. */
const COOLDOWN_MS = 5_000;
/** How long the last set is trusted while its source is away; whoever withdraws a key may have taken the source down. */
const STALE_MS = 3_600_000;
const TIMEOUT_MS = 5_000;
/** 2,048 bits in base64url. */
const SMALLEST_RSA = 342;

type Find = ReturnType<typeof createLocalJWKSet>;

/** The keys that tokens are signed with, by key id: read from a JWKS document (RFC 7517), judged, and kept fresh. */
export class TokenKeys {
  /** Which reading of the set is known, counted from 1. */
  reading = 0;
  private readonly logger = new Logger(TokenKeys.name);
  private readonly timer: NodeJS.Timeout;
  private ids: ReadonlySet<string> = new Set();
  private known?: Find;
  private readAt = -Infinity;
  private triedAt = -Infinity;
  private complaint = '';
  private underway?: Promise<void>;

  constructor(private readonly url: string) {
    this.timer = setInterval(() => void this.read(), REFRESH_MS).unref();
    void this.read();
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Whether tokens under this key id are taken now; asks nobody. */
  has(kid: string): boolean {
    return this.ids.has(kid) && performance.now() - this.readAt < STALE_MS;
  }

  /**
   * The set to look this key id up in. Throws `unavailable` when it is not known and the source cannot be asked: then
   * nobody knows whether it is good, so it is neither taken nor called wrong.
   */
  async for(kid: string): Promise<Find> {
    if (this.has(kid)) return this.known!;
    if (this.underway || performance.now() - this.triedAt >= COOLDOWN_MS) await this.read();
    if (this.complaint && !this.has(kid)) throw away();
    return this.known!;
  }

  private read(): Promise<void> {
    this.underway ??= this.readOnce().finally(() => (this.underway = undefined));
    return this.underway;
  }

  private async readOnce(): Promise<void> {
    this.triedAt = performance.now();
    try {
      const keys = judged(await fetched(this.url));
      this.ids = new Set(keys.map(({ kid }) => kid!));
      this.known = createLocalJWKSet({ keys });
      this.readAt = performance.now();
      this.reading++;
      if (this.complaint) this.logger.log('JWT_JWKS_URL can be read again');
      this.complaint = '';
    } catch (error) {
      const why = (error as Error).message;
      if (!this.complaint)
        this.logger.warn(`JWT_JWKS_URL cannot be read: ${why}; tokens under keys known so far go on`);
      this.complaint = why;
    }
  }
}

async function fetched(url: string): Promise<JSONWebKeySet> {
  const headers = { accept: 'application/jwk-set+json, application/json' };
  // A redirect could lead to keys of somebody else's.
  const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const set = (await response.json()) as JSONWebKeySet | null;
  if (!Array.isArray(set?.keys)) throw new Error('it is no JSON Web Key Set');
  return set;
}

/** Keys that may verify: named, public, asymmetric, long enough, for signatures, and the only one of their name. */
function judged({ keys }: JSONWebKeySet): JWK[] {
  const good = keys.filter(
    (key) =>
      typeof key?.kid === 'string' &&
      (key.kty === 'EC' || key.kty === 'OKP' || (key.kty === 'RSA' && (key.n?.length ?? 0) >= SMALLEST_RSA)) &&
      key.d === undefined &&
      (key.use ?? 'sig') === 'sig' &&
      (key.alg === undefined || ALGORITHMS.includes(key.alg)),
  );
  return good.filter(({ kid }) => good.filter((other) => other.kid === kid).length === 1);
}

const away = () =>
  unavailable('token-keys-unavailable', 'The keys that tokens are signed with cannot be read just now.', 5);
