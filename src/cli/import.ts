import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { appendFileSync, createReadStream, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { truncateSync, writeFileSync } from 'node:fs';
import { NotFoundError } from '../client/client.js';
import type { Carillon } from '../client/client.js';
import type { Asked } from './command.js';
import { EXIT, UsageError } from './command.js';

/** Bytes of a request, with whole lines; about 5,000 devices. */
const LOT = 1_048_576;
const NEWLINE = 0x0a;

/** Written after each lot. If a lot was sent and is missing here, it is sent again, which changes nothing. */
interface Progress {
  /** Of server, application and client of the import. */
  target: string;
  /** Bytes and lines of the file that are done, and the SHA-256 of these bytes. */
  offset: number;
  lines: number;
  hash: string;
  /** Lines since the last trailer of an export. */
  open: number;
  /** A device of the last lot: if it is gone, the application is another one. */
  deviceId?: string;
  created: number;
  updated: number;
  moved: number;
  rejected: number;
  /** Bytes of the two files of rejected lines. */
  rejectedBytes: [number, number];
}

/**
 * Imports a file in lots. After an interruption the same command goes on where it was, unless the file before that
 * place or the application is another one. Rejected lines go to a file as they are, and with their numbers and reasons
 * to a second one.
 */
export async function importFile(file: string, { values, carillon, terminal }: Asked): Promise<number> {
  const client = carillon();
  const isPipe = file === '-';
  const rejected = (values.rejected as string | undefined) ?? (isPipe ? 'import.rejected' : `${file}.rejected`);
  const outputs = [rejected, `${rejected}.reasons`] as const;
  const kept = isPipe ? undefined : `${file}.progress`;
  const target = createHash('sha256').update(JSON.stringify(client.target)).digest('hex');
  const found = kept === undefined ? undefined : await findProgress(kept, file, target, client);
  if (kept !== undefined && existsSync(kept) && !found)
    terminal.note('File or application is another one: from the start');
  if (found) terminal.note(`goes on after line ${found.lines}`);
  const progress = found ?? begin(target);
  outputs.forEach((output, n) =>
    found && existsSync(output) ? truncateSync(output, found.rejectedBytes[n]) : rmSync(output, { force: true }),
  );
  const hash = found ? await hashOf(file, found.offset) : createHash('sha256');
  const input = isPipe ? process.stdin : createReadStream(file, { start: progress.offset });
  for await (const lot of lotsOf(input)) {
    if (progress.offset === 0) checkEncoding(lot);
    await importLot(client, lot, progress, outputs, hash);
    if (kept !== undefined) save(kept, progress);
    terminal.progress(`${progress.lines} lines, ${progress.rejected} rejected`);
  }
  const { lines, created, updated, moved, rejected: refused } = progress;
  const result = { lines, created, updated, moved, rejected: refused };
  await terminal.show(result, [{ ...result, ...(refused > 0 && { file: rejected }) }]);
  if (kept !== undefined) rmSync(kept, { force: true });
  return refused === 0 ? EXIT.done : EXIT.notAllAccepted;
}

function begin(target: string): Progress {
  const counts = { created: 0, updated: 0, moved: 0, rejected: 0 };
  return { target, offset: 0, lines: 0, hash: '', open: 0, ...counts, rejectedBytes: [0, 0] };
}

async function findProgress(
  kept: string,
  file: string,
  target: string,
  client: Carillon,
): Promise<Progress | undefined> {
  let progress: Progress;
  try {
    progress = JSON.parse(readFileSync(kept, 'utf8')) as Progress;
  } catch {
    return undefined;
  }
  if (progress.target !== target) return undefined;
  if ((await hashOf(file, progress.offset)).digest('hex') !== progress.hash) return undefined;
  return progress.deviceId !== undefined && (await isThere(client, progress.deviceId)) ? progress : undefined;
}

async function isThere(client: Carillon, deviceId: string): Promise<boolean> {
  try {
    await client.request('get', '/imfpush/v1/apps/{applicationId}/devices/{deviceId}', { path: { deviceId } });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

async function hashOf(file: string, bytes: number): Promise<Hash> {
  const hash = createHash('sha256');
  if (bytes > 0) for await (const chunk of createReadStream(file, { end: bytes - 1 })) hash.update(chunk as Buffer);
  return hash;
}

/** Whole lines of about a lot's size; the last one may lack its end. */
async function* lotsOf(input: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    const end = size + chunk.length < LOT ? -1 : chunk.lastIndexOf(NEWLINE);
    if (end < 0) {
      held.push(chunk);
      size += chunk.length;
      continue;
    }
    yield Buffer.concat([...held, chunk.subarray(0, end + 1)]);
    held = [chunk.subarray(end + 1)];
    size = chunk.length - end - 1;
  }
  if (size > 0) yield Buffer.concat(held);
}

function checkEncoding(lot: Buffer): void {
  const isUtf16 =
    (lot[0] === 0xff && lot[1] === 0xfe) || (lot[0] === 0xfe && lot[1] === 0xff) || lot.subarray(0, 1_000).includes(0);
  if (isUtf16) throw new UsageError('The file is UTF-16 or no text: save it as UTF-8');
}

function splitLines(lot: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < lot.length;) {
    const end = lot.indexOf(NEWLINE, from);
    lines.push(lot.subarray(from, end < 0 ? lot.length : end + 1));
    from = end < 0 ? lot.length : end + 1;
  }
  return lines;
}

async function importLot(
  client: Carillon,
  lot: Buffer,
  progress: Progress,
  outputs: readonly [string, string],
  hash: Hash,
): Promise<void> {
  const lines = splitLines(lot);
  const refused: { line: number; code: string; message: string }[] = [];
  // The number of a line has to stay, so that a trailer becomes a blank line.
  const texts = lines.map((line, n) => {
    const count = trailerOf(line);
    if (count === undefined) {
      if (!isBlank(line)) progress.open++;
      return line;
    }
    if (count !== progress.open) {
      const message = `The trailer counts ${count} lines, and there are ${progress.open} before it`;
      refused.push({ line: n + 1, code: 'FPWSE0005E', message });
    }
    progress.open = 0;
    return Buffer.from('\n');
  });
  if (texts.some((line) => !isBlank(line))) {
    const answer = await client.devices.import(Buffer.concat(texts));
    progress.created += answer.created;
    progress.updated += answer.updated;
    progress.moved += answer.moved;
    refused.push(...answer.rejected);
  }
  refused.sort((one, other) => one.line - other.line);
  const bad = new Set(refused.map(({ line }) => line));
  progress.deviceId = deviceOf(lines.filter((line, n) => !bad.has(n + 1) && !isBlank(line))) ?? progress.deviceId;
  append(outputs, progress, [
    Buffer.concat(refused.map(({ line }) => lines[line - 1]!)),
    Buffer.from(refused.map((one) => `${JSON.stringify({ ...one, line: progress.lines + one.line })}\n`).join('')),
  ]);
  progress.rejected += refused.length;
  progress.lines += lines.length;
  progress.offset += lot.length;
  progress.hash = hash.update(lot).copy().digest('hex');
}

function append(
  outputs: readonly [string, string],
  { rejectedBytes }: Progress,
  texts: readonly [Buffer, Buffer],
): void {
  for (const n of [0, 1] as const) {
    if (texts[n].length > 0) appendFileSync(outputs[n], texts[n], { mode: 0o600 });
    rejectedBytes[n] += texts[n].length;
  }
}

/** The id of the last device that has one. */
function deviceOf(lines: readonly Buffer[]): string | undefined {
  const line = lines.at(-1)?.toString();
  const id =
    line === undefined ? undefined : (JSON.parse(line.replace(/^\ufeff/, '')) as { deviceId?: unknown }).deviceId;
  return typeof id === 'string' ? id : undefined;
}

function trailerOf(line: Buffer): number | undefined {
  const text = line.subarray(0, 100).toString().trim();
  const found = /^\{\s*"trailer"\s*:\s*\{\s*"count"\s*:\s*(\d+)\s*\}\s*\}$/.exec(text);
  return found ? Number(found[1]) : undefined;
}

function isBlank(line: Buffer): boolean {
  return line.toString('latin1').trim() === '';
}

/** Whole or not at all: a full disk ends the import, and what is kept stays true. */
function save(kept: string, progress: Progress): void {
  writeFileSync(`${kept}.new`, JSON.stringify(progress), { mode: 0o600 });
  renameSync(`${kept}.new`, kept);
}
