import type { FastifyReply, FastifyRequest } from 'fastify';

/** The header `Prefer` (RFC 7240). */

export const PREFER_STRICT = {
  name: 'Prefer',
  required: false,
  description:
    'Extension: `handling=strict` refuses every unknown field (RFC 7240), like the application’s setting `strict`',
};

/** Whether fields that are not known are to be refused; the answer then says that this is honoured. */
export function prefersStrict({ headers }: FastifyRequest, reply: FastifyReply): boolean {
  const strict = prefers(headers.prefer as string | undefined, 'handling', 'strict');
  if (strict) void reply.header('preference-applied', 'handling=strict');
  return strict;
}

/** Whether the header has this preference; of several of one name the first counts (§2). */
export function prefers(header: string | undefined, name: string, value: string): boolean {
  for (const preference of header?.split(',') ?? []) {
    const [word = '', given = ''] = (preference.split(';')[0] ?? '').split('=').map((part) => part.trim());
    if (word.toLowerCase() === name) return given.replace(/^"(.*)"$/, '$1') === value;
  }
  return false;
}
