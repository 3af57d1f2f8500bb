const HOME = '/console/';
const IDS = '/console/apps/';

/**
 * Where to go after a sign-in: a path below /console/ with its query and hash, as the browser would read it; everything
 * else becomes the first page. A backslash, a control character or a second slash makes another host of a path.
 */
export function safePath(to: string | undefined): string {
  // eslint-disable-next-line no-control-regex -- these are what a browser removes before it reads an address
  if (to === undefined || !to.startsWith(HOME) || /[\\\u0000-\u0020\u007f]/.test(to)) return HOME;
  const url = new URL(to, 'http://console.invalid');
  const path = url.pathname;
  // An id may have an encoded slash or backslash; ids stand below /console/apps/ only.
  const isPlain = path.startsWith(IDS) || !/%5c|%2f/i.test(path);
  const inside = url.host === 'console.invalid' && path.startsWith(HOME) && !path.includes('//') && isPlain;
  return inside && !path.startsWith('/console/api/') ? `${path}${url.search}${url.hash}` : HOME;
}
