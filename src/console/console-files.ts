import { readFileSync, readdirSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Beside the compiled program. */
export const CONSOLE_FOLDER = fileURLToPath(new URL('../../dist/console/page/', import.meta.url));
const INDEX = 'index.html';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};
/** Types that are smaller when compressed. */
const COMPRESSED = /^(text|application)\/|svg/;

export interface ConsoleFile {
  type: string;
  /** Vite gives files in `assets/` a hash of their content in their name. */
  isImmutable: boolean;
  bytes: Buffer;
  /** Undefined: the type is compressed already. */
  zipped(): Promise<Buffer> | undefined;
}

/**
 * The built front end, read once at the start: some megabytes. Only these names exist, so that no path can lead out of
 * the folder.
 */
export class ConsoleFiles {
  private readonly files = new Map<string, ConsoleFile>();
  /** Undefined: the console is not built. */
  readonly page: string | undefined;

  constructor(folder: string) {
    for (const name of listFiles(folder)) {
      const bytes = readFileSync(join(folder, name));
      if (name === INDEX) this.page = bytes.toString('utf8');
      else if (!name.endsWith('.map')) this.files.set(name.replaceAll(sep, '/'), toFile(name, bytes));
    }
  }

  /** `name`: below `/console/`. */
  find(name: string): ConsoleFile | undefined {
    return this.files.get(name);
  }
}

function listFiles(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name).slice(folder.length));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function toFile(name: string, bytes: Buffer): ConsoleFile {
  const type = TYPES[extname(name)] ?? 'application/octet-stream';
  let made: Promise<Buffer> | undefined;
  const zipped = (): Promise<Buffer> | undefined =>
    COMPRESSED.test(type) ? (made ??= promisify(gzip)(bytes, { level: 9 })) : undefined;
  return { type, isImmutable: name.startsWith(`assets${sep}`), bytes, zipped };
}
