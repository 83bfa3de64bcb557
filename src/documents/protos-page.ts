import { html, page, prose } from './html.js';

/** `/proto`: the .proto files, to be fetched one by one. */
export const protosPage = (files: string[]): string =>
  page(
    'Sanmon over gRPC',
    html`${prose('The same operations as over REST, with server reflection (v1) and the standard health service (v1).')}
      <ul>
        ${files.map(
          (file) =>
            html`<li>
              <a href="/proto/${file}"><code>${file}</code></a>
            </li>`,
        )}
      </ul>`,
  );
