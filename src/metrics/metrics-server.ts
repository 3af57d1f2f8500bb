import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { registry } from '../common/meters.js';
import { rootCause } from '../common/errors.js';
import { StartError } from '../common/start-error.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { FiguresService } from './figures.service.js';

/** A scraper connects again and again; no connection may keep a stop waiting. */
const HEADERS_MS = 5_000;

/** Serves `GET /metrics` on METRICS_PORT, without authentication, in every role. */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('Metrics');
  private server: Server | null = null;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'host' | 'metrics'>,
    private readonly figures: FiguresService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { host, metrics } = this.config;
    if (metrics.port === null) return;
    const server = createServer(
      { requestTimeout: HEADERS_MS },
      (request, response) => void this.answer(request, response),
    );
    // Not shared with the other processes of a start.
    server.listen({ host, port: metrics.port, exclusive: true });
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new StartError(`Cannot listen on HOST ${host}, METRICS_PORT ${metrics.port}`, error);
    }
    this.server = server;
    const { port } = server.address() as AddressInfo;
    this.log.log(`GET /metrics is served on port ${port}`);
  }

  /** After the drain, so that its last figures are scraped. */
  onApplicationShutdown(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }

  private async answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url?.split('?')[0] !== '/metrics') return end(response, 404, 'Only /metrics is here.\n');
    if (method !== 'GET' && method !== 'HEAD') return end(response, 405, 'Only GET is possible.\n');
    try {
      end(response, 200, await this.figures.render(), registry.contentType);
    } catch (error) {
      this.log.error(`The metrics could not be written: ${rootCause(error)}`);
      end(response, 500, 'The metrics could not be written.\n');
    }
  }
}

function end(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}
