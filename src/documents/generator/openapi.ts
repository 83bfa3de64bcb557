import { type Refusal, refusesOverRest } from './refusals.js';
import { Examples } from './examples.js';
import { AnswerSchemas, inJson, type JsonSchema, schemaOfClass } from './json-schema.js';
import { DOCUMENT, HEADERS, HEALTH, ON_ALL, PARAMETERS, PROBLEM, SECURITY_SCHEMES, TAGS } from './openapi.fixed.js';
import { problemExample, responseOf } from './openapi.refusals.js';
import { requestType, responseType, rpcOf, saidOf } from './rpc.js';
import type { Route, Surface } from './surface.js';

/** OpenAPI 3.1 of the REST gate: operations from their classes, answers from Protobuf, refusals from the code. */
export function openApi(surface: Surface[], refusals: Refusal[], others: Route[]) {
  const answers = new AnswerSchemas();
  const bodies: Record<string, JsonSchema> = {};
  const examples = new Examples(answers.named);
  const paths: Record<string, Record<string, unknown>> = {};
  const add = ({ method, path }: Route, operation: object): void => {
    const known = (paths[path.replace(/:(\w+)/g, '{$1}')] ??= {});
    known[method.toLowerCase()] = operation;
  };
  for (const route of others) if (!isDocument(route)) add(route, health(route));
  for (const of of surface)
    for (const route of of.rest)
      add(route, new RestOperation(of, route, { answers, bodies, examples }).toJSON(refusals));
  const told = refusals.filter(({ code }) => JSON.stringify(paths).includes(`/examples/${code}"`));
  return {
    ...DOCUMENT,
    tags: TAGS,
    paths: sorted(paths),
    components: {
      schemas: { ...sorted({ ...answers.named, ...bodies }), Problem: PROBLEM },
      parameters: PARAMETERS,
      headers: HEADERS,
      examples: Object.fromEntries(told.map((refusal) => [refusal.code, problemExample(refusal)])),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

/** The documents do not describe themselves. */
const isDocument = ({ path }: Route): boolean => /^\/(docs|proto|openapi\.json|asyncapi\.json)(\/|$)/.test(path);

function health({ method, path }: Route): object {
  const described = HEALTH[`${method} ${path}`];
  if (!described) throw new Error(`${method} ${path} belongs to no operation: describe it in openapi.fixed.ts`);
  return described;
}

const sorted = <T>(of: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)));

interface Shared {
  answers: AnswerSchemas;
  bodies: Record<string, JsonSchema>;
  examples: Examples;
}

/** One operation behind one route. */
class RestOperation {
  private readonly input: JsonSchema;
  private readonly inPath: string[];

  constructor(
    private readonly of: Surface,
    private readonly route: Route,
    private readonly shared: Shared,
  ) {
    this.input = schemaOfClass(of.type, requestType(of));
    this.inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  }

  toJSON(refusals: Refusal[]): object {
    const { traits, type } = this.of;
    const input = new Set(Object.keys(this.input.properties ?? {}));
    const told = refusals.filter((refusal) => refusesOverRest(refusal, this.of, input));
    return {
      operationId: type.name.charAt(0).toLowerCase() + type.name.slice(1),
      tags: [traits.name.split('.')[0]],
      ...this.said(),
      security: [{ bearer: [traits.scope] }],
      parameters: this.parameters(),
      ...this.requestBody(),
      responses: { ...this.successes(), ...responseOf(told) },
    };
  }

  private said(): object {
    const { summary, description } = saidOf(this.of);
    const scope = `Needs the scope \`${this.of.traits.scope}\`.`;
    return { summary, description: description ? `${inJson(description)}\n\n${scope}` : scope };
  }

  private get reads(): boolean {
    return this.route.method === 'GET';
  }

  private parameters(): object[] {
    const properties = Object.entries(this.input.properties ?? {});
    const told = properties.flatMap(([name, { description, ...schema }]) => {
      const inPath = this.inPath.includes(name);
      if (!inPath && !this.reads) return [];
      const required = inPath || (this.input.required ?? []).includes(name);
      const example = inPath ? { example: this.shared.examples.of(schema, name) } : {};
      return [
        { name, in: inPath ? 'path' : 'query', required, ...(description && { description }), schema, ...example },
      ];
    });
    return [...told, ...this.headers().map((name) => ({ $ref: `#/components/parameters/${name}` }))];
  }

  private headers(): string[] {
    const { etag, waits } = this.route.replies;
    return [
      ...(this.of.traits.kind === 'command' ? ['Idempotency-Key'] : []),
      ...(etag ? ['If-None-Match'] : []),
      ...(waits ? ['Prefer'] : []),
      ...(this.of.traits.streams ? ['Last-Event-ID'] : []),
      ...ON_ALL.requests,
    ];
  }

  /** The fields that do not stand in the path. */
  private requestBody(): object {
    if (this.reads) return {};
    const properties = Object.entries(this.input.properties ?? {}).filter(([name]) => !this.inPath.includes(name));
    if (properties.length === 0) return {};
    const required = (this.input.required ?? []).filter((name) => !this.inPath.includes(name));
    const name = `${this.of.type.name}Body`;
    const { description: _, ...input } = this.input;
    const schema = { ...input, properties: Object.fromEntries(properties), required };
    if (required.length === 0) delete (schema as JsonSchema).required;
    this.shared.bodies[name] = schema;
    const content = { schema: { $ref: `#/components/schemas/${name}` }, example: this.shared.examples.of(schema) };
    return { requestBody: { required: required.length > 0, content: { 'application/json': content } } };
  }

  private successes(): object {
    const { status = this.route.method === 'POST' ? 201 : 200, etag, type } = this.route.replies;
    const headers = this.answerHeaders();
    const schema = this.shared.answers.refer(responseType(this.of));
    const content = rpcOf(this.of).responseStream
      ? {
          'text/event-stream': {
            // JSON Schema 2020-12, 8.5: what the text carries.
            schema: {
              type: 'string',
              description: `Server-sent events (WHATWG HTML, 9.2); the data of each is ${nameIn(schema)}, its id the cursor to go on from. A comment every 15 s of silence; ends with the order or the credential.`,
              contentSchema: schema,
            },
          },
        }
      : {
          [type ?? 'application/json']: { schema, example: this.shared.examples.answerOf(this.of.traits.name, schema) },
        };
    const one = (code: number): object => ({
      description: DESCRIPTIONS[code],
      ...(Object.keys(headers).length > 0 && { headers }),
      content,
    });
    const codes = typeof status === 'number' ? [status] : status.oneOf;
    return {
      ...Object.fromEntries(codes.map((code) => [code, one(code)])),
      ...(this.of.traits.streams && { 204: { description: 'Nothing is left to be told: do not come back.', headers } }),
      ...(etag && { 304: { description: 'It is still the version that `If-None-Match` names.', headers } }),
    };
  }

  private answerHeaders(): Record<string, object> {
    const { location, etag, waits } = this.route.replies;
    const names = [
      ...(location ? ['Location'] : []),
      ...(etag ? ['ETag'] : []),
      ...(this.of.traits.kind === 'command' ? ['Idempotent-Replayed'] : []),
      ...(waits ? ['Preference-Applied'] : []),
      ...ON_ALL.answers,
    ];
    return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  }
}

const nameIn = ({ $ref }: JsonSchema): string => `a \`${$ref!.split('/').at(-1)}\``;

const DESCRIPTIONS: Record<number, string> = {
  200: 'Done.',
  201: 'Made.',
  202: 'Accepted: it is worked through from here on.',
};
