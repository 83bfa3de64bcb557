import 'reflect-metadata';
import { bootReport } from './boot-report.js';
import { BadSettings, readSettings, unknownYet } from './config/read-settings.js';
import type { Settings } from './config/settings.js';
import { closeOnSignals, openHouse } from './house.js';

/** EX_CONFIG of sysexits: what is wrong stands in the environment, and starting again will not help. */
const BAD_CONFIGURATION = 78;

const started = performance.now();

function settingsOrExit(): Settings {
  try {
    return readSettings();
  } catch (error) {
    if (!(error instanceof BadSettings)) throw error;
    console.error(error.message);
    process.exit(BAD_CONFIGURATION);
  }
}

const settings = settingsOrExit();
try {
  const house = await openHouse(settings);
  closeOnSignals(house, settings.SHUTDOWN_TIMEOUT_MS);
  console.log(bootReport(settings, house, unknownYet(), performance.now() - started));
} catch (error) {
  console.error(`Sanmon cannot start: ${(error as Error).message}`);
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
    console.error('Set PORT or GRPC_PORT to another port, or to 0 for any free one.');
  if (settings.LOG_LEVEL === 'debug') console.error((error as Error).stack);
  process.exit(1);
}
