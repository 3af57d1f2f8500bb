import { Busboy } from '@fastify/busboy';
import type { FastifyRequest } from 'fastify';
import { isUtf8 } from 'node:buffer';
import { ApiError, invalidValue } from './errors.js';

/** A certificate with its chain has some 10 KB; the longest field is a password. */
const MAX_FILE = 65_536;
const MAX_FIELD = 4_096;
const MAX_FIELDS = 10;

/** A request with a multipart/form-data body, as bytes. */
export type MultipartRequest = FastifyRequest & { formBytes?: Buffer };

export interface FormFile {
  /** The caller's file name, without folders. */
  name: string;
  content: Buffer;
}

export interface Form {
  fields: Map<string, string>;
  files: Map<string, FormFile>;
}

/**
 * Reads a form of at most ten fields and one file. Throws FPWSE0004E if the body is not a form, FPWSE0005E with the
 * name of an oversized part.
 */
export function readForm({ headers, formBytes = Buffer.alloc(0) }: MultipartRequest): Promise<Form> {
  return new Promise((resolve, reject) => {
    const form: Form = { fields: new Map(), files: new Map() };
    const refuse = (error: ApiError): void => reject(error);
    const broken = (): void => refuse(new ApiError('FPWSE0004E', 'The body is not a valid multipart/form-data form.'));
    const tooMany = (): void =>
      refuse(new ApiError('FPWSE0004E', `The form has more than one file, or more than ${MAX_FIELDS} fields.`));
    const claim = (name: string | undefined): name is string => {
      // Busboy replaces invalid UTF-8 in a part's header by U+FFFD.
      if (!name || name.includes('\ufffd')) broken();
      else if (form.fields.has(name) || form.files.has(name)) refuse(invalidValue(name, 'it is given twice'));
      else return true;
      return false;
    };
    try {
      const parser = new Busboy({
        headers: { 'content-type': headers['content-type'] ?? '' },
        limits: { files: 1 + MAX_FIELDS, fileSize: MAX_FILE, headerPairs: 20, headerSize: 4_096 },
        // Read fields as bytes too: the parser would decode them by the charset of their part and insert U+FFFD.
        isPartAFile: () => true,
      });
      parser.on('file', (name, stream, fileName, _encoding, type) => {
        const chunks: Buffer[] = [];
        const isFile = fileName !== undefined || type === 'application/octet-stream';
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', broken);
        stream.on('limit', () => refuse(invalidValue(name, `it must be at most ${MAX_FILE} bytes`)));
        stream.on('end', () => {
          if (!claim(name)) return;
          const content = Buffer.concat(chunks);
          if (isFile) form.files.set(name, { name: fileName ?? '', content });
          else if (content.length > MAX_FIELD) refuse(invalidValue(name, `it must be at most ${MAX_FIELD} bytes`));
          else if (!isUtf8(content)) refuse(invalidValue(name, 'it is not valid UTF-8'));
          else form.fields.set(name, content.toString());
          if (form.files.size > 1 || form.fields.size > MAX_FIELDS) tooMany();
        });
      });
      parser.on('filesLimit', tooMany);
      parser.on('error', broken);
      parser.on('finish', () => resolve(form));
      parser.end(formBytes);
    } catch {
      broken();
    }
  });
}
