import { Controller, Get, Header, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Health, type HealthReport } from '../health.js';

/** What orchestrators and load balancers ask; open to everybody, so it names conditions and nothing else. */
@Controller()
export class HealthController {
  constructor(private readonly health: Health) {}

  /** Answers while the process turns over at all: restart it when this fails. */
  @Get('livez')
  livez(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 while orders can be accepted, 503 otherwise: send nothing here then. */
  @Get('readyz')
  @Header('Cache-Control', 'no-store')
  async readyz(@Res({ passthrough: true }) response: Response): Promise<HealthReport> {
    const report = await this.health.report();
    if (report.status === 'down') response.status(503);
    return report;
  }
}
