import type { Settings } from '../../config/settings.js';
import { type Finding, looked, ok } from './finding.js';

const WITHIN_MS = 5_000;

/** Whether the keys can be read that customers' tokens are judged by. */
export async function tokensFindings({ JWT_JWKS_URL: url, JWT_ISSUER: issuer }: Settings): Promise<Finding[]> {
  if (!url) return [ok('tokens', 'none are taken, API keys only (set JWT_JWKS_URL)')];
  return looked('tokens', `Their issuer must publish its keys at ${url}`, async () => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(WITHIN_MS) });
    const { keys } = (await answer.json()) as { keys?: unknown };
    if (!answer.ok || !Array.isArray(keys) || keys.length === 0)
      throw new Error(`no keys: ${url} answered ${answer.status}`);
    return ok('tokens', `${keys.length} of the keys of ${issuer} can be read`);
  });
}
