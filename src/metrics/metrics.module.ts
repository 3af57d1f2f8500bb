import { Module } from '@nestjs/common';
import { HealthModule } from '../health/health.module.js';
import { FiguresRepository } from './figures.repository.js';
import { FiguresService } from './figures.service.js';
import { MetricsServer } from './metrics-server.js';

/** In every role. The route on the port of the API is in the role `api` (api.module.ts). */
@Module({
  imports: [HealthModule],
  providers: [FiguresRepository, FiguresService, MetricsServer],
  exports: [FiguresService],
})
export class MetricsModule {}
