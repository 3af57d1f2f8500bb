import { invalidValue } from '../common/errors.js';
import { isPredefinedSecret } from './predefined-clients.js';

/** Rules of production for secrets that a person chooses, pure; generated secrets are longer. */

const LEAST = 16;
export const SECRET_RULE = `at least ${LEAST} characters in production, and not be a word repeated`;

export function isWeakSecret(secret: string): boolean {
  return secret.length < LEAST || /^(.{1,16})\1+$/.test(secret);
}

/** Throws FPWSE0005E: a client with this secret would prevent the next start in production. */
export function refuseDevelopmentSecret(
  { environment }: { environment: 'development' | 'production' },
  { id, secret }: { id: string; secret?: string | null },
  field = 'secret',
): void {
  if (environment === 'production' && secret && isPredefinedSecret(id, secret))
    throw invalidValue(field, `it is the development secret of ${id}, which production refuses`);
}

/** Throws FPWSE0005E. */
export function refuseWeakSecret(
  { environment }: { environment: 'development' | 'production' },
  secret: string | null | undefined,
  field = 'secret',
): void {
  if (environment === 'production' && secret && isWeakSecret(secret))
    throw invalidValue(field, `it must have ${SECRET_RULE}`);
}
