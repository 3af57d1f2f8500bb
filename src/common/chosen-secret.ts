/** Of a secret that a person chooses, in production; generated ones are longer. */
export const MIN_SECRET = 16;
export const SECRET_RULE = `at least ${MIN_SECRET} characters in production, and not be a word repeated`;

export function isWeakSecret(secret: string): boolean {
  return secret.length < MIN_SECRET || /^(.{1,16})\1+$/.test(secret);
}
