import { Controller, Param, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Failure } from '../failure.js';
import { type AsyncApi, eventsPage } from './events-page.js';
import { errorsPage, type PublishedRefusal } from './errors-page.js';
import { protosPage } from './protos-page.js';
import { asset, contract, proto, protoFiles } from './published.js';
import { referencePage, START } from './reference-page.js';
import { Serves } from './serves.js';

/** What this house says of itself, open to everybody; with PUBLIC_DOCS=off it is not there at all. */
@Controller()
export class DocumentsController {
  @Serves('openapi.json', 'application/json')
  openapi(@Res() response: Response): void {
    response.end(contract('openapi'));
  }

  @Serves('asyncapi.json', 'application/json')
  asyncapi(@Res() response: Response): void {
    response.end(contract('asyncapi'));
  }

  @Serves('docs', 'text/html')
  reference(@Res() response: Response): void {
    response.end(referencePage());
  }

  @Serves('docs/events', 'text/html')
  events(@Res() response: Response): void {
    response.end(eventsPage(JSON.parse(contract('asyncapi').toString()) as AsyncApi));
  }

  @Serves('docs/errors', 'text/html')
  errors(@Res() response: Response): void {
    response.end(errorsPage(JSON.parse(contract('errors').toString()) as PublishedRefusal[]));
  }

  @Serves('docs/assets/swagger-ui.css', 'text/css')
  style(@Res() response: Response): void {
    response.end(asset('swagger-ui.css'));
  }

  @Serves('docs/assets/swagger-ui-bundle.js', 'text/javascript')
  program(@Res() response: Response): void {
    response.end(asset('swagger-ui-bundle.js'));
  }

  @Serves('docs/assets/start.js', 'text/javascript')
  start(@Res() response: Response): void {
    response.end(START);
  }

  @Serves('docs/assets/favicon.png', 'image/png')
  icon(@Res() response: Response): void {
    response.end(asset('favicon-32x32.png'));
  }

  @Serves('proto', 'text/html')
  protos(@Res() response: Response): void {
    response.end(protosPage(protoFiles()));
  }

  @Serves('proto/*path', 'text/plain')
  proto(@Param('path') path: string | string[], @Res() response: Response): void {
    const file = proto([path].flat().join('/'));
    // Not Nest's exception: this route is at the path, and 405 would be said.
    if (!file) throw new Failure('not-found', 'unknown-route', 'There is nothing at this path.');
    response.end(file);
  }
}
