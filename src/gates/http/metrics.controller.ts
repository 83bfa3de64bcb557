import { Controller, Get, Headers, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Registry } from 'prom-client';
import { Access } from '../../access/access.js';
import type { Principal } from '../../access/principal.js';
import { Refusals } from '../../access/refusals.js';
import { Failure } from '../../failure.js';
import { Replies } from './replies.js';
import { requestIdOf } from './request-id.js';

/** The numbers of this process, in Prometheus' text format; with METRICS=off they are not there at all. */
@Controller()
export class MetricsController {
  constructor(
    private readonly registry: Registry,
    private readonly access: Access,
    private readonly refusals: Refusals,
  ) {}

  /** How much is sold, and what fails, is for the house: unlike `/livez` this needs a credential, of an operator or of whoever scrapes. */
  @Get('metrics')
  @Replies({ type: 'text/plain' })
  async metrics(@Headers('authorization') authorization: string | undefined, @Res() response: Response): Promise<void> {
    await this.admit(authorization, response);
    const text = await this.registry.metrics();
    response.set({ 'Content-Type': this.registry.contentType, 'Cache-Control': 'no-store' }).end(text);
  }

  private async admit(authorization: string | undefined, response: Response): Promise<void> {
    let by: Principal | undefined;
    try {
      by = await this.access.principal(authorization);
      if (!by.scopes.has('ops')) this.access.demand(by, 'metrics:read');
    } catch (error) {
      if (error instanceof Failure && error.kind !== 'unavailable') {
        const principal = by?.name ?? 'nobody';
        const requestId = requestIdOf(response);
        this.refusals.note({ principal, operation: 'metrics', gate: 'rest', code: error.code, requestId });
      }
      throw error;
    }
  }
}
