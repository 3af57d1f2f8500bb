import { ConnectionError, ErrorCode, StreamError } from './frames.js';
import { decodeHuffman } from './huffman.js';
import { DEFAULT_TABLE_BYTES, ENTRY_OVERHEAD_BYTES, STATIC_SIZE, STATIC_TABLE } from './hpack-static.js';
import { TextMemo } from './text-memo.js';

type Entry = readonly [name: string, value: string];

/**
 * Decodes field blocks (RFC 7541). The table starts with the 4,096 bytes that every peer may use until it has
 * acknowledged our SETTINGS_HEADER_TABLE_SIZE of 0; from then on `stateless` is true and a block has the same meaning
 * at any time.
 */
export class HpackDecoder {
  private readonly entries: Entry[] = [];
  private tableBytes = 0;
  private capacity = DEFAULT_TABLE_BYTES;
  private limit = DEFAULT_TABLE_BYTES;
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private end = 0;
  /** The number of texts of the block so far. */
  private position = 0;
  private readonly memo = new TextMemo();

  /** @param maxListBytes limit of one decoded list, counted as in RFC 9113 §6.5.2 */
  constructor(private readonly maxListBytes: number) {}

  get stateless(): boolean {
    return this.limit === 0;
  }

  /**
   * The peer acknowledged a smaller table and owes us a size update at the start of its next block (RFC 7541 §4.2). The
   * table shrinks here at once: if the peer forgets the update, its blocks are never decoded wrongly; a reference to a
   * dropped entry is refused.
   */
  lowerLimit(limit: number): void {
    this.limit = limit;
    if (this.capacity > limit) this.resize(limit);
  }

  /**
   * Returns names and values alternately. Throws ConnectionError COMPRESSION_ERROR for a block that cannot be decoded,
   * and StreamError for a list over the limit: such a block was decoded to its end, so the table is still correct.
   */
  decode(bytes: Buffer, at: number, end: number): string[] {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.position = 0;
    const list: string[] = [];
    let listBytes = 0;
    let mayResize = true;
    while (this.at < this.end) {
      const first = this.bytes[this.at]!;
      if ((first & 0xe0) === 0x20) {
        if (!mayResize) throw failed('table size update inside a block');
        this.readSizeUpdate();
        continue;
      }
      mayResize = false;
      if (first >= 0x80) {
        const entry = this.lookUp(this.integer(7));
        listBytes += entrySize(entry);
        if (listBytes <= this.maxListBytes) list.push(entry[0], entry[1]);
      } else {
        const name = this.literalName(first);
        const value = this.string();
        listBytes += name.length + value.length + ENTRY_OVERHEAD_BYTES;
        if ((first & 0x40) !== 0) this.insert([name, value]);
        if (listBytes <= this.maxListBytes) list.push(name, value);
      }
    }
    if (listBytes > this.maxListBytes) {
      throw new StreamError(ErrorCode.CANCEL, `header list of ${listBytes} bytes, ${this.maxListBytes} allowed`);
    }
    return list;
  }

  private readSizeUpdate(): void {
    const size = this.integer(5);
    if (size > this.limit) throw failed(`table size update to ${size}, ${this.limit} allowed`);
    this.resize(size);
  }

  /** With incremental indexing (0x40), without (0x00) or never (0x10); RFC 7541 §6.2. */
  private literalName(first: number): string {
    const index = this.integer((first & 0x40) !== 0 ? 6 : 4);
    return index === 0 ? this.string() : this.lookUp(index)[0];
  }

  private lookUp(index: number): Entry {
    const entry =
      index <= STATIC_SIZE ? STATIC_TABLE[index - 1] : this.entries[this.entries.length - (index - STATIC_SIZE)];
    if (entry === undefined) throw failed(`no table entry ${index}`);
    return entry;
  }

  private insert(entry: Entry): void {
    const size = entrySize(entry);
    this.evict(this.capacity - size);
    // An entry larger than the table empties it and is not an error (RFC 7541 §4.4).
    if (size > this.capacity) return;
    this.entries.push(entry);
    this.tableBytes += size;
  }

  private resize(capacity: number): void {
    this.capacity = capacity;
    this.evict(capacity);
  }

  /** Drops the oldest entries until at most `bytes` are left. */
  private evict(bytes: number): void {
    while (this.tableBytes > bytes && this.entries.length > 0) this.tableBytes -= entrySize(this.entries.shift()!);
  }

  /** RFC 7541 §5.1; no accepted value needs more than 28 bits. */
  private integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.octet() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const octet = this.octet();
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) return value;
    }
    throw failed('integer over 28 bits');
  }

  private octet(): number {
    if (this.at >= this.end) throw failed('block ends inside a field');
    return this.bytes[this.at++]!;
  }

  private string(): string {
    const slot = this.position++;
    const huffman = this.at < this.end && this.bytes[this.at]! >= 0x80;
    const before = this.at;
    const length = this.integer(7);
    const start = this.at;
    if (length > this.end - start) throw failed('string runs past its block');
    this.at = start + length;
    const known = this.memo.find(slot, this.bytes, before, this.at);
    if (known !== undefined) return known;
    const text = huffman ? decodeHuffman(this.bytes, start, this.at) : this.bytes.toString('latin1', start, this.at);
    if (text === undefined) throw failed('bad Huffman code');
    this.memo.keep(slot, this.bytes, before, this.at, text);
    return text;
  }
}

function entrySize(entry: Entry): number {
  return entry[0].length + entry[1].length + ENTRY_OVERHEAD_BYTES;
}

function failed(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.COMPRESSION_ERROR, message);
}
