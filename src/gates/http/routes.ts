import type { NextFunction, Request, Response } from 'express';
import { Failure } from '../../failure.js';

/** As much of Express' router (5.x) as is read here: its layers in their order, some of which are routes. */
interface Layer {
  match(path: string): unknown;
  route?: { methods: Record<string, boolean> };
}

/** The methods that some route takes at this path. Looked up for refused requests only: it tries every route. */
export function allowedAt(request: Request): string[] {
  const { stack } = (request.app as unknown as { router: { stack: Layer[] } }).router;
  const methods = new Set<string>();
  for (const layer of stack) {
    if (!layer.route || !layer.match(request.path)) continue;
    for (const method of Object.keys(layer.route.methods)) methods.add(method.toUpperCase());
  }
  if (methods.has('GET')) methods.add('HEAD');
  if (methods.size > 0) methods.add('OPTIONS');
  return [...methods].sort();
}

/** Why no route took this request: the path is known with other methods, or it is not known at all. */
export function routeFailure(request: Request): Failure {
  const allow = allowedAt(request);
  if (allow.length === 0) return new Failure('not-found', 'unknown-route', 'There is nothing at this path.');
  return new Failure('invalid', 'method-not-allowed', `This path takes ${allow.join(', ')}.`, { allow });
}

/** Answers OPTIONS at known paths. Browsers' preflights never come here: CORS answers them before. */
export function answerOptions(request: Request, response: Response, next: NextFunction): void {
  const allow = request.method === 'OPTIONS' ? allowedAt(request) : [];
  if (allow.length === 0) return next();
  response.status(204).set('Allow', allow.join(', ')).end();
}
