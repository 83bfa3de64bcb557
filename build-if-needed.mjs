// Builds when dist/ is missing or older than what it is made of, so that `npm start` is all a newcomer needs.
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';

const newest = (directory) =>
  Math.max(
    ...readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(`${entry.parentPath ?? entry.path}/${entry.name}`).mtimeMs),
  );

const built = statSync('dist/main.js', { throwIfNoEntry: false })?.mtimeMs ?? 0;
const made = Math.max(
  newest('src'),
  ...['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((f) => statSync(f).mtimeMs),
);
if (made > built) {
  console.log('Building (once; about ten seconds) …');
  execFileSync(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build'], { stdio: 'inherit' });
}
