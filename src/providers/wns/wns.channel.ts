import { isListed } from '../../common/host-list.js';

/**
 * The URL to post to if a device's token is a channel of `host` (`*.` before a name: any host below it), over https and
 * port 443 unless `host` names a port. Otherwise undefined: a device chooses its token, and another host would get the
 * application's access token (Microsoft: "verify that the channel URI uses the domain notify.windows.com").
 */
export function readChannel(token: string, host: string): string | undefined {
  if (token.length > 2_048 || !URL.canParse(token)) return undefined;
  const url = new URL(token);
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return undefined;
  // URL drops port 443, so any remaining port must be in the option.
  if (!isListed(url, [host])) return undefined;
  url.hash = '';
  return url.href;
}
