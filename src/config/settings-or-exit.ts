import { BadSettings, readSettings } from './read-settings.js';
import type { Settings } from './settings.js';

/** EX_CONFIG of sysexits: what is wrong stands in the environment, and starting again will not help. */
const BAD_CONFIGURATION = 78;

/** The settings of this process. When they are not as expected it says which, on standard error, and ends. */
export function settingsOrExit(): Settings {
  try {
    return readSettings();
  } catch (error) {
    if (!(error instanceof BadSettings)) throw error;
    console.error(error.message);
    process.exit(BAD_CONFIGURATION);
  }
}
