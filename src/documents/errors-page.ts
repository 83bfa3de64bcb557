import { html, type Html, page, prose } from './html.js';

/** One entry of `docs/contracts/errors.json`. */
export interface PublishedRefusal {
  code: string;
  kind: string;
  rest: number | null;
  grpc: string | null;
  amqp: string | null;
  note?: string;
  said: { says: string }[];
  operations: string[];
}

/** `/docs/errors`: where the `type` of a problem leads; each code is an anchor. */
export const errorsPage = (refusals: PublishedRefusal[]): string =>
  page(
    'Errors',
    html`${prose('Every refusal has a stable `code`, the same on all three gates. Over REST its `type` leads here.')}
    ${refusals.map(section)}`,
  );

const section = ({ code, kind, rest, grpc, amqp, note, said, operations }: PublishedRefusal): Html =>
  html`<h3 id="${code}"><code>${code}</code></h3>
    <p>${kind} · REST ${rest ?? '–'} · gRPC ${grpc ?? '–'} · RabbitMQ: ${amqp ?? '–'}</p>
    ${note && prose(note)}
    <ul>
      ${said.map(({ says }) => html`<li>${says}</li>`)}
    </ul>
    ${operations.length > 0 && prose(`Said by ${operations.map((name) => `\`${name}\``).join(', ')}.`)}`;
