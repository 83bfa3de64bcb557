import type { Settings } from '../../config/settings.js';
import { Signature } from '../../messaging/outbox/signature.js';
import { GrpcCatalogue } from '../../orders/catalogue/grpc.catalogue.js';
import { type Finding, ok, warn } from './finding.js';

/** Where orders is here and inventory is not: whether prices can be asked. */
export async function pricesFindings(settings: Settings): Promise<Finding[]> {
  const { MODULES, INVENTORY_GRPC_URL: url, MESSAGE_SECRET: secret } = settings;
  if (!MODULES.includes('orders') || MODULES.includes('inventory')) return [];
  const inventory = new GrpcCatalogue(url!, new Signature(secret!));
  try {
    if (await inventory.answers()) return [ok('prices', `inventory answers at ${url}`)];
    const advice =
      'No order can be placed over REST and gRPC until it does; the cause may be the address or MESSAGE_SECRET';
    return [warn('prices', `inventory does not answer at ${url}`, advice)];
  } finally {
    inventory.close();
  }
}
