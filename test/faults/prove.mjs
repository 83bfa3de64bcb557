// npm run test:prove [-- part of a mutant's name …]
// Breaks the product on purpose, one mutant at a time, each in a scratch copy, and expects the named cases to turn red.
// A mutant is a patch in test/faults/mutants; its first lines say which trap it seeds ("Trap:") and which cases
// must notice it ("Red:", arguments of Jest). What they said is in docs/fault-proof.md.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '../..');
const mutants = join(import.meta.dirname, 'mutants');
const wanted = process.argv.slice(2);
const size = process.env.SANMON_FAULT_SIZE || 'short';

const files = readdirSync(mutants).filter(
  (file) => file.endsWith('.patch') && (wanted.length === 0 || wanted.some((part) => file.includes(part))),
);
const survivors = [];
for (const file of files) if (!prove(file)) survivors.push(file);
console.log(`\n${files.length - survivors.length} of ${files.length} mutants were noticed`);
if (survivors.length > 0) console.log(`not noticed: ${survivors.join(', ')}`);
process.exit(survivors.length > 0 ? 1 : 0);

function options(cwd) {
  return { cwd, encoding: 'utf8', env: { ...process.env, SANMON_FAULT_SIZE: size } };
}

function indented(said) {
  return said.replace(/\u001b\[[0-9;]*m/g, '').replace(/^/gm, '    ');
}

/** Whether at least one case fails in a copy of the product that has this mistake, and every red one is a real failure. */
function prove(file) {
  const text = readFileSync(join(mutants, file), 'utf8');
  const [, trap] = /^Trap: (.*)$/m.exec(text);
  const [, red] = /^Red: (.*)$/m.exec(text);
  console.log(`\n${file}: ${trap}\n  must be noticed by ${red}`);
  const copy = mkdtempSync(join(tmpdir(), 'sanmon-mutant-'));
  try {
    copyTo(copy);
    execFileSync('git', ['apply', join(mutants, file)], { cwd: copy });
    for (const [, changed] of text.matchAll(/^\+\+\+ b\/src\/(.*)\.ts$/gm)) compile(copy, changed);
    const results = run(copy, red);
    const all = results.testResults.flatMap((f) => f.assertionResults);
    // A case that ran out of time says that the machine is busy, not that the mistake was seen.
    const failed = all.filter((t) => t.status === 'failed' && !/Exceeded timeout/.test(t.failureMessages.join()));
    for (const { title, failureMessages } of failed)
      console.log(`  noticed: ${title}\n${indented(failureMessages[0].slice(0, 2_000))}`);
    if (failed.length === 0) console.log(`  NOT NOTICED ${results.testResults.map((f) => f.message).join('\n')}`);
    return failed.length > 0;
  } finally {
    rmSync(copy, { recursive: true, force: true, maxRetries: 5 });
  }
}

function copyTo(copy) {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of listed.toString().split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
}

/** One file alone, as `isolatedModules` allows: building everything for every mutant would take most of the time. */
function compile(copy, file) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const fileName = join(copy, 'src', `${file}.ts`);
  const { outputText } = ts.transpileModule(readFileSync(fileName, 'utf8'), {
    fileName,
    compilerOptions: { ...options, module: ts.ModuleKind.ESNext },
  });
  writeFileSync(join(copy, 'dist', `${file}.js`), outputText);
}

function run(copy, red) {
  const node = (...args) => spawnSync(process.execPath, args, options(copy));
  const report = join(copy, 'results.json');
  const config = red.startsWith('test/faults/') ? 'test/faults/jest.config.js' : 'jest.config.js';
  const words = red.match(/"[^"]*"|\S+/g).map((word) => word.replaceAll('"', ''));
  const jest = ['node_modules/jest/bin/jest.js', '--config', config, '--reporters', 'default'];
  const { stderr } = node(...jest, '--forceExit', '--json', '--outputFile', report, ...words);
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    throw new Error(`the cases did not run:\n${stderr}`);
  }
}
