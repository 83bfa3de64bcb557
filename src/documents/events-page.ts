import { html, type Html, page, prose } from './html.js';

interface Schema {
  $ref?: string;
  type?: string;
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: string[];
  oneOf?: Schema[];
}

interface Message {
  title: string;
  summary?: string;
  description?: string;
  payload: Schema;
  headers?: Schema;
  examples: { payload: unknown }[];
}

/** As much of AsyncAPI 3 as is shown. */
export interface AsyncApi {
  info: { title: string; description: string };
  channels: Record<string, { address: string | null; description?: string; bindings?: { amqp?: { is: string } } }>;
  operations: Record<string, { action: 'send' | 'receive'; summary?: string; description?: string; reply?: object }>;
  components: { messages: Record<string, Message>; schemas: Record<string, Schema> };
}

/** `/docs/events`: the AsyncAPI document for people. */
export function eventsPage(document: AsyncApi): string {
  const { info, operations, channels } = document;
  const named = (action: 'send' | 'receive'): string[] =>
    Object.keys(operations).filter((name) => operations[name]!.action === action);
  const section = (name: string): Html => operation(name, document);
  return page(
    info.title,
    html`${prose(info.description)}
      <p>As data: <a href="/asyncapi.json">asyncapi.json</a> (AsyncAPI 3).</p>
      <h2>What you may send</h2>
      ${list(named('receive'))} ${named('receive').map(section)}
      <h2>What you can hear</h2>
      ${list(named('send'))} ${named('send').map(section)}
      <h2>Queues</h2>
      <table>
        ${Object.values(channels)
          .filter(({ bindings }) => bindings?.amqp?.is === 'queue')
          .map(
            ({ address, description }) =>
              html`<tr>
                <td><code>${address}</code></td>
                <td>${prose(description)}</td>
              </tr>`,
          )}
      </table>`,
  );
}

const list = (names: string[]): Html =>
  html`<ul>
    ${names.map(
      (name) =>
        html`<li>
          <a href="#${name}"><code>${name}</code></a>
        </li>`,
    )}
  </ul>`;

function operation(name: string, { operations, components }: AsyncApi): Html {
  const { description, reply } = operations[name]!;
  const { title, summary, description: more, payload, examples } = components.messages[name]!;
  const answer = reply && components.messages[`${name}.reply`];
  return html`<h3 id="${name}"><code>${name}</code></h3>
    ${prose([summary ? `**${title}.** ${summary}.` : `**${title}**`, more, description].filter(Boolean).join(' '))}
    ${fields(payload, components.schemas)} ${example('Example', examples[0])}
    ${answer && example('Reply', answer.examples[0])}`;
}

const example = (title: string, one?: { payload: unknown }): Html =>
  html`<details>
    <summary>${title}</summary>
    <pre>${JSON.stringify(one?.payload, null, 2)}</pre>
  </details>`;

const resolved = (schema: Schema, schemas: Record<string, Schema>): Schema =>
  schema.$ref ? schemas[schema.$ref.split('/').at(-1)!]! : schema;

function fields(schema: Schema, schemas: Record<string, Schema>): Html {
  const { properties = {}, required = [] } = resolved(schema, schemas);
  return html`<table>
    ${Object.entries(properties).map(
      ([name, of]) =>
        html`<tr>
          <td><code>${name}${!required.includes(name) && '?'}</code></td>
          <td>${typeOf(of, schemas)}</td>
          <td>${prose(of.description)}</td>
        </tr>`,
    )}
  </table>`;
}

function typeOf(schema: Schema, schemas: Record<string, Schema>): string {
  const { type, format, items, enum: words, properties } = resolved(schema, schemas);
  if (words) return words.join(', ');
  if (items) return `list of ${typeOf(items, schemas)}`;
  if (properties) return `{ ${Object.keys(properties).join(', ')} }`;
  return format ?? type ?? '';
}
