/**
 * One text for all equal spellings of an http URI (RFC 3986 §6.2.2, §6.2.3), pure. URL has already lower-cased scheme
 * and host, dropped port 443 and resolved dot segments; this removes a dot at the end of the host and unifies escapes.
 * A fragment is never sent and is dropped.
 */
export function canonicalUri(url: URL): string {
  const host = url.host.replace(/\.(?=:|$)/, '');
  return `${url.protocol}//${host}${canonicalEscapes(url.pathname)}${canonicalEscapes(url.search)}`;
}

/** Decodes escapes of unreserved characters; writes the other escapes with capital digits. */
function canonicalEscapes(text: string): string {
  return text.replaceAll(/%[\da-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase();
  });
}
