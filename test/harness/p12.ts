import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Long enough to be published with the file. */
export const P12_PASSWORD = 'hush-hush-hush';

/** A self-signed client certificate in a .p12 with `P12_PASSWORD`; `options` are further options of openssl pkcs12. */
export function makeP12(subject: string, ...options: string[]): { p12: Buffer; certificate: string } {
  return makeP12Of(30, subject, ...options);
}

export function makeP12Of(days: number, subject: string, ...options: string[]): { p12: Buffer; certificate: string } {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-p12-'));
  const file = (name: string): string => join(folder, name);
  const openssl = (...words: string[]): Buffer => execFileSync('openssl', words, { stdio: 'pipe' });
  try {
    const made = ['-keyout', file('key'), '-out', file('certificate')];
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...made, '-days', String(days), '-subj', subject);
    const from = ['-inkey', file('key'), '-in', file('certificate')];
    openssl('pkcs12', '-export', ...from, '-out', file('p12'), '-passout', `pass:${P12_PASSWORD}`, ...options);
    return { p12: readFileSync(file('p12')), certificate: readFileSync(file('certificate'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
