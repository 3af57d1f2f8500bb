import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { verify } from './webhooks.js';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const SECRET = `whsec_${KEY.toString('base64')}`;
const OTHER = `whsec_${Buffer.from('another key of the same kind').toString('base64')}`;
const NOW = new Date('2026-11-30T12:00:00Z');
const BODY = JSON.stringify({ type: 'message.finished', data: { label: 'é😀\u2028</script>' } });

function headersOf(body: string, { id = 'evt_1', at = NOW.getTime() / 1_000 } = {}): Record<string, string> {
  const signature = createHmac('sha256', KEY).update(`${id}.${at}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': `v1a,x v1,AAAA v1,${signature}` };
}

it.each([
  ['text', BODY],
  ['bytes', Buffer.from(BODY)],
])('returns the event of %s', async (_, body) => {
  expect(await verify(body, headersOf(BODY), SECRET, { now: NOW })).toEqual(JSON.parse(BODY));
});

it('takes headers of every kind, and the old secret beside the new one', async () => {
  const plain = headersOf(BODY);
  const upper = Object.fromEntries(Object.entries(plain).map(([name, value]) => [name.toUpperCase(), [value]]));
  for (const headers of [new Headers(plain), plain, upper])
    expect(await verify(BODY, headers, [OTHER, SECRET], { now: NOW })).toBeTypeOf('object');
});

it.each([
  ['another body', `${BODY} `, headersOf(BODY), SECRET, 'No signature'],
  ['another secret', BODY, headersOf(BODY), OTHER, 'No signature'],
  ['another id', BODY, { ...headersOf(BODY), 'webhook-id': 'evt_2' }, SECRET, 'No signature'],
  ['no id', BODY, { ...headersOf(BODY), 'webhook-id': undefined }, SECRET, 'The header webhook-id is missing'],
  ['another signature', BODY, { ...headersOf(BODY), 'webhook-signature': 'v1,*' }, SECRET, 'No signature'],
  ['no time', BODY, { ...headersOf(BODY), 'webhook-timestamp': 'now' }, SECRET, 'is not a number'],
  ['an old time', BODY, headersOf(BODY, { at: NOW.getTime() / 1_000 - 301 }), SECRET, 'more than 300 s'],
  ['a time to come', BODY, headersOf(BODY, { at: NOW.getTime() / 1_000 + 301 }), SECRET, 'more than 300 s'],
  ['no secret', BODY, headersOf(BODY), '', 'The secret is not base64'],
])('refuses %s', async (_, body, headers, secret, says) => {
  const error = await verify(body, headers, secret, { now: NOW }).catch((error: unknown) => error);
  expect(error).toMatchObject({ name: 'WebhookVerificationError', message: expect.stringContaining(says) as string });
});
