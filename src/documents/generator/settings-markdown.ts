import { MEANINGS } from '../../config/meanings.js';
import type { Setting } from '../../config/setting.js';
import { SETTINGS } from '../../config/settings.js';

const HEAD = `# Settings

<!-- Made by \`npm run docs\` from src/config/; edits are lost. -->

Environment variables; there is no settings file. Every one can be given as \`<NAME>_FILE\` instead, naming a file that holds
the value (giving both is refused). Empty means unset. Wrong settings are all listed at once, by name and expected form and
never by value, and the process ends with exit code 78. \`sanmon check\` says which are given, and looks at what they name.
`;

/** docs/settings.md: every setting there is, in the order of src/config/settings.ts. */
export function settingsMarkdown(): string {
  const rows = (Object.entries(SETTINGS) as [keyof typeof SETTINGS, Setting<unknown>][]).map(([name, setting]) => {
    const { means, unset } = MEANINGS[name];
    const fallback = unset ?? `\`${written(setting.fallback)}\``;
    return `| \`${name}\` | ${fallback} | ${setting.expects} | ${means} |`;
  });
  return [HEAD, '| setting | without it | expected | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** A default as one would set it. */
function written(fallback: unknown): string {
  if (Array.isArray(fallback)) return fallback.join(' ');
  if (typeof fallback === 'string' || typeof fallback === 'number') return String(fallback);
  throw new Error('a setting without a default needs words for it: `unset` in src/config/meanings.ts');
}
