import { asyncApi } from './asyncapi.js';
import { errorsMarkdown } from './errors-markdown.js';
import { openApi } from './openapi.js';
import { type Refusal, refusals } from './refusals.js';
import { settingsMarkdown } from './settings-markdown.js';
import { otherRoutes, type Surface, surface } from './surface.js';

/** What all documents are made of. */
export interface Sources {
  surface: Surface[];
  refusals: Refusal[];
}

export function sources(): Sources {
  const found = surface();
  return { surface: found, refusals: refusals(found) };
}

/** Every generated document, by its path under docs/, as it is committed. */
export const documents = ({ surface, refusals }: Sources = sources()): Record<string, string> => ({
  'contracts/openapi.json': written(openApi(surface, refusals, otherRoutes())),
  'contracts/asyncapi.json': written(asyncApi(surface)),
  'contracts/errors.json': written(refusals),
  'errors.md': errorsMarkdown(refusals),
  'settings.md': settingsMarkdown(),
});

const written = (document: object): string => `${JSON.stringify(document, null, 2)}\n`;
