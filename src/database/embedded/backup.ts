import { createReadStream, createWriteStream, existsSync, renameSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { Clock } from '../../common/clock.js';
import { StartError } from '../../common/start-error.js';
import type { Opened } from '../postgres.js';
import {
  atOneMoment,
  demandKnownSteps,
  fill,
  fingerprint,
  readContents,
  readRows,
  readSequences,
} from '../transfer.js';
import type { Contents, Fingerprint } from '../transfer.js';

/**
 * A backup is a gzip file of frames: four bytes of length, then the content. The first frame is the contents as JSON;
 * the rows of each table follow as COPY writes them, with an empty frame after each table; the last frame is the end as
 * JSON. A file that was cut short has no end.
 */

const FORMAT = 'carillon-backup-1';
const LENGTH_BYTES = 4;

interface Head extends Contents {
  format: string;
  at: string;
}

interface End {
  sequences: Record<string, string>;
  fingerprints: Record<string, Fingerprint>;
}

/** Writes all rows, as they are at one moment, to a new file that only its owner can read. Returns their number. */
export async function writeBackup(opened: Opened, file: string): Promise<number> {
  if (existsSync(file)) throw new StartError(`${file} is there already: a backup replaces no file`);
  const unfinished = `${file}.unfinished`;
  try {
    const rows = await atOneMoment(opened.pool, async (client) => {
      const contents = await readContents(client, opened.place);
      const fingerprints: Record<string, Fingerprint> = {};
      const frames = async function* (): AsyncGenerator<Buffer> {
        yield* frame(
          toJson({ format: FORMAT, at: new Date(new Clock().now()).toISOString(), ...contents } satisfies Head),
        );
        for (const table of contents.tables) {
          for await (const piece of readRows(client, table)) yield* frame(piece as Buffer);
          yield* frame(Buffer.alloc(0));
          fingerprints[table.name] = await fingerprint(client, table);
        }
        yield* frame(toJson({ sequences: await readSequences(client), fingerprints } satisfies End));
      };
      await pipeline(
        Readable.from(frames()),
        createGzip(),
        createWriteStream(unfinished, { mode: 0o600, flush: true }),
      );
      return Object.values(fingerprints).reduce((sum, table) => sum + table.rows, 0);
    });
    renameSync(unfinished, file);
    return rows;
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error instanceof StartError ? error : new StartError(`The backup ${file} cannot be written`, error);
  }
}

/** Fills a new database from a backup, and compares the rows with those of the backup. Returns its moment. */
export async function readBackup(file: string, opened: Opened): Promise<string> {
  const frames = readFrames(file);
  const next = async (): Promise<Buffer> => {
    const { value, done } = await frames.next();
    if (done) throw new StartError(`${file} is cut short: take another backup`);
    return value;
  };
  try {
    const head = fromJson(await next(), file) as Head;
    if (head.format !== FORMAT) throw notABackup(file);
    demandKnownSteps(head.steps, file);
    await fill(opened, head, async (filling) => {
      for (const table of head.tables) {
        const rows = async function* (): AsyncGenerator<Buffer> {
          for (let piece = await next(); piece.length > 0; piece = await next()) yield piece;
        };
        await pipeline(Readable.from(rows()), filling.rows(table));
      }
      const { sequences, fingerprints } = fromJson(await next(), file) as End;
      for (const table of head.tables) await filling.demand(table, fingerprints[table.name]!);
      await filling.sequences(sequences);
    });
    return head.at;
  } catch (error) {
    throw error instanceof StartError ? error : new StartError(`The backup ${file} cannot be restored`, error);
  }
}

function* frame(content: Buffer): Generator<Buffer> {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(content.length);
  yield length;
  yield content;
}

async function* readFrames(file: string): AsyncGenerator<Buffer, undefined> {
  const unzipped = createGunzip();
  const reading = pipeline(createReadStream(file), unzipped);
  // The error reaches the reader of the stream too.
  reading.catch(() => undefined);
  let pending = Buffer.alloc(0);
  for await (const piece of unzipped) {
    pending = Buffer.concat([pending, piece as Buffer]);
    while (pending.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + pending.readUInt32BE();
      if (pending.length < end) break;
      yield pending.subarray(LENGTH_BYTES, end);
      pending = pending.subarray(end);
    }
  }
}

const toJson = (value: Head | End): Buffer => Buffer.from(JSON.stringify(value));

function fromJson(content: Buffer, file: string): unknown {
  try {
    return JSON.parse(content.toString());
  } catch {
    throw notABackup(file);
  }
}

function notABackup(file: string): StartError {
  return new StartError(`${file} is not a backup of Carillon`);
}
