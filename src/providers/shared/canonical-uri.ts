/**
 * One text for all spellings of an http URI that mean the same (RFC 3986 §6.2.2 and §6.2.3), pure. URL has put scheme and
 * host in lower case, dropped port 443 and resolved dot segments; the dot at the end of a host and the spelling of escapes
 * are left to do. A fragment is never sent and does not count.
 */
export function canonicalUri(url: URL): string {
  const host = url.host.replace(/\.(?=:|$)/, '');
  return `${url.protocol}//${host}${canonicalEscapes(url.pathname)}${canonicalEscapes(url.search)}`;
}

/** Escapes of unreserved characters are read, the others have capital digits. */
function canonicalEscapes(text: string): string {
  return text.replaceAll(/%[\da-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase();
  });
}
