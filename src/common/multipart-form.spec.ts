import { describe, expect, it } from 'vitest';
import { readForm } from './multipart-form.js';
import type { Form, MultipartRequest } from './multipart-form.js';

const BOUNDARY = 'x-boundary';
const FILE = Buffer.from([0x30, 0x82, 0x00, 0xff, 0xfe, 0x0d, 0x0a, 0x2d, 0x2d, 0x80]);

function part(disposition: string, content: Buffer | string, type?: string): Buffer {
  const head = `--${BOUNDARY}\r\nContent-Disposition: ${disposition}\r\n${type ? `Content-Type: ${type}\r\n` : ''}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')]);
}
const whole = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
const read = (formBytes: Buffer, type = `multipart/form-data; boundary=${BOUNDARY}`): Promise<Form> =>
  readForm({ headers: { 'content-type': type }, formBytes } as unknown as MultipartRequest);

const certificate = part('form-data; name="certificate"; filename="push.p12"', FILE, 'application/x-pkcs12');
const password = part('form-data; name="password"', 'hüsh');

describe('readForm', () => {
  it('reads fields as text and a file unchanged', async () => {
    const { fields, files } = await read(whole(certificate, password));
    expect([...fields]).toEqual([['password', 'hüsh']]);
    expect(files.get('certificate')).toEqual({ name: 'push.p12', content: FILE });
  });

  it.each([
    [
      'names without quotes, as .NET writes them',
      "form-data; name=certificate; filename=push.p12; filename*=utf-8''push.p12",
    ],
    ['a whole path, as old browsers send it', 'form-data; name="certificate"; filename="C:\\keys\\push.p12"'],
    ['folders that lead elsewhere', 'form-data; name="certificate"; filename="../../etc/push.p12"'],
  ])('reads %s', async (_what, disposition) => {
    const { files } = await read(whole(part(disposition, FILE)));
    expect(files.get('certificate')).toEqual({ name: 'push.p12', content: FILE });
  });

  it.each([
    ['no boundary', whole(certificate), 'multipart/form-data', 'FPWSE0004E', /not a valid/],
    ['an empty body', Buffer.alloc(0), undefined, 'FPWSE0004E', /not a valid/],
    ['JSON', Buffer.from('{"certificate":"a"}'), undefined, 'FPWSE0004E', /not a valid/],
    [
      'two files',
      whole(certificate, part('form-data; name="b"; filename="b"', 'b')),
      undefined,
      'FPWSE0004E',
      /more than one file/,
    ],
    ['a field given twice', whole(password, password), undefined, 'FPWSE0005E', /'password'.*twice/],
    ['a field without a name', whole(part('form-data', 'x')), undefined, 'FPWSE0004E', /not a valid/],
    [
      'a large file',
      whole(part('form-data; name="certificate"; filename="a"', Buffer.alloc(65_537))),
      undefined,
      'FPWSE0005E',
      /'certificate'.*65536/,
    ],
    [
      'a large field',
      whole(part('form-data; name="password"', 'x'.repeat(4_097))),
      undefined,
      'FPWSE0005E',
      /'password'.*4096/,
    ],
    [
      'many fields',
      whole(...Array.from({ length: 11 }, (_, index) => part(`form-data; name="f${index}"`, 'x'))),
      undefined,
      'FPWSE0004E',
      /more than 10 fields/,
    ],
  ])('refuses %s', async (_what, bytes, type, code, message) => {
    await expect(read(bytes, type)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it('answers every truncated or damaged form, and never returns part of a file', async () => {
    const good = whole(password, certificate);
    for (let length = 0; length < good.length; length++) {
      const form = await read(good.subarray(0, length)).catch((error: unknown) => error);
      if (form instanceof Error) expect(form).toMatchObject({ code: 'FPWSE0004E' });
      else expect((form as Form).files.get('certificate')?.content ?? FILE).toEqual(FILE);
    }
    for (let at = 0; at < good.length; at++) {
      const broken = Buffer.from(good);
      broken[at] = broken[at]! ^ 0x15;
      const form = await read(broken).catch((error: unknown) => error);
      expect(form instanceof Error ? (form as { code?: string }).code : 'FPWSE').toMatch(/^FPWSE/);
    }
  });
});
