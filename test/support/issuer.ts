import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export const ISSUER = 'https://id.example/';
export const AUDIENCE = 'the-shop';

interface KeyPair {
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  kid: string;
  alg: string;
}

const SCOPES =
  'orders:read orders:write payments:read payments:write inventory:read inventory:write notifications:read ops';

/** An issuer of customers' tokens: real keys, and a real JWKS document over HTTP. */
export class Issuer {
  /** How often its keys were asked for. */
  asked = 0;
  /** What stands in the document beyond its own keys. */
  extra: JWK[] = [];
  private readonly keys: KeyPair[] = [];
  private server?: Server;
  private port = 0;

  /** Opens it, with one RSA key and one elliptic one. */
  static async open(): Promise<Issuer> {
    const issuer = new Issuer();
    await issuer.addKey('rsa-1', 'RS256');
    await issuer.addKey('ec-1', 'ES256');
    await issuer.listen();
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/jwks.json`;
  }

  /** What a house is told of it. */
  get settings(): Record<string, string> {
    return { JWT_JWKS_URL: this.url, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE };
  }

  async addKey(kid: string, alg = 'RS256'): Promise<void> {
    this.keys.push({ ...(await generateKeyPair(alg, { extractable: true })), kid, alg });
  }

  /** Answers again, at the same address, after `close`. */
  async listen(): Promise<void> {
    const server = createServer((_request, response) => {
      this.asked++;
      void this.document().then((text) => response.end(text));
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  close(): Promise<void> {
    this.server?.closeAllConnections();
    return new Promise((resolve) => (this.server ? this.server.close(() => resolve()) : resolve()));
  }

  /** A good token of this customer, but for what is asked to be otherwise; `undefined` leaves a claim out. */
  token(
    sub: string,
    { claims = {}, header = {}, kid = 'rsa-1' }: { claims?: JWTPayload; header?: object; kid?: string } = {},
  ): Promise<string> {
    const { privateKey, alg } = this.key(kid);
    return new SignJWT({ ...this.claims(sub), ...claims })
      .setProtectedHeader({ alg, kid, typ: 'JWT', ...header })
      .sign(privateKey);
  }

  /** A token without any signature (`alg: none`). */
  unsigned(sub: string): string {
    return `${encoded({ alg: 'none', kid: 'rsa-1', typ: 'JWT' })}.${encoded(this.claims(sub))}.`;
  }

  /** A token signed by HS256 with the public key as its secret: what a verifier believes that lets the token choose. */
  async confused(sub: string): Promise<string> {
    const signed = `${encoded({ alg: 'HS256', kid: 'rsa-1', typ: 'JWT' })}.${encoded(this.claims(sub))}`;
    const secret = await exportSPKI(this.key('rsa-1').publicKey);
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  }

  private claims(sub: string): JWTPayload {
    const now = Math.floor(Date.now() / 1_000);
    return { iss: ISSUER, aud: AUDIENCE, sub, iat: now, exp: now + 600, scope: SCOPES };
  }

  private key(kid: string): KeyPair {
    return this.keys.find((key) => key.kid === kid)!;
  }

  private async document(): Promise<string> {
    const keys = await Promise.all(
      this.keys.map(async ({ publicKey, kid, alg }) => ({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' })),
    );
    return JSON.stringify({ keys: [...keys, ...this.extra] });
  }
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
