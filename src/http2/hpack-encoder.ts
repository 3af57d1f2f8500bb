import type { Header, PushRequest } from './push.js';
import {
  DEFAULT_TABLE_BYTES,
  ENTRY_OVERHEAD_BYTES,
  STATIC_SIZE,
  staticFieldIndex,
  staticNameIndex,
} from './hpack-static.js';
import { writeInteger, writeString } from './hpack-write.js';

const POST = 0x83;
const SCHEME = { http: 0x86, https: 0x87 } as const;
/** `:path` as a literal without indexing: it differs in every request and would only fill the table. */
const PATH_LITERAL = 0x04;
const CONTENT_LENGTH = staticNameIndex.get('content-length')!;

/** First octet and prefix width of the representations (RFC 7541 §6). */
const INDEXED = 0x80;
const LITERAL_INDEXED = 0x40;
const LITERAL_PLAIN = 0x00;
const LITERAL_NEVER = 0x10;
const SIZE_UPDATE = 0x20;

/** A table full of old constants is emptied at most once in this many requests. */
const REQUESTS_BETWEEN_RESETS = 10_000;

/** One field of the constant headers. */
interface ConstantField {
  name: string;
  value: string;
  never: boolean;
}

/** The constant headers of many requests, encoded for one version of the table. */
interface Plan {
  fields: readonly ConstantField[];
  /** An upper bound of the encoded size. */
  bound: number;
  /** Valid while `version` is the encoder's. */
  block: Buffer;
  version: number;
}

/** A header name of single requests: its literal form, and the table entry with the name. */
interface KnownName {
  staticIndex: number;
  literal: Buffer;
  never: boolean;
  entry: number;
  generation: number;
}

/**
 * Encodes requests into field blocks (RFC 7541). The state is a mirror of the peer's table: constants and names are
 * added once and stay, no entry is evicted, and a full table is emptied as a whole by two size updates. No Huffman,
 * because the CPU is the bottleneck of a push sender.
 */
export class HpackEncoder {
  private capacity = DEFAULT_TABLE_BYTES;
  private used = 0;
  /** Entries added since the table was last empty. */
  private inserted = 0;
  private generation = 0;
  /** Changes with every insert, because indices count from the newest entry. */
  private version = 0;
  private readonly entries = new Map<string, number>();
  private readonly names = new Map<string, KnownName>();
  private plans = new WeakMap<readonly Header[], Plan>();
  private lastConstant: readonly Header[] | undefined;
  private lastPlan: Plan | undefined;
  private announceSize = false;
  private full = false;
  private sinceReset = REQUESTS_BETWEEN_RESETS;

  constructor(
    private readonly scheme: 'http' | 'https',
    private readonly authority: string,
    private readonly neverIndex: ReadonlySet<string>,
  ) {}

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; we use at most 4,096 bytes. */
  resize(peerBytes: number): void {
    const capacity = Math.min(peerBytes, DEFAULT_TABLE_BYTES);
    if (capacity === this.capacity) return;
    this.capacity = capacity;
    this.reset();
  }

  /** The greatest number of octets that `encode` may need. */
  bound(request: PushRequest): number {
    let bytes = 64 + this.planOf(request.constant).bound + request.path.length;
    const headers = request.headers;
    if (headers !== undefined) for (const [name, value] of headers) bytes += name.length + value.length + 16;
    return bytes;
  }

  /** Writes the block of a checked request at `at`, where `bound` octets are free, and returns the end. */
  encode(request: PushRequest, out: Buffer, at: number): number {
    const plan = this.planOf(request.constant);
    this.sinceReset++;
    if (this.full && this.sinceReset >= REQUESTS_BETWEEN_RESETS) this.reset();
    if (this.announceSize) at = this.writeSizeUpdates(out, at);
    out[at++] = POST;
    out[at++] = SCHEME[this.scheme];
    out[at++] = PATH_LITERAL;
    at = writeString(out, at, request.path);
    if (plan.version === this.version) {
      out.set(plan.block, at);
      at += plan.block.length;
    } else {
      at = this.writePlan(plan, out, at);
    }
    const headers = request.headers;
    if (headers !== undefined) for (const [name, value] of headers) at = this.writeHeader(name, value, out, at);
    at = writeInteger(out, at, LITERAL_PLAIN, 15, CONTENT_LENGTH);
    return writeString(out, at, String(request.body.length));
  }

  private planOf(constant: readonly Header[]): Plan {
    if (constant === this.lastConstant) return this.lastPlan!;
    const plan = this.plans.get(constant) ?? this.makePlan(constant);
    this.lastConstant = constant;
    this.lastPlan = plan;
    return plan;
  }

