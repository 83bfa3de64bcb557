import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { elsewhere } from '../../failure.js';

/** Refuses what belongs to modules of other processes; `paths` names the module of each path, e.g. `/v1/orders`. */
export const refuseElsewhere =
  (paths: ReadonlyMap<string, string>): RequestHandler =>
  ({ path }: Request, _response: Response, next: NextFunction): void => {
    for (const [its, module] of paths) if (path === its || path.startsWith(`${its}/`)) return next(elsewhere(module));
    next();
  };
