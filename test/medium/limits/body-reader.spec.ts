import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Transform } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../../src/common/errors.js';
import { BodyReader } from '../../../src/http/body-reader.js';

const { decoders } = vi.hoisted(() => ({ decoders: [] as Transform[] }));
vi.mock(import('node:zlib'), async (original) => {
  const zlib = await original();
  const createGunzip: typeof zlib.createGunzip = (options) => {
    const decoder = zlib.createGunzip(options);
    decoders.push(decoder);
    return decoder;
  };
  return { ...zlib, createGunzip };
});

const MIB = 1_048_576;

/** A request with a body of 16 MiB of spaces, about 16 KB of gzip. */
function bomb(): { request: FastifyRequest; reply: FastifyReply } {
  const raw = Object.assign(new PassThrough({ autoDestroy: false }), { complete: true });
  raw.end(gzipSync(Buffer.alloc(16 * MIB, ' ')));
  const request = { raw, headers: { 'content-encoding': 'gzip' } } as unknown as FastifyRequest;
  return { request, reply: { raw: new EventEmitter() } as unknown as FastifyReply };
}

describe('the bodies of all requests together', () => {
  const reader = new BodyReader({ maxBytes: 8 * MIB, timeoutMs: 10_000 });
  function send(mebibytes: number, coding?: string) {
    const raw = Object.assign(new PassThrough({ autoDestroy: false }), { complete: true });
    const bytes = Buffer.alloc(mebibytes * MIB, ' ');
    raw.end(coding === undefined ? bytes : gzipSync(bytes));
    const request = { raw, headers: { 'content-encoding': coding } } as unknown as FastifyRequest;
    const reply = { raw: new EventEmitter() };
    const read = reader.readBytes(request, reply as unknown as FastifyReply, 8 * MIB);
    return { read, answered: () => reply.raw.emit('close') };
  }

  it.each([undefined, 'gzip'])('fill a bound of decoded bytes until their answers are sent (%s)', async (coding) => {
    const first = send(5, coding);
    expect((await first.read).length).toBe(5 * MIB);
    const refused = send(4, coding);
    await expect(refused.read).rejects.toMatchObject({
      code: 'FPWSE0025E',
      status: 503,
      headers: { 'retry-after': '1' },
    });
    refused.answered();
    const fits = send(3, coding);
    expect((await fits.read).length).toBe(3 * MIB);
    first.answered();
    fits.answered();
    const last = send(8, coding);
    expect((await last.read).length).toBe(8 * MIB);
    last.answered();
  });
});

describe('a body whose pieces are checked', () => {
  const reader = new BodyReader({ maxBytes: 8 * MIB, timeoutMs: 10_000 });

  it.each([undefined, 'gzip'])('is not read further than the piece that is refused (%s)', async (coding) => {
    const raw = Object.assign(new PassThrough({ autoDestroy: false }), { complete: true });
    const pieces = Array.from({ length: 40 }, () => Buffer.alloc(MIB / 16, 'x'));
    const bytes = coding === undefined ? pieces : [gzipSync(Buffer.concat(pieces))];
    for (const piece of bytes) raw.write(piece);
    raw.end();
    const request = { raw, headers: { 'content-encoding': coding } } as unknown as FastifyRequest;
    let seen = 0;
    const check = (piece: Buffer): void => {
      if ((seen += piece.length) > MIB) throw new ApiError('FPWSE0004E', 'The body is too long.');
    };
    const read = reader.readBytes(request, { raw: new EventEmitter() } as unknown as FastifyReply, 8 * MIB, check);
    await expect(read).rejects.toMatchObject({ code: 'FPWSE0004E' });
    expect(seen).toBeLessThan(MIB + MIB / 8);
  });
});

describe('the decoder of a body', () => {
  const reader = new BodyReader({ maxBytes: 8 * MIB, timeoutMs: 10_000 });
  beforeEach(() => void decoders.splice(0));

  it('ends when the body is refused, before it has decoded the rest', async () => {
    const { request, reply } = bomb();
    await expect(reader.readBytes(request, reply, MIB)).rejects.toMatchObject({ code: 'CARIL0413E' });
    expect(decoders.map(({ destroyed }) => destroyed)).toEqual([true]);
    expect(request.raw.destroyed).toBe(false);
  });

  it('ends when the reader of a stream stops, before it has decoded the rest', async () => {
    const { request, reply } = bomb();
    for await (const piece of reader.readStream(request, reply)) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect(decoders.map(({ destroyed }) => destroyed)).toEqual([true]);
    expect(request.raw.destroyed).toBe(false);
  });
});
