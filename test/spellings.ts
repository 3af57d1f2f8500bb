import { createECDH } from 'node:crypto';

/** Spellings of one token, for what must be one device. */

export interface Keys {
  p256dh: string;
  auth: string;
}

export function newKeys(): Keys {
  const key = createECDH('prime256v1').generateKeys();
  return { p256dh: key.toString('base64url'), auth: key.subarray(0, 16).toString('base64url') };
}

/** One browser's subscription as SDKs, pages and libraries write it. */
export function subscriptionSpellings(endpoint: string, { p256dh, auth }: Keys): Record<string, string> {
  const url = new URL(endpoint);
  const { protocol, port } = url;
  const padded = { p256dh: Buffer.from(p256dh, 'base64url').toString('base64'), auth: `${auth}==` };
  return {
    'toJSON() with expirationTime': JSON.stringify({ endpoint, expirationTime: null, keys: { p256dh, auth } }),
    'toJSON() without expirationTime': JSON.stringify({ endpoint, keys: { p256dh, auth } }),
    'the MobileFirst SDK’s form': JSON.stringify({ endpoint, userPublicKey: p256dh, userAuth: auth }),
    'another order of members': JSON.stringify({ keys: { auth, p256dh }, endpoint }),
    indentation: JSON.stringify({ endpoint, keys: { p256dh, auth } }, null, 2),
    'base64 with padding': JSON.stringify({ endpoint, keys: padded }),
    'outer white space': `\n ${JSON.stringify({ endpoint, keys: { p256dh, auth } })} \n`,
    'a host in capitals': JSON.stringify({
      endpoint: endpoint.replace(`//${url.host}`, `//${url.host.toUpperCase()}`),
      keys: { p256dh, auth },
    }),
    'an escaped letter': JSON.stringify({
      endpoint: endpoint.replace(/[a-z](?=[^a-z]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
      keys: { p256dh, auth },
    }),
    'a fragment': JSON.stringify({ endpoint: `${endpoint}#here`, keys: { p256dh, auth } }),
    ...(port === '' && {
      'the default port': JSON.stringify({
        endpoint: endpoint.replace(`${protocol}//${url.host}`, `${protocol}//${url.host}:443`),
        keys: { p256dh, auth },
      }),
    }),
  };
}

export function channelSpellings(channel: string): Record<string, string> {
  const { host } = new URL(channel);
  return {
    'as Windows gives it': channel,
    'a host in capitals': channel.replace(host, host.toUpperCase()),
    'a scheme in capitals': channel.replace('https', 'HTTPS'),
    'escapes in capitals': channel.replaceAll(/%../g, (escape) => escape.toUpperCase()),
    'a fragment': `${channel}#here`,
    'outer white space': ` ${channel}\r\n`,
  };
}

export function hexSpellings(token: string): Record<string, string> {
  return {
    'lower case': token.toLowerCase(),
    'upper case': token.toUpperCase(),
    'mixed case': token.slice(0, 9).toUpperCase() + token.slice(9).toLowerCase(),
    'outer white space': `\t${token} `,
  };
}
