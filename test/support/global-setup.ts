import { createRequire } from 'node:module';
import { join } from 'node:path';

interface Loader {
  _resolveFilename(request: string, ...rest: unknown[]): string;
}

/** Jest's global setup: brings up the servers for all test files, unless `SANMON_TEST_SERVERS=off`. */
export default async function globalSetup(): Promise<void> {
  if (process.env.SANMON_TEST_SERVERS === 'off') return;
  resolveJsAsTs();
  const { bringUp, RIG_VARIABLE } = await import('./rig.js');
  try {
    const { rig, takeDown } = await bringUp(join(__dirname, '..', '..', '.test'));
    process.env[RIG_VARIABLE] = JSON.stringify(rig);
    Object.assign(globalThis, { takeDownTestRig: takeDown });
  } catch (error) {
    // Jest prints the error without its cause, which is what one needs.
    if (error instanceof Error && error.cause) console.error(error.cause);
    throw error;
  }
}

// Jest transforms what global setup loads, but its moduleNameMapper does not reach here: Node itself looks for
// './rig.js' and finds no such file. So this file imports nothing of ours at its top.
function resolveJsAsTs(): void {
  const loader = createRequire(__filename)('node:module') as Loader;
  const resolve = loader._resolveFilename.bind(loader);
  loader._resolveFilename = (request, ...rest) => {
    try {
      return resolve(request, ...rest);
    } catch (error) {
      if (!/^\.{1,2}\/.*\.js$/.test(request)) throw error;
      return resolve(request.replace(/js$/, 'ts'), ...rest);
    }
  };
}
