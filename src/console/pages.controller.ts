import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../common/errors.js';
import { ConsoleFiles } from './console-files.js';
import type { ConsoleFile } from './console-files.js';
import { NOT_BUILT, renderPage } from './page.js';

const YEAR_S = 31_536_000;
const START = '/console/';

/**
 * The pages and files of the console. They are no calls of the API, so the API document has none of them. The console
 * is one page, whose script reads the address.
 */
@ApiExcludeController()
@Controller()
export class PagesController {
  constructor(private readonly files: ConsoleFiles) {}

  @Get()
  root(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (!wantsPage(request)) throw missing();
    void reply.status(302).header('location', START).send();
  }

  @Get('console')
  start(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    // Addresses in the page begin at the folder.
    if (!pathOf(request).endsWith('/')) return void reply.status(302).header('location', START).send();
    this.sendPage(reply);
  }

  @Get('console/*')
  async file(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const name = pathOf(request).slice(START.length);
    const file = this.files.find(name);
    if (file) return sendFile(request, reply, file);
    // A file of another version, an address of the API, or a script that asks: no page.
    if (/^(assets|api|download)(\/|$)/.test(name) || !wantsPage(request)) throw missing();
    this.sendPage(reply);
  }

  /** Each answer has a nonce of its own, so a cache must neither keep it nor answer 304. */
  private sendPage(reply: FastifyReply): void {
    const { html, policy } = renderPage(this.files.page ?? NOT_BUILT);
    void reply
      .status(this.files.page === undefined ? 503 : 200)
      .header('content-security-policy', policy)
      .header('cache-control', 'no-store')
      .type('text/html; charset=utf-8')
      .send(html);
  }
}

async function sendFile(request: FastifyRequest, reply: FastifyReply, file: ConsoleFile): Promise<void> {
  const { type, bytes, isImmutable } = file;
  const zipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '') ? await file.zipped() : undefined;
  if (zipped) void reply.header('content-encoding', 'gzip');
  void reply
    .header('vary', 'accept-encoding')
    .header('cache-control', isImmutable ? `public, max-age=${YEAR_S}, immutable` : 'no-cache')
    .type(type)
    .send(zipped ?? bytes);
}

function pathOf({ url }: FastifyRequest): string {
  return url.replace(/[?#].*$/s, '');
}

function wantsPage({ headers }: FastifyRequest): boolean {
  return /\btext\/html\b/.test(headers.accept ?? '');
}

/** As for every path without a route. */
function missing(): ApiError {
  return new ApiError('FPWSE0001E', 'Not found: this path does not exist.');
}
