import type { FailureKind } from '../../failure.js';
import type { Refusal } from './refusals.js';

/** What a caller can do about each kind. */
const KINDS: Record<FailureKind, string> = {
  invalid: 'The input is wrong: correct it. Every field that is wrong is named.',
  unauthenticated: 'Nobody knows who is calling: show a valid credential.',
  forbidden: 'The caller is known and may not do this.',
  'not-found': 'It is not there, or it belongs to somebody else: the two look the same.',
  conflict: 'The state forbids it: asking again does not help until something changes.',
  precondition: 'Somebody else was faster: look again, or ask again later.',
  exhausted: 'Too much at once: ask again after the time given.',
  unavailable: 'Something this needs is away: ask again after the time given, with the same idempotency key.',
  deadline: 'It was not done in time. With an idempotency key, asking again tells what came of it.',
  cancelled: 'The caller went away.',
  elsewhere: 'Another process has this module: ask there.',
  internal: 'A mistake of ours. Only the id it was logged under is told.',
};

const HEAD = `# Errors

<!-- Made by \`npm run docs\` from the sources; edits are lost. -->

Every refusal has a stable \`code\`, the same on all three gates. The first part of this page says how a gate tells it, the
second lists all codes. The same as data: [contracts/errors.json](contracts/errors.json).

- **REST**: \`application/problem+json\` (RFC 9457). \`type\` is \`/docs/errors#<code>\`: this page, served by the product. \`title\`
  belongs to the type, \`detail\` to this one refusal. Fields that are wrong stand in \`errors\`, each with \`field\`
  (\`lines[0].sku\`), \`message\` and \`pointer\` (\`#/lines/0/sku\`, RFC 6901, in the input: path, query and body in one).
- **gRPC**: \`google.rpc.Status\` in \`grpc-status-details-bin\` with \`ErrorInfo { reason, domain: "sanmon", metadata: { code } }\` (AIP-193;
  \`reason\` is the code in capitals), \`BadRequest\` for fields and \`RetryInfo\` where waiting helps; all trailers below 8 KB.
- **RabbitMQ**: the body \`{ "failure": { "kind", "code", "message", "details" } }\` to \`reply-to\`. The column
  says what becomes of a command: what was parked waits for repair, what was only told is listed as REFUSED (docs/operations.md).
  A query is never parked and never waits: it is told, or dropped when it has no \`reply-to\`.
`;

/** docs/errors.md. */
export function errorsMarkdown(refusals: Refusal[]): string {
  const kinds = Object.keys(KINDS).filter((kind) => refusals.some((one) => one.kind === kind)) as FailureKind[];
  const parts = kinds.map((kind) => [
    `## ${kind}\n\n${KINDS[kind]}\n`,
    ...refusals.filter((one) => one.kind === kind).map(section),
  ]);
  return [HEAD, overview(refusals), ...parts.flat()].join('\n');
}

function overview(refusals: Refusal[]): string {
  const rows = refusals.map(
    ({ code, kind, rest, grpc, amqp }) =>
      `| [\`${code}\`](#${code}) | ${kind} | ${rest ?? '–'} | ${grpc ?? '–'} | ${amqp ?? '–'} |`,
  );
  return ['| code | kind | REST | gRPC | RabbitMQ |', '| --- | --- | --- | --- | --- |', ...rows, ''].join('\n');
}

function section({ code, rest, grpc, amqp, note, said, operations }: Refusal): string {
  // A kind may be called as one of its codes; without a name of its own the link would lead to the kind.
  const heading = code in KINDS ? `<a id="${code}"></a>\n\n### ${code}` : `### ${code}`;
  return [
    heading,
    '',
    `${rest || grpc ? [rest, grpc].filter(Boolean).join(', ') : amqp ? 'RabbitMQ only' : 'Inside only: seen in the repair desk'}. ${note ?? ''}`.trim(),
    '',
    ...said.map(({ says, file }) => `- “${says}” (\`src/${file}\`)`),
    ...(operations.length > 0 ? ['', `Said by ${operations.map((name) => `\`${name}\``).join(', ')}.`] : []),
    '',
  ].join('\n');
}
