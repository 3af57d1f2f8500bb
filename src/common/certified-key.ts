import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** A certificate and its key. No package is imported: the settings are read before any is loaded. */

/** The files of the settings. */
export interface TlsFiles {
  certFile: string;
  keyFile: string;
}

export interface CertifiedKey {
  /** PEM: the certificate, and those of the authorities between. */
  cert: Buffer;
  key: Buffer;
}

/** Throws an error of the file system or of TLS. */
export function readCertifiedKey({ certFile, keyFile }: TlsFiles): CertifiedKey {
  const read = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  // Throws if one of them cannot be read or they do not belong together.
  createSecureContext(read);
  return read;
}
