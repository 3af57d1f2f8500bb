import { isListed } from '../../common/host-list.js';

/**
 * The URL to post to when a device's token is a channel of `host` (`*.` before a name: any host below it), over https
 * and its default port unless `host` names one. Undefined otherwise: a device chooses its token, and whatever else it
 * named would be sent the application's access token (Microsoft: "verify that the channel URI uses the domain
 * notify.windows.com").
 */
export function readChannel(token: string, host: string): string | undefined {
  if (token.length > 2_048 || !URL.canParse(token)) return undefined;
  const url = new URL(token);
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return undefined;
  // URL drops port 443: what is left is a port that the option must name.
  if (!isListed(url, [host])) return undefined;
  url.hash = '';
  return url.href;
}
