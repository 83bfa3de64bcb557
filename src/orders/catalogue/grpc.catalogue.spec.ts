import { Metadata, type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from '@grpc/grpc-js';
import { grpcService } from '../../gates/grpc/definition.js';
import { demandSigned } from '../../gates/grpc/house-call.js';
import { QUOTE_ITEMS } from '../../inventory/index.js';
import { Signature } from '../../messaging/outbox/signature.js';
import type { Span } from '../../messaging/spans.js';
import { GrpcCatalogue } from './grpc.catalogue.js';

type Call = ServerUnaryCall<{ skus: string[] }, object>;
type Behaviour = (call: Call, answer: sendUnaryData<object>) => void;

const signature = new Signature('a secret of this house');
const away = expect.objectContaining({
  kind: 'unavailable',
  code: 'prices-unavailable',
  details: { retryAfter: 2 },
}) as Error;

const quotesOf = (skus: string[]) =>
  skus.map((sku) => ({ sku, name: `Thing ${sku}`, currency: 'JPY', unitPrice: 600 }));
const answers: Behaviour = ({ request }, answer) => answer(null, { quotes: quotesOf(request.skus) });
const fails =
  (code: status): Behaviour =>
  (_, answer) =>
    answer({ code, details: 'scripted' });

/** A real gRPC server that behaves as told. */
class Inventory {
  asked: string[][] = [];
  behaves: Behaviour = answers;
  private readonly server = new Server();
  port = 0;

  async open(port = 0): Promise<this> {
    this.server.addService(grpcService('sanmon.inventory.internal.v1.QuotesService'), {
      QuoteItems: (call: Call, answer: sendUnaryData<object>) => {
        this.asked.push(call.request.skus);
        this.behaves(call, answer);
      },
    });
    this.port = await new Promise((resolve, reject) =>
      this.server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    return this;
  }

  close(): void {
    this.server.forceShutdown();
  }
}

describe('prices asked of inventory in another process', () => {
  let inventories: Inventory[];
  let catalogue: GrpcCatalogue;
  beforeEach(async () => {
    inventories = [await new Inventory().open(), await new Inventory().open()];
    const addresses = inventories.map(({ port }) => `127.0.0.1:${port}`);
    catalogue = new GrpcCatalogue(`ipv4:${addresses.join(',')}`, signature);
  });
  afterEach(() => {
    catalogue.close();
    inventories.forEach((inventory) => inventory.close());
  });

  const all = (behaves: Behaviour) => inventories.forEach((inventory) => (inventory.behaves = behaves));
  const asked = () => inventories.flatMap((inventory) => inventory.asked);

  it('come in one call for a set, signed', async () => {
    let metadata = new Metadata();
    all((call, answer) => {
      metadata = call.metadata;
      answers(call, answer);
    });
    const quotes = await catalogue.quote(['tea', 'cup']);
    expect([...quotes.values()]).toEqual(quotesOf(['tea', 'cup']));
    expect(asked()).toEqual([['tea', 'cup']]);
    expect(() => demandSigned(signature, QUOTE_ITEMS, ['tea', 'cup'], metadata)).not.toThrow();
  });

  it('are told in the traces of the calls that wait for them, with how it ended', async () => {
    const told: Span[] = [];
    const traced = new GrpcCatalogue(`ipv4:127.0.0.1:${inventories[0]!.port}`, signature, (span) => told.push(span));
    const sent: unknown[] = [];
    const noting =
      (then: Behaviour): Behaviour =>
      (call, answer) => {
        sent.push(call.metadata.get('traceparent')[0]);
        then(call, answer);
      };
    const causes = [{ trace: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }, {}];
    try {
      all(noting(answers));
      await traced.quote(['tea'], causes);
      await traced.quote(['tea'], [{}]);
      all(noting(fails(status.INTERNAL)));
      await expect(traced.quote(['cup'], causes)).rejects.toEqual(away);
    } finally {
      traced.close();
    }
    expect(told).toMatchObject([
      { kind: 'client', parent: causes[0]!.trace, failed: undefined },
      { kind: 'client', parent: causes[0]!.trace, failed: 'INTERNAL' },
    ]);
    expect(sent).toEqual([told[0]!.self, undefined, told[1]!.self]);
  });

  it('are asked a thousand at a time', async () => {
    const skus = Array.from({ length: 2_500 }, (_, i) => `sku-${i}`);
    expect((await catalogue.quote(skus)).size).toBe(2_500);
    expect(
      asked()
        .map((slice) => slice.length)
        .sort(),
    ).toEqual([1_000, 1_000, 500]);
  });

  it('are asked of all processes in turn', async () => {
    await catalogue.answers();
    for (let i = 0; i < 20; i++) await catalogue.quote([`sku-${i}`]);
    for (const { asked } of inventories) expect(asked.length).toBeGreaterThanOrEqual(9);
  });

  it('are asked again when a process says UNAVAILABLE, three times at most', async () => {
    let left = 2;
    all((call, answer) => (left-- > 0 ? fails(status.UNAVAILABLE)(call, answer) : answers(call, answer)));
    expect((await catalogue.quote(['tea'])).size).toBe(1);
    all(fails(status.UNAVAILABLE));
    await expect(catalogue.quote(['cup'])).rejects.toEqual(away);
    expect(asked()).toHaveLength(6);
  });

  it.each([status.INTERNAL, status.UNAUTHENTICATED, status.UNIMPLEMENTED, status.INVALID_ARGUMENT])(
    'are not asked again after status %d',
    async (code) => {
      all(fails(code));
      await expect(catalogue.quote(['tea'])).rejects.toEqual(away);
      expect(asked()).toHaveLength(1);
    },
  );

  it('are waited for two seconds; after three such calls nobody waits, until a probe is answered', async () => {
    all(() => undefined);
    const began = performance.now();
    await Promise.all([1, 2, 3].map(() => expect(catalogue.quote(['tea'])).rejects.toEqual(away)));
    const waited = performance.now() - began;
    expect(waited).toBeGreaterThan(1_900);
    expect(waited).toBeLessThan(8_000);
    const before = asked().length;
    await expect(catalogue.quote(['tea'])).rejects.toEqual(away);
    expect(asked()).toHaveLength(before);
    all(answers);
    expect(await catalogue.answers()).toBe(true);
    expect((await catalogue.quote(['tea'])).size).toBe(1);
  });

  it('cannot be asked while no process is there, and again when one is', async () => {
    inventories.forEach((inventory) => inventory.close());
    const began = performance.now();
    await expect(catalogue.quote(['tea'])).rejects.toEqual(away);
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(await catalogue.answers()).toBe(false);
    inventories = [await new Inventory().open(inventories[1]!.port)];
    const until = performance.now() + 10_000;
    while (!(await catalogue.answers()) && performance.now() < until) await new Promise((on) => setTimeout(on, 50));
    expect((await catalogue.quote(['tea'])).size).toBe(1);
  });
});
