import type { Settings } from '../../config/settings.js';
import { SandboxClient } from '../../payments/providers/sandbox.client.js';
import { fail, type Finding, ok } from './finding.js';

const WITHIN_MS = 3_000;
/** Nothing is ever booked under it. */
const KEY = 'sanmon-check';

/** Whether the provider answers a look-up, which books nothing. */
export async function providerFindings({ MODULES, PAYMENT_SANDBOX_URL: url }: Settings): Promise<Finding[]> {
  if (!MODULES.includes('payments')) return [];
  if (!url) return [ok('provider', 'SIMULATED by a sandbox that is started beside the product: no money moves')];
  const found = await new SandboxClient(url).find(KEY, WITHIN_MS);
  return [
    found.booked === 'unknown'
      ? fail('provider', `${url} does not answer as a provider: ${found.why}`, 'See that PAYMENT_SANDBOX_URL is right')
      : ok('provider', `SIMULATED by the sandbox at ${url}, which answers: no money moves`),
  ];
}
