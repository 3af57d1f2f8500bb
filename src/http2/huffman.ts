/**
 * Code lengths in bits of the symbols 0 to 255 and of EOS (RFC 7541 Appendix B). The code is canonical, so the lengths
 * define it: codes count upwards by length, and by symbol within a length.
 */
// prettier-ignore
export const HUFFMAN_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

const EOS = 256;
const FAILED = -1;

/** `codes[symbol]` is the right-aligned code of `HUFFMAN_LENGTHS[symbol]` bits. */
export function huffmanCodes(): number[] {
  const codes: number[] = HUFFMAN_LENGTHS.map(() => 0);
  let next = 0;
  for (let length = 1; length <= 30; length++) {
    next *= 2;
    HUFFMAN_LENGTHS.forEach((bits, symbol) => {
      if (bits === length) codes[symbol] = next++;
    });
  }
  return codes;
}

/** Children of each inner node: another inner node, or `~symbol` for a leaf. Node 0 is the root. */
function buildTree(): [number, number][] {
  const tree: [number, number][] = [[0, 0]];
  huffmanCodes().forEach((code, symbol) => {
    let node = 0;
    for (let bit = HUFFMAN_LENGTHS[symbol]! - 1; bit > 0; bit--) {
      const side = (code >> bit) & 1;
      if (tree[node]![side] === 0) tree[node]![side] = tree.push([0, 0]) - 1;
      node = tree[node]![side]!;
    }
    tree[node]![code & 1] = ~symbol;
  });
  return tree;
}

/**
 * The decoder reads four bits per step: the shortest code has five, so a step yields at most one symbol. `step[node *
 * 16 + nibble]` is the next node in the low 8 bits and symbol + 1 above them, or FAILED on EOS.
 */
const tree = buildTree();
const step = new Int32Array(tree.length * 16);
/** 1 for nodes where a string may end: the root, or up to seven one-bits towards EOS (RFC 7541 §5.2). */
const mayEnd = new Uint8Array(tree.length);

for (let node = 0; node < tree.length; node++) {
  for (let nibble = 0; nibble < 16; nibble++) step[node * 16 + nibble] = walk(node, nibble);
}
for (let node = 0, depth = 0; depth < 8; depth++) {
  mayEnd[node] = 1;
  node = tree[node]![1];
}

function walk(from: number, nibble: number): number {
  let node = from;
  let symbol = -1;
  for (let bit = 3; bit >= 0; bit--) {
    const child = tree[node]![(nibble >> bit) & 1]!;
    if (child === ~EOS) return FAILED;
    if (child < 0) symbol = ~child;
    node = child < 0 ? 0 : child;
  }
  return ((symbol + 1) << 8) | node;
}

let scratch = Buffer.allocUnsafeSlow(4096);

/**
 * Decodes `bytes[at, end)` into a string of one character per octet; undefined for EOS inside the string, or for
 * padding that is longer than seven bits or not all ones (decoding errors by RFC 7541 §5.2).
 */
export function decodeHuffman(bytes: Uint8Array, at: number, end: number): string | undefined {
  // The shortest code has five bits, so an octet has at most 8/5 symbols.
  if (scratch.length < (end - at) * 2) scratch = Buffer.allocUnsafeSlow((end - at) * 2);
  const out = scratch;
  let size = 0;
  let node = 0;
  for (let i = at; i < end; i++) {
    const octet = bytes[i]!;
    const high = step[node * 16 + (octet >> 4)]!;
    if (high === FAILED) return undefined;
    if (high > 255) out[size++] = (high >> 8) - 1;
    const low = step[(high & 255) * 16 + (octet & 15)]!;
    if (low === FAILED) return undefined;
    if (low > 255) out[size++] = (low >> 8) - 1;
    node = low & 255;
  }
  return mayEnd[node] === 1 ? out.toString('latin1', 0, size) : undefined;
}
