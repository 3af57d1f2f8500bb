import type { IncomingMessage } from 'node:http';

/**
 * Tickets: a download is a link, which can send no header. Its address is that of the API behind `/console/download/`
 * and the ticket; the router sees the address of the API and the ticket as a header. So every route keeps its own
 * parameters, and a ticket opens exactly the address that it was made for.
 */
export const TICKET_HEADER = 'carillon-ticket';
const BEGIN = '/console/download/';
const LINK = /^\/console\/download\/([A-Za-z0-9_-]{43})(\/.*)$/;

export function linkOf(ticket: string, path: string): string {
  return `${BEGIN}${ticket}${path}`;
}

/** For Fastify, with each request: the address that is routed. */
export function routedAddress(request: Pick<IncomingMessage, 'url' | 'headers'>): string {
  const { url = '' } = request;
  if (!url.startsWith(BEGIN)) return url;
  const [, ticket, path] = LINK.exec(url) ?? [];
  if (ticket === undefined || path === undefined) return url;
  request.headers[TICKET_HEADER] = ticket;
  // A browser asks for HTML with a link; a file with all lines is wanted where a route has one.
  request.headers.accept = 'application/x-ndjson, */*;q=0.5';
  return path;
}

/** Downloads are calls of the API. */
export function isTicketPath(path: string): boolean {
  return /^\/(imfpush\/v1|mfpadmin)\/[!-~]*$/.test(path) && !path.includes('\\') && !path.includes('#');
}
