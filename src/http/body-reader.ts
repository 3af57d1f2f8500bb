import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { DeadlineError, withDeadline } from '../common/deadline.js';
import { ApiError } from '../common/errors.js';

export interface BodyBounds {
  /** Decoded bytes of all bodies in this process until their answers are sent. */
  maxBytes: number;
  /** For a whole body; of a stream, between two pieces. */
  timeoutMs: number;
}

/** RFC 9110 §8.4.1, RFC 7932. */
const DECODERS = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['br', createBrotliDecompress],
]);
const ACCEPTED = 'gzip, br';

/**
 * Reads bodies after the guards, so that refused requests occupy no memory. Throws CARIL0413E for more than `limit`
 * decoded bytes; CARIL0415E for another content coding; CARIL0408E for a timeout; FPWSE0025E while other bodies fill
 * the memory; FPWSE0004E for a body that breaks off. `check` sees each piece when it arrives, and may throw an
 * ApiError.
 */
export class BodyReader {
  private held = 0;

  constructor(private readonly bounds: BodyBounds) {}

  async readBytes(
    request: FastifyRequest,
    reply: FastifyReply,
    limit: number,
    check: (piece: Buffer) => void = () => undefined,
  ): Promise<Buffer> {
    const source = this.open(request, reply);
    if (source === request.raw && Number(request.headers['content-length']) > limit) throw tooLarge();
    const { raw } = request;
    const chunks: Buffer[] = [];
    let length = 0;
    reply.raw.once('close', () => (this.held -= length));
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        source.off('data', take).off('end', finish).off('error', refuse);
        raw.off('close', breakOff);
      };
      const refuse = (error: Error): void => {
        stop();
        // Do not destroy the request: the answer uses the same socket.
        raw.unpipe().pause();
        endDecoder(source, raw);
        reject(error instanceof ApiError ? error : brokenOff(error));
      };
      // A request also closes after it was read completely, while a decoder may still be at work.
      const breakOff = (): void => void (raw.complete || refuse(brokenOff()));
      const take = (chunk: Buffer): void => {
        length += chunk.length;
        this.held += chunk.length;
        try {
          if (length > limit) throw tooLarge();
          if (this.held > this.bounds.maxBytes) throw busy();
          check(chunk);
          chunks.push(chunk);
        } catch (error) {
          refuse(error as ApiError);
        }
      };
      const finish = (): void => {
        stop();
        resolve(Buffer.concat(chunks, length));
      };
      const timer = setTimeout(() => refuse(tooSlow()), this.bounds.timeoutMs);
      raw.once('close', breakOff);
      source.on('data', take).once('end', finish).once('error', refuse);
    });
  }

  /** Yields the pieces as they arrive; only one is in memory. */
  async *readStream(request: FastifyRequest, reply: FastifyReply): AsyncGenerator<Buffer> {
    const source = this.open(request, reply);
    const pieces = source.iterator({ destroyOnReturn: false });
    try {
      for (;;) {
        const piece = await withDeadline('The body', this.bounds.timeoutMs, pieces.next());
        if (piece.done === true) return;
        yield piece.value as Buffer;
      }
    } catch (error) {
      throw error instanceof DeadlineError ? tooSlow() : error instanceof ApiError ? error : brokenOff(error);
    } finally {
      endDecoder(source, request.raw);
    }
  }

  private open({ raw, headers }: FastifyRequest, reply: FastifyReply): Readable {
    const coding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
    const decoder = DECODERS.get(coding);
    if (!decoder && coding !== 'identity' && coding !== '')
      throw new ApiError('CARIL0415E', `The content coding must be one of ${ACCEPTED}.`, {
        'accept-encoding': ACCEPTED,
      });
    // The caller waits for 100 Continue (RFC 9110 §10.1.1).
    if (headers.expect !== undefined) reply.raw.writeContinue();
    return decoder ? decode(raw, decoder()) : raw;
  }
}

function decode(raw: IncomingMessage, decoder: Transform): Transform {
  raw.once('close', () => {
    if (!raw.complete) decoder.destroy(brokenOff());
  });
  return raw.pipe(decoder);
}

/** A piece of 64 KB that the decoder has already taken can be 64 MB decoded. */
function endDecoder(source: Readable, raw: IncomingMessage): void {
  if (source !== raw) source.destroy();
}

function tooLarge(): ApiError {
  return new ApiError('CARIL0413E', 'The body is larger than this server accepts.');
}

function tooSlow(): ApiError {
  return new ApiError('CARIL0408E', 'The body was not received in time.');
}

function busy(): ApiError {
  return new ApiError('FPWSE0025E', 'Too many bodies are being received at once; try again.', { 'retry-after': '1' });
}

function brokenOff(cause?: unknown): ApiError {
  return new ApiError('FPWSE0004E', 'The body breaks off, or does not match its content coding.', {}, { cause });
}
