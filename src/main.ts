import 'reflect-metadata';
import { bootReport } from './boot-report.js';
import { settingsOrExit } from './config/settings-or-exit.js';
import { boundGarbage } from './heap.js';
import { closeOnSignals, openHouse } from './house.js';
import { endAtOnce, onSignals } from './signals.js';

const started = performance.now();
boundGarbage();
onSignals(endAtOnce);

const settings = settingsOrExit();
try {
  const house = await openHouse(settings);
  closeOnSignals(house, settings.SHUTDOWN_TIMEOUT_MS);
  await house.standing;
  console.log(bootReport(settings, house, performance.now() - started));
} catch (error) {
  console.error(`Sanmon cannot start: ${(error as Error).message}`);
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
    console.error('Set PORT or GRPC_PORT to another port, or to 0 for any free one.');
  if (settings.LOG_LEVEL === 'debug') console.error((error as Error).stack);
  process.exit(1);
}
