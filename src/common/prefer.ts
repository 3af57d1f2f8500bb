import type { FastifyReply, FastifyRequest } from 'fastify';

/** The header `Prefer` (RFC 7240). */

export const PREFER_STRICT = {
  name: 'Prefer',
  required: false,
  description:
    'Extension: `handling=strict` refuses every unknown field (RFC 7240), like the application’s setting `strict`',
};

/** Whether unknown fields are to be refused; if so, the answer carries Preference-Applied. */
export function prefersStrict({ headers }: FastifyRequest, reply: FastifyReply): boolean {
  const strict = prefers(headers.prefer as string | undefined, 'handling', 'strict');
  if (strict) void reply.header('preference-applied', 'handling=strict');
  return strict;
}

/** Whether the header has this preference; if a name is repeated, the first counts (RFC 7240 §2). */
export function prefers(header: string | undefined, name: string, value: string): boolean {
  for (const preference of header?.split(',') ?? []) {
    const [word = '', given = ''] = (preference.split(';')[0] ?? '').split('=').map((part) => part.trim());
    if (word.toLowerCase() === name) return given.replace(/^"(.*)"$/, '$1') === value;
  }
  return false;
}
