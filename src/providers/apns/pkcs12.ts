import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { NotDer, OCTETS, readOid, readValue } from './der.js';
import type { Value } from './der.js';
import { Unsupported, decrypt, formsOf, matchesMac } from './pkcs12.cipher.js';
import type { Password } from './pkcs12.cipher.js';
import { countFile, countIterations } from './pkcs12.cost.js';

/** Key and certificates of a PKCS#12 file as PEM. */
export interface OpenedFile {
  key: string;
  certificate: string;
  /** Authorities in the order of the file. */
  chain: string[];
}

/** Why a file was not opened. `iterations`: opening it would take too long. */
export type Refusal =
  'notPkcs12' | 'password' | 'noKey' | 'noCertificate' | 'foreignKey' | 'unsupported' | 'iterations' | 'time';

/** A file with its chain has about 10 KB. */
export const MAX_FILE = 65_536;
/**
 * The sum over all key derivations of a file, usually three. OpenSSL writes 2,048 for each, Windows 2,000, Java 10,000,
 * Firefox 10,000; a million take about a second.
 */
export const MAX_ITERATIONS = 1_000_000;

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const BAG = '1.2.840.113549.1.12.10.1.';
const KEY_BAG = `${BAG}1`;
const SHROUDED_KEY_BAG = `${BAG}2`;
const CERTIFICATE_BAG = `${BAG}3`;
const NESTED_BAG = `${BAG}6`;

interface Found {
  keys: KeyObject[];
  certificates: X509Certificate[];
}

/** Undefined if the file is safe to read. The password is not checked. */
export function refuseUnread(file: Buffer): Refusal | undefined {
  try {
    return file.length > MAX_FILE ? 'notPkcs12' : refuseCost(countFile(readFile(file).file));
  } catch (error) {
    if (error instanceof NotDer) return 'notPkcs12';
    throw error;
  }
}

/** Opens a file of RFC 7292 that a password protects. Takes as long as its iterations: call it in a thread. */
export function openPkcs12(bytes: Buffer, passphrase: string): OpenedFile | Refusal {
  const refusal = refuseUnread(bytes);
  if (refusal !== undefined) return refusal;
  try {
    const { file, safe } = readFile(bytes);
    const mac = file.parts[2];
    if (!mac) return 'notPkcs12';
    const password = formsOf(passphrase).find((form) => matchesMac(mac, safe, form));
    if (password === undefined) return 'password';
    const found: Found = { keys: [], certificates: [] };
    let cost = countFile(file);
    for (const part of readValue(safe).parts) {
      const bags = openSafe(part, password);
      if (part.parts[0] && readOid(part.parts[0]) === ENCRYPTED_DATA) cost += countIterations(bags);
      const tooMuch = refuseCost(cost);
      if (tooMuch !== undefined) return tooMuch;
      collect(bags, password, found);
    }
    return choose(found);
  } catch (error) {
    if (error instanceof Unsupported || isUnsupported(error)) return 'unsupported';
    // OpenSSL's text is not repeated: the MAC was right, so the file is broken.
    return 'notPkcs12';
  }
}

function refuseCost(iterations: number): Refusal | undefined {
  return iterations <= MAX_ITERATIONS ? undefined : 'iterations';
}

/** PFX: version, the authenticated safe in octets, and the MAC. */
function readFile(bytes: Buffer): { file: Value; safe: Buffer } {
  const file = readValue(bytes);
  const content = file.parts[1];
  const octets = content?.parts[1]?.parts[0];
  if (!content?.parts[0] || readOid(content.parts[0]) !== DATA || octets?.tag !== OCTETS) throw new NotDer('no safe');
  return { file, safe: octets.content };
}

function openSafe({ parts: [oid, content] }: Value, password: Password): Value {
  const inner = content?.parts[0];
  const kind = oid ? readOid(oid) : '';
  if (kind === DATA && inner?.tag === OCTETS) return readValue(inner.content);
  // EncryptedData: version, and the content's type, cipher and bytes under an implicit [0].
  const [, algorithm, encrypted] = inner?.parts[1]?.parts ?? [];
  if (kind !== ENCRYPTED_DATA || !algorithm || !encrypted) throw new Unsupported('the kind of safe');
  return readValue(decrypt(algorithm, encrypted.content, password));
}

function collect(bags: Value, password: Password, found: Found, nesting = 0): void {
  if (nesting > 4) throw new NotDer('too many bags in one another');
  for (const {
    parts: [oid, wrapped],
  } of bags.parts) {
    const value = wrapped?.parts[0];
    const kind = oid ? readOid(oid) : '';
    if (!value) continue;
    if (kind === KEY_BAG) found.keys.push(createPrivateKey({ key: value.bytes, format: 'der', type: 'pkcs8' }));
    if (kind === SHROUDED_KEY_BAG)
      found.keys.push(createPrivateKey({ key: value.bytes, format: 'der', type: 'pkcs8', passphrase: password.text }));
    const certificate = value.parts[1]?.parts[0];
    if (kind === CERTIFICATE_BAG && certificate) found.certificates.push(new X509Certificate(certificate.content));
    if (kind === NESTED_BAG) collect(value, password, found, nesting + 1);
  }
}

/** Chooses the certificate that belongs to the key. */
function choose({ keys, certificates }: Found): OpenedFile | Refusal {
  if (keys.length === 0) return 'noKey';
  if (certificates.length === 0) return 'noCertificate';
  for (const key of keys) {
    const own = certificates.find((certificate) => certificate.checkPrivateKey(key));
    if (own === undefined) continue;
    const chain = certificates.filter((certificate) => certificate !== own && certificate.ca).map(String);
    return { key: String(key.export({ type: 'pkcs8', format: 'pem' })), certificate: own.toString(), chain };
  }
  return 'foreignKey';
}

function isUnsupported(error: unknown): boolean {
  return error instanceof Error && /unsupported|unknown (cipher|message digest)/i.test(error.message);
}
