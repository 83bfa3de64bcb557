import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import ts from 'typescript';
import type { FailureKind } from '../../failure.js';

/** One way in which this house says no, as its source text says it. */
export interface RefusalInCode {
  kind: FailureKind;
  code: string;
  /** Its sentence; what is filled in at run time stands in braces. */
  says: string;
  /** A row of the table of what Nest and Express refuse by themselves: over HTTP only. */
  ofFramework?: true;
  /** The comment over the function that makes it. */
  note?: string;
  /** The file it is said in, under `src/`. */
  file: string;
}

/** `dist/` stands beside `src/`, and so does this folder in either of them. */
const SRC = join(import.meta.dirname, '../../../src');

const KINDS: readonly string[] = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'precondition',
  'exhausted',
  'unavailable',
  'deadline',
  'cancelled',
  'elsewhere',
  'internal',
] satisfies FailureKind[];

/** Where a code is only passed on: it is written out elsewhere. */
const PASSED_ON = /^(failure\.ts|gates\/admit\.ts|documents\/.*)$/;

/** Every refusal that the sources of the house can say. Throws for a code that is not written out, so that none hides. */
export const refusalsInCode = (): RefusalInCode[] =>
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts') && !PASSED_ON.test(path))
    .sort()
    .flatMap((path) => refusalsOf(path, readFileSync(join(SRC, path), 'utf8')));

/** The refusals of one file. */
export function refusalsOf(file: string, text: string): RefusalInCode[] {
  const found: RefusalInCode[] = [];
  const look = (node: ts.Node): void => {
    const refusal = refusalAt(node, file);
    if (refusal) found.push({ ...refusal, note: noteOver(node), file });
    ts.forEachChild(node, look);
  };
  look(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;
}

type Said = Pick<RefusalInCode, 'kind' | 'code' | 'says' | 'ofFramework'>;

function refusalAt(node: ts.Node, file: string): Said | undefined {
  if (ts.isArrayLiteralExpression(node)) return rowOfTable(node);
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return undefined;
  const name = ts.isIdentifier(node.expression) ? node.expression.text : '';
  const written = ts.isNewExpression(node) ? NEW[name] : CALLED[name];
  const args = [...(node.arguments ?? [])];
  if (!written || args.some(ts.isSpreadElement)) return undefined;
  const said = written(args);
  if (said.code === undefined && isPassedOn(args)) return undefined;
  if (said.code === undefined)
    throw new Error(`${file}: the code of this refusal is not written out: ${node.getText()}`);
  return said as Said;
}

/** `refused.code`: what was refused elsewhere, where its code is written out. */
const isPassedOn = (args: ts.Expression[]): boolean =>
  args.some((arg) => ts.isPropertyAccessExpression(arg) && arg.name.text === 'code');

type Writing = (args: ts.Expression[]) => Omit<Said, 'code'> & { code?: string };

const NEW: Record<string, Writing> = {
  Failure: ([kind, code, says]) => ({ kind: textOf(kind) as FailureKind, code: textOf(code), says: sentenceOf(says) }),
  Undecodable: ([why, field, code]) => ({
    kind: 'invalid',
    code: code ? textOf(code) : 'undecodable',
    says: `${(field && textOf(field)) ?? (field ? '{field}' : 'body')}: ${sentenceOf(why)}`,
  }),
};

const CALLED: Record<string, Writing> = {
  invalid: ([fields, code]) => ({
    kind: 'invalid',
    code: code ? textOf(code) : 'invalid',
    says: violationOf(fields),
  }),
  notFound: ([what]) => ({
    kind: 'not-found',
    code: textOf(what) && `${textOf(what)}-not-found`,
    says: `There is no ${textOf(what)} {id}.`,
  }),
  elsewhere: () => ({ kind: 'elsewhere', code: 'elsewhere', says: 'The module {module} lives in another process.' }),
  unavailable: ([code, says]) => ({ kind: 'unavailable', code: textOf(code), says: sentenceOf(says) }),
};

/** `['invalid', 'body-too-large', 'The body is too large.']`: a row of the table in `gates/failures.ts`. */
function rowOfTable({ elements }: ts.ArrayLiteralExpression): Said | undefined {
  const [kind, code, says] = elements.map((one) => textOf(one));
  if (elements.length !== 3 || !kind || !code || !says?.endsWith('.') || !KINDS.includes(kind)) return undefined;
  return { kind: kind as FailureKind, code, says, ofFramework: true };
}

const textOf = (node?: ts.Expression): string | undefined =>
  node && ts.isStringLiteralLike(node) ? node.text : undefined;

/** A sentence with its gaps: `${item.sku}` stands as `{sku}`. */
function sentenceOf(node?: ts.Expression): string {
  if (!node) return '';
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return gapOf(node);
  return node.head.text + node.templateSpans.map((span) => gapOf(span.expression) + span.literal.text).join('');
}

function gapOf(node: ts.Expression): string {
  if (ts.isPropertyAccessExpression(node)) return `{${node.name.text}}`;
  if (!ts.isIdentifier(node)) return '{…}';
  return writtenNearby(node) ?? `{${node.text}}`;
}

/** What a name stands for, when it is a constant of the same block. */
function writtenNearby({ text, parent }: ts.Identifier): string | undefined {
  for (let at: ts.Node = parent; at; at = at.parent) {
    if (!ts.isBlock(at)) continue;
    const declared = at.statements.filter(ts.isVariableStatement).flatMap((one) => one.declarationList.declarations);
    const { initializer } = declared.find(({ name }) => name.getText() === text) ?? {};
    if (initializer && ts.isStringLiteralLike(initializer)) return initializer.text;
  }
  return undefined;
}

/** The first field violation that is written out; else what every violation has. */
function violationOf(fields?: ts.Expression): string {
  const first = fields && ts.isArrayLiteralExpression(fields) ? fields.elements[0] : undefined;
  if (!first || !ts.isObjectLiteralExpression(first)) return '{field}: {message}';
  const part = (name: string): string => {
    const found = first.properties.find((property) => property.name?.getText() === name);
    if (found && ts.isShorthandPropertyAssignment(found)) return gapOf(found.name);
    return found && ts.isPropertyAssignment(found) ? sentenceOf(found.initializer) : `{${name}}`;
  };
  return `${part('field')}: ${part('message')}`;
}

/** The comment of the failure's own function; that of a class or method around it speaks of other things. */
function noteOver(node: ts.Node): string | undefined {
  let at: ts.Node = node;
  while (at.parent && !ts.isSourceFile(at.parent)) at = at.parent;
  if (!ts.isVariableStatement(at) || !at.getSourceFile().fileName.endsWith('.failures.ts')) return undefined;
  const [comment] = ts.getJSDocCommentsAndTags(at);
  const text = comment && ts.isJSDoc(comment) ? ts.getTextOfJSDocComment(comment.comment) : undefined;
  return text?.replace(/\s+/g, ' ');
}
