import { html } from './html.js';

/** `/docs`: Swagger UI over `/openapi.json`, from our own files. */
export const referencePage = (): string =>
  '<!doctype html>' +
  html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <title>REST · Sanmon</title>
      <link rel="stylesheet" href="/docs/assets/swagger-ui.css" />
      <link rel="icon" href="/docs/assets/favicon.png" />
    </head>
    <body>
      <nav style="font:16px system-ui;padding:1rem 2rem">
        <a href="/docs">REST</a> · <a href="/docs/events">RabbitMQ</a> · <a href="/proto">gRPC</a> ·
        <a href="/docs/errors">Errors</a>
      </nav>
      <div id="reference"></div>
      <script src="/docs/assets/swagger-ui-bundle.js"></script>
      <script src="/docs/assets/start.js"></script>
    </body>
  </html>`.text;

/** Starts it; a file of its own, so that the page needs no inline script. No validator is asked: that would be elsewhere. */
export const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  validatorUrl: 'none',
  persistAuthorization: false,
});
`;
