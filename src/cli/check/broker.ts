import { withoutSecrets } from '../../boot-report.js';
import type { Settings } from '../../config/settings.js';
import { askBroker } from '../../messaging/broker/broker.js';
import { inspect, type Inspection } from '../../messaging/broker/inspection.js';
import { fail, type Finding, looked, ok, warn } from './finding.js';

/** The first version with dead-lettering that loses nothing (`x-dead-letter-strategy`). */
const OLDEST = '3.10';

/** Every broker that was named, and on the first that answers our queues and exchanges: they share them. */
export async function brokerFindings({ RABBITMQ_URL: urls, MODULES }: Settings): Promise<Finding[]> {
  if (urls.length === 0)
    return [ok('broker', 'none: messages stay in this process, and there is no third gate (set RABBITMQ_URL)')];
  const found: Finding[] = [];
  let inspected: Inspection | undefined;
  for (const url of urls) {
    const advice = `Nothing we can use answers at ${withoutSecrets(url)}: see that it runs, and docs/operations.md#permissions`;
    const look = async (): Promise<Finding> => {
      const inspection = await askBroker(url, (connection) => inspect(connection, MODULES));
      inspected ??= inspection;
      return versionOf(url, inspection);
    };
    found.push(...(await looked('broker', advice, look)));
  }
  return inspected ? [...found, ...topology(inspected)] : found;
}

function versionOf(url: string, { version }: Inspection): Finding {
  const says = `${withoutSecrets(url)}: RabbitMQ ${version}`;
  const number = (text: string): number => {
    const [major = 0, minor = 0] = text.split('.').map(Number);
    return major * 1_000 + minor;
  };
  return number(version) < number(OLDEST) ? fail('broker', says, `${OLDEST} or newer is needed`) : ok('broker', says);
}

function topology({ standing, missing, differing }: Inspection): Finding[] {
  const found = differing.map((sentence) =>
    fail('topology', sentence.replace(/\.$/, ''), 'See docs/operations.md#rabbitmq'),
  );
  if (missing.length > 0)
    found.push(
      warn('topology', `not there: ${missing.join(', ')}`, 'A start declares them; a house that runs, within seconds'),
    );
  return found.length > 0 ? found : [ok('topology', `${standing} queues and exchanges are as we declare them`)];
}
