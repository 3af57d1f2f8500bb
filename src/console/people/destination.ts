const START = '/console/';
/** Any host: only what follows it is read. */
const BASE = 'http://console.invalid';

/**
 * Where a sign-in leads to: a page of the console with its query and fragment, and never anywhere else. A browser reads
 * `\` as `/`, drops tabs and line ends, and resolves `..`. Pure.
 */
export function destinationOf(text: string | undefined): string {
  if (text === undefined || !/^\/console(?:[/?#]|$)/.test(text) || /[\\\s\p{C}]/u.test(text)) return START;
  if (!URL.canParse(text, BASE)) return START;
  const { pathname, search, hash } = new URL(text, BASE);
  const isPage = /^\/console(?:\/|$)/.test(pathname) && !/^\/console\/(?:api|assets|download)(?:\/|$)/.test(pathname);
  return isPage && !pathname.includes('//') ? `${pathname}${search}${hash}` : START;
}
