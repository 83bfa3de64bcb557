import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { rig } from '../support/fixtures.js';

const ROOT = join(import.meta.dirname, '../..');

it('is built by `nest build`: everything but the tests, as modules that Node loads', async () => {
  // Inside the project, so that types are found; nest empties the folder it writes to.
  const directory = mkdtempSync(join(rig().directory, 'build-'));
  const project = join(directory, 'tsconfig.json');
  const compilerOptions = { outDir: join(directory, 'dist'), incremental: false };
  writeFileSync(project, JSON.stringify({ extends: join(ROOT, 'tsconfig.build.json'), compilerOptions }));
  try {
    await run(join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js'), 'build', '--path', relative(ROOT, project));
    const built = readdirSync(compilerOptions.outDir, { recursive: true, encoding: 'utf8' });
    expect(built).toContain('main.js');
    expect(built.filter((file) => /\.spec\.|(^|\/)test\//.test(file))).toEqual([]);
    expect(existsSync(join(compilerOptions.outDir, 'orders/index.js'))).toBe(true);
    await run('--check', join(compilerOptions.outDir, 'main.js'));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const run = async (...args: string[]): Promise<void> =>
  void (await promisify(execFile)(process.execPath, args, { cwd: ROOT }));
