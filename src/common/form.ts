import { Busboy } from '@fastify/busboy';
import type { FastifyRequest } from 'fastify';
import { ApiError, invalidValue } from './errors.js';

/** A certificate with its chain has some 10 KB; the longest field is a password. */
const MAX_FILE = 65_536;
const MAX_FIELD = 4_096;
const MAX_FIELDS = 10;

/** A request whose body came as multipart/form-data: its bytes, beside the text that every unknown body arrives as. */
export type FormRequest = FastifyRequest & { formBytes?: Buffer };

export interface FormFile {
  /** As the caller named it, without folders. */
  name: string;
  content: Buffer;
}

export interface Form {
  fields: Map<string, string>;
  files: Map<string, FormFile>;
}

/** Reads a form of a few fields and one file. Throws FPWSE0004E when it is none, FPWSE0005E naming what is too large. */
export function readForm({ headers, formBytes = Buffer.alloc(0) }: FormRequest): Promise<Form> {
  return new Promise((resolve, reject) => {
    const form: Form = { fields: new Map(), files: new Map() };
    const refuse = (error: ApiError): void => reject(error);
    const broken = (): void => refuse(new ApiError('FPWSE0004E', 'The body is not a valid multipart/form-data form.'));
    const tooMany = (): void =>
      refuse(new ApiError('FPWSE0004E', `The form has more than one file, or more than ${MAX_FIELDS} fields.`));
    const claim = (name: string | undefined): name is string => {
      if (!name) broken();
      else if (form.fields.has(name) || form.files.has(name)) refuse(invalidValue(name, 'it is given twice'));
      else return true;
      return false;
    };
    try {
      const parser = new Busboy({
        headers: { 'content-type': headers['content-type'] ?? '' },
        limits: {
          files: 1,
          fileSize: MAX_FILE,
          fields: MAX_FIELDS,
          fieldSize: MAX_FIELD,
          headerPairs: 20,
          headerSize: 4_096,
        },
      });
      parser.on('field', (name, value, _nameTruncated, truncated) => {
        if (!claim(name)) return;
        if (truncated) refuse(invalidValue(name, `it must be at most ${MAX_FIELD} bytes`));
        form.fields.set(name, value);
      });
      parser.on('file', (name, stream, fileName) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', broken);
        stream.on('limit', () => refuse(invalidValue(name, `it must be at most ${MAX_FILE} bytes`)));
        stream.on('end', () => {
          if (claim(name)) form.files.set(name, { name: fileName ?? '', content: Buffer.concat(chunks) });
        });
      });
      parser.on('filesLimit', tooMany);
      parser.on('fieldsLimit', tooMany);
      parser.on('error', broken);
      parser.on('finish', () => resolve(form));
      parser.end(formBytes);
    } catch {
      broken();
    }
  });
}
