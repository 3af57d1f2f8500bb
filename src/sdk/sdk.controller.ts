import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../common/errors.js';

/** Beside the compiled program. */
const SCRIPT = fileURLToPath(new URL('../../dist/sdk/page/carillon-web-push.js', import.meta.url));

/**
 * The script for pages and service workers of other sites (docs/web-push.md). Browsers ask for it again at each use, so
 * that a new release reaches workers that were registered long ago.
 */
@ApiExcludeController()
@Controller('sdk')
export class SdkController {
  private readonly script = readScript();

  @Get('carillon-web-push.js')
  send(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (!this.script) throw new ApiError('FPWSE0001E', 'Not found: the script was not built (npm run build).');
    const { bytes, zipped, tag } = this.script;
    void reply
      .header('etag', tag)
      .header('vary', 'accept-encoding')
      .header('cache-control', 'no-cache')
      .header('access-control-allow-origin', '*')
      .header('cross-origin-resource-policy', 'cross-origin');
    if (request.headers['if-none-match']?.includes(tag)) return void reply.status(304).send();
    const isZipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    if (isZipped) void reply.header('content-encoding', 'gzip');
    void reply.type('text/javascript; charset=utf-8').send(isZipped ? zipped : bytes);
  }
}

function readScript(): { bytes: Buffer; zipped: Buffer; tag: string } | null {
  try {
    const bytes = readFileSync(SCRIPT);
    // Weak, because the bytes of the encodings differ.
    const tag = `W/"${createHash('sha256').update(bytes).digest('base64url')}"`;
    return { bytes, zipped: gzipSync(bytes, { level: 9 }), tag };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
