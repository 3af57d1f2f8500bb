import { X509Certificate } from 'node:crypto';
import { InvalidSettings } from '../provider.js';
import { MAX_ITERATIONS } from './pkcs12.js';
import type { OpenedFile, Refusal } from './pkcs12.js';
import { openPkcs12Aside } from './pkcs12.thread.js';

/** The contents of a provider certificate (Apple: "Establishing a certificate-based connection to APNs"). */
export interface ApnsCertificate {
  pem: OpenedFile;
  validUntil: Date;
  /** Apple writes the bundle id into the UID of the subject. Absent if the certificate covers other topics. */
  bundleId: string | undefined;
}

const REFUSALS: Readonly<Record<Refusal, readonly [field: string, reason: string]>> = {
  notPkcs12: ['certificate', 'must be a PKCS#12 file (.p12) of at most 64 KB, in base64'],
  password: ['password', 'does not open the certificate'],
  noKey: ['certificate', 'holds no private key: export it with its key'],
  noCertificate: ['certificate', 'holds no certificate'],
  foreignKey: ['certificate', 'holds a private key of another certificate'],
  unsupported: [
    'certificate',
    'is encrypted with a cipher that OpenSSL 3 has retired: export it again, or convert it with openssl pkcs12 -legacy',
  ],
  iterations: [
    'certificate',
    `asks for more than ${MAX_ITERATIONS} iterations of its password: export it again with fewer`,
  ],
  time: ['certificate', 'took too long to open: export it again with fewer iterations'],
};

/**
 * Opens a PKCS#12 file in a thread. Throws InvalidSettings for a file that is not PKCS#12, a wrong password or an
 * expired certificate; the error never contains the input.
 */
export async function readCertificate(file: Buffer, passphrase: string, now: number): Promise<ApnsCertificate> {
  const pem = await openFile(file, passphrase);
  const certificate = new X509Certificate(pem.certificate);
  const validUntil = new Date(certificate.validTo);
  if (validUntil.getTime() <= now)
    throw new InvalidSettings('certificate', `has expired on ${validUntil.toISOString().slice(0, 10)}`);
  return { pem, validUntil, bundleId: /^UID=(.+)$/m.exec(certificate.subject)?.[1] };
}

/** Like `readCertificate`, but accepts an expired certificate. */
export async function openFile(file: Buffer, passphrase: string): Promise<OpenedFile> {
  const opened = await openPkcs12Aside(file, passphrase);
  if (typeof opened === 'string') throw new InvalidSettings(...REFUSALS[opened]);
  return opened;
}
