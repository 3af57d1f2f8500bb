import { describe, expect, it } from 'vitest';
import { redact } from './redact.js';

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln';
const PEM = '-----BEGIN PRIVATE KEY-----\nMIIEsecret\n-----END PRIVATE KEY-----';

/** Each has `secret` where the secret is. */
const LEAKS = [
  ['the password of a database', 'connect postgres://carillon:secret@db:5432/carillon failed'],
  ['a password with signs', 'postgres://carillon:a/b@secret#d%e@db/x'],
  ['the password of a queue', 'rediss://:secret@queue:6379'],
  ['a Basic header', 'authorization: Basic c2VjcmV0OnNlY3JldA==', 'c2VjcmV0'],
  ['a Bearer header', 'Authorization: Bearer secret-0123456789'],
  ['a JWT', `token ${JWT} is old`, JWT.slice(0, 20)],
  ['VAPID', `vapid t=${JWT}, k=BPsecret`, JWT.slice(0, 20)],
  ['a form', 'grant_type=x&client_secret=secret&client_assertion=secret&scope=a'],
  ['JSON', '{"client_secret":"secret","deviceToken":"secret","access_token": "secret"}'],
  ['JSON in JSON', JSON.stringify({ msg: '{"secret":"secret \\" more secret","token":"secret"}' })],
  ['the text of a message', JSON.stringify({ msg: 'Refused: {"message":{"alert":"secret words"}}' })],
  ['a private key', PEM],
  ['a private key in JSON', JSON.stringify({ stack: PEM })],
  ['a private key that is cut', '-----BEGIN EC PRIVATE KEY-----\nMIIEsecret'],
  ['the address of a browser', 'POST https://push.example.com/send/secret failed'],
  ['the secret in the path of a webhook', 'https://hooks.example.com/services/T0/secret?key=secret fails'],
  ['a token of APNs', `BadDeviceToken ${'0a1b'.repeat(16)}`, '0a1b0a1b'],
  ['a token of FCM', `The token cX:APA91b${'secret'.repeat(12)} is old`],
] as const;

describe('no secret passes', () => {
  it.each(LEAKS)('%s', (_name, line, secret = 'secret') => {
    const values = redact(line).replaceAll(/client_secret|"secret\\?"(?=:)/g, '');
    expect(values).not.toContain(secret);
    expect(values).toContain('[cut]');
  });
});

describe('a line with one secret and no other word of one is cut at', () => {
  const names = 'Authorization cookie password passwd passphrase client_secret deviceToken client_assertion apiKey';
  const others = 'private_key masterKey code_verifier alert p256dh auth channelUri endpoint';
  it.each(`${names} ${others}`.split(' '))('%s', (name) => {
    expect(redact(`{"level":"info","${name}":"12345678"}`)).not.toContain('12345678');
    expect(redact(`a form with ${name}=12345678`)).not.toContain('12345678');
  });

  it.each(['Basic ', 'Bearer ', 'vapid ', 'WebPush ', 'eyJ', 'amqp://u:', '-----BEGIN PRIVATE KEY-----'])(
    '%s',
    (mark) => expect(redact(`from the peer: ${mark}12345678@y`)).not.toContain('12345678'),
  );

  it('a token of a device', () => expect(redact(`the id ${'0a'.repeat(32)} is wrong`)).toBe('the id [cut] is wrong'));
});

describe('ids, routes, hosts and causes stay', () => {
  it.each([
    'Carillon listens on http://127.0.0.1:9080 with the roles api; data: PostgreSQL at db:5432; queue: redis://queue:6379',
    'Batch 3f1b2c4d-0000-4000-8000-123456789abc was not sent: Basic authentication with id and secret is required',
    JSON.stringify({
      msg: 'POST /imfpush/v1/apps/:applicationId/messages 202',
      traceId: '0af7651916cd43dd8448eb211c80319c',
    }),
    'Error: x\n    at run (file:///srv/carillon/dist/delivery/deliver/consequences.service.js:10:20)',
    'The identity provider https://id.example.com cannot be reached: connect ECONNREFUSED 10.0.0.1:443',
    'Application com.example.app is paused at apns: InvalidProviderToken',
  ])('%s', (line) => expect(redact(line)).toBe(line));
});

it('a long line of a caller costs no time', () => {
  for (const part of ['a', 'a.', 'secret', 'https://', 'a:', '"token":"', 'eyJa.', '-----BEGIN PRIVATE KEY-----']) {
    const startedAt = performance.now();
    redact(part.repeat(16_384 / part.length));
    expect(performance.now() - startedAt).toBeLessThan(200);
  }
});
