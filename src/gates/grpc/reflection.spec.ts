import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { describedFiles } from './reflection.js';

type File = Record<string, unknown>;

/** Without what no client of reflection looks at: empty lists and options other than a map's. */
const essence = (file: File): File =>
  JSON.parse(
    JSON.stringify(file, (name, value: unknown) => {
      const idle = name === 'options' && !(value as { mapEntry?: boolean } | undefined)?.mapEntry;
      return idle || value === false || (Array.isArray(value) && value.length === 0) ? undefined : value;
    }),
  ) as File;

it('describes our files exactly as buf compiles them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sanmon-proto-'));
  const image = join(folder, 'image.binpb');
  execFileSync('node_modules/.bin/buf', ['build', '--exclude-source-info', '-o', image]);
  const { FileDescriptorProto, FileDescriptorSet } = descriptor;
  const theirs = FileDescriptorSet.toObject(FileDescriptorSet.decode(readFileSync(image)))['file'] as File[];
  rmSync(folder, { recursive: true });
  const ours = describedFiles().map((bytes) => FileDescriptorProto.toObject(FileDescriptorProto.decode(bytes)));
  expect(ours).toHaveLength(theirs.length);
  for (const file of ours) {
    const theirFile = theirs.find(({ name }) => name === file['name'])!;
    (file['dependency'] as string[] | undefined)?.sort(); // buf's are sorted by its formatter
    expect(essence(file)).toStrictEqual(essence(theirFile));
  }
});
