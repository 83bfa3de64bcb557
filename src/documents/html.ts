/** Text that is already HTML. */
export class Html {
  constructor(readonly text: string) {}
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => ESCAPES[letter]!);

/** A template of HTML: what is filled in is escaped, unless it is {@link Html} itself; lists are joined. */
export const html = (parts: TemplateStringsArray, ...values: unknown[]): Html =>
  new Html(parts.reduce((text, part, i) => text + filled(values[i - 1]) + part));

function filled(value: unknown): string {
  if (Array.isArray(value)) return value.map(filled).join('');
  if (value instanceof Html) return value.text;
  return value === undefined || value === null || value === false
    ? ''
    : escaped(typeof value === 'string' ? value : JSON.stringify(value));
}

/** The little Markdown that our descriptions use: paragraphs, `code` and **bold**. */
export const prose = (text = ''): Html =>
  new Html(
    text
      .split('\n\n')
      .map((paragraph) => {
        const inner = escaped(paragraph)
          .replace(/`([^`]+)`/g, '<code>$1</code>')
          .replace(/\*\*([^*]+)\*\*/g, '<b>$1</b>');
        return `<p>${inner}</p>`;
      })
      .join('\n'),
  );

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
nav a { margin-right: 1rem; } code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { overflow: auto; padding: .8rem; border: 1px solid #8886; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8884; }
h3 { margin-top: 2.5rem; border-top: 1px solid #8886; padding-top: 1rem; } summary { cursor: pointer; }
`;

/** A page of ours. It loads nothing: it can be read without any network but the one to us. */
export const page = (title: string, body: Html): string =>
  '<!doctype html>' +
  html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <title>${title} · Sanmon</title>
      <style>
        ${new Html(STYLE)}
      </style>
    </head>
    <body>
      <nav>
        <a href="/docs">REST</a><a href="/docs/events">RabbitMQ</a><a href="/proto">gRPC</a
        ><a href="/docs/errors">Errors</a>
      </nav>
      <h1>${title}</h1>
      ${body}
    </body>
  </html>`.text;
