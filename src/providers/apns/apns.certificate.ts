import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { InvalidSettings } from '../provider.js';

/** What a provider certificate (Apple: "Establishing a certificate-based connection to APNs") says of itself. */
export interface ApnsCertificate {
  pfx: Buffer;
  passphrase: string;
  validUntil: Date;
  /** Apple writes the bundle id into the subject's UID; absent in certificates that cover something else. */
  bundleId: string | undefined;
}

/**
 * Opens a PKCS#12 file. Throws InvalidSettings for a file that is none, a wrong password, and a certificate past its
 * date; its text never holds what was sent.
 */
export function readCertificate(pfx: Buffer, passphrase: string, now: number): ApnsCertificate {
  const certificate = open(pfx, passphrase);
  const validUntil = new Date(certificate.validTo);
  if (validUntil.getTime() <= now)
    throw new InvalidSettings('certificate', `has expired on ${validUntil.toISOString().slice(0, 10)}`);
  return { pfx, passphrase, validUntil, bundleId: /^UID=(.+)$/m.exec(certificate.subject)?.[1] };
}

function open(pfx: Buffer, passphrase: string): X509Certificate {
  try {
    // What node knows of the certificate it opened; its types leave the context untold.
    const { context }: { context: { getCertificate?(): Buffer } } = createSecureContext({ pfx, passphrase });
    const own = context.getCertificate?.();
    if (own) return new X509Certificate(own);
  } catch (error) {
    throw explain(error);
  }
  throw new InvalidSettings('certificate', 'holds no certificate');
}

/** OpenSSL tells a wrong password, an old cipher and a file of another kind apart, in words of its own. */
function explain(error: unknown): InvalidSettings {
  const said = error instanceof Error ? error.message : '';
  if (/mac verify failure/i.test(said)) return new InvalidSettings('password', 'does not open the certificate');
  if (/private key/i.test(said))
    return new InvalidSettings('certificate', 'holds no private key: export it with its key');
  if (/unsupported/i.test(said))
    return new InvalidSettings(
      'certificate',
      'is encrypted with a cipher that OpenSSL 3 has retired: export it again, or convert it with openssl pkcs12 -legacy',
    );
  return new InvalidSettings('certificate', 'must be a PKCS#12 file (.p12) in base64');
}
