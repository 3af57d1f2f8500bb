import { Controller, Get, Header, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { RequireElement, ScopeGuard } from '../auth/scope.guard.js';
import { registry } from '../common/meters.js';
import { FiguresService } from './figures.service.js';

/** The metrics of the process that answers, on the port of the API. */
@ApiTags('Health')
@Controller()
@UseGuards(ScopeGuard)
export class MetricsController {
  constructor(private readonly figures: FiguresService) {}

  @Get('metrics')
  @RequireElement('metrics.read')
  @Header('content-type', registry.contentType)
  @ApiOperation({
    summary: 'Read the metrics of the process that answers, for Prometheus (extension)',
    description: 'Each process counts for itself: with several processes behind one address, scrape `METRICS_PORT`.',
  })
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, description: 'In the text format of Prometheus', schema: { type: 'string' } })
  read(): Promise<string> {
    return this.figures.render();
  }
}