  private makePlan(constant: readonly Header[]): Plan {
    const fields = [[':authority', this.authority] as const, ...constant].map(([name, value]) => ({
      name,
      value,
      never: this.neverIndex.has(name),
    }));
    const bound = fields.reduce((sum, field) => sum + field.name.length + field.value.length + 16, 0);
    const plan: Plan = { fields, bound, block: Buffer.alloc(0), version: -1 };
    this.plans.set(constant, plan);
    return plan;
  }

  /** Writes the constants and adds missing ones to the table; caches the block if nothing was missing. */
  private writePlan(plan: Plan, out: Buffer, start: number): number {
    const version = this.version;
    let at = start;
    for (const { name, value, never } of plan.fields) {
      at = never ? writeLiteral(out, at, LITERAL_NEVER, name, value) : this.writeConstant(name, value, out, at);
    }
    if (this.version === version) {
      plan.block = Buffer.from(out.subarray(start, at));
      plan.version = version;
    }
    return at;
  }

  private writeConstant(name: string, value: string, out: Buffer, at: number): number {
    const index = this.indexOf(name, value);
    if (index > 0) return writeInteger(out, at, INDEXED, 127, index);
    if (!this.insert(name, value)) return writeLiteral(out, at, LITERAL_PLAIN, name, value);
    return writeLiteral(out, at, LITERAL_INDEXED, name, value);
  }

  private indexOf(name: string, value: string): number {
    const entry = this.entries.get(`${name}\0${value}`);
    return entry === undefined ? (staticFieldIndex.get(`${name}\0${value}`) ?? 0) : this.dynamicIndex(entry);
  }

  /** The newest entry has index 62 (RFC 7541 §2.3.3). */
  private dynamicIndex(entry: number): number {
    return STATIC_SIZE + this.inserted - entry;
  }

  /** Records an entry that the caller writes with incremental indexing; false if the table has no room. */
  private insert(name: string, value: string): boolean {
    const size = name.length + value.length + ENTRY_OVERHEAD_BYTES;
    if (this.used + size > this.capacity) {
      // Emptying the table helps only if the entry fits at all.
      this.full ||= size <= this.capacity;
      return false;
    }
    this.entries.set(`${name}\0${value}`, this.inserted);
    this.used += size;
    this.inserted++;
    this.version++;
    return true;
  }

  /**
   * A header of one request: the first of a name is added to the table, so that later ones refer to the name's index;
   * their values are literals.
   */
  private writeHeader(name: string, value: string, out: Buffer, at: number): number {
    const known = this.names.get(name) ?? this.learnName(name);
    if (known.never) {
      at = writeName(out, at, LITERAL_NEVER, known.staticIndex, known.literal);
    } else if (known.staticIndex > 0) {
      at = writeInteger(out, at, LITERAL_PLAIN, 15, known.staticIndex);
    } else if (known.generation === this.generation) {
      at = writeInteger(out, at, LITERAL_PLAIN, 15, this.dynamicIndex(known.entry));
    } else if (value.length < 128 && this.insert(name, value)) {
      known.entry = this.inserted - 1;
      known.generation = this.generation;
      at = writeName(out, at, LITERAL_INDEXED, 0, known.literal);
    } else {
      at = writeName(out, at, LITERAL_PLAIN, 0, known.literal);
    }
    return writeString(out, at, value);
  }

  private learnName(name: string): KnownName {
    const literal = Buffer.alloc(name.length + 8);
    const known: KnownName = {
      staticIndex: staticNameIndex.get(name) ?? 0,
      literal: literal.subarray(0, writeString(literal, 0, name)),
      never: this.neverIndex.has(name),
      entry: 0,
      generation: -1,
    };
    // Callers use a few names; the limit protects the memory from a caller that generates names.
    if (this.names.size >= 256) this.names.clear();
    this.names.set(name, known);
    return known;
  }

  private reset(): void {
    this.entries.clear();
    this.used = 0;
    this.inserted = 0;
    this.generation++;
    this.version++;
    this.full = false;
    this.sinceReset = 0;
    this.announceSize = true;
  }

  /** First zero, which evicts all entries, then the size that we use from now on (RFC 7541 §4.2 and §6.3). */
  private writeSizeUpdates(out: Buffer, at: number): number {
    this.announceSize = false;
    out[at++] = SIZE_UPDATE;
    return this.capacity > 0 ? writeInteger(out, at, SIZE_UPDATE, 31, this.capacity) : at;
  }
}

function writeLiteral(out: Buffer, at: number, kind: number, name: string, value: string): number {
  const index = staticNameIndex.get(name) ?? 0;
  at = writeInteger(out, at, kind, kind === LITERAL_INDEXED ? 63 : 15, index);
  if (index === 0) at = writeString(out, at, name);
  return writeString(out, at, value);
}

function writeName(out: Buffer, at: number, kind: number, index: number, literal: Buffer): number {
  if (index > 0) return writeInteger(out, at, kind, 15, index);
  out[at++] = kind;
  out.set(literal, at);
  return at + literal.length;
}
