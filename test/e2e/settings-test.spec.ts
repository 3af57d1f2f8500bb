import { createECDH, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../harness/program.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { createApnsCredentials, createServiceAccount } from '../simulators/credentials.js';
import { STAGES } from './stages.js';

/** A test of credentials at each provider: accepted, refused in the provider's words, and nothing sent to a device. */

type Fields = Record<string, unknown>;
interface Result {
  result: string;
  reason?: string;
  next?: string;
}

let simulators: RunningSimulators;
beforeAll(async () => {
  simulators = await startSimulators();
  for (const provider of ['apns', 'hms'] as const) await simulators.admin.setTokenMode('strict', provider);
});
afterAll(() => simulators?.stop());

/** By path: settings that the provider accepts, settings that it refuses, and its words. */
const CASES: Record<string, { good: () => Fields; bad: () => Fields; words: RegExp }> = {
  apnsConf: {
    good: () => ({ ...simulators.credentials.apns }),
    bad: () => ({ ...createApnsCredentials('com.example.app').credentials }),
    words: /^InvalidProviderToken$/,
  },
  fcmConf: {
    good: () => ({ ...simulators.credentials.fcm }),
    bad: () => ({ ...createServiceAccount('other', simulators.credentials.fcm.token_uri).file }),
    words: /^token endpoint: invalid_grant$/,
  },
  wnsConf: {
    good: () => simulators.credentials.wns.package,
    bad: () => ({ ...simulators.credentials.wns.package, clientSecret: 'wrong' }),
    words: /^token endpoint: invalid_client$/,
  },
  hmsConf: {
    good: () => simulators.credentials.hms.oauth,
    bad: () => ({
      ...simulators.credentials.hms.account,
      privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
        type: 'pkcs8',
        format: 'pem',
      }),
    }),
    words: /^80200001 authentication$/,
  },
  upstreamConf: {
    good: () => ({ baseUrl: simulators.mobilefirst.url, ...simulators.credentials.mobilefirst }),
    bad: () => ({ baseUrl: simulators.mobilefirst.url, clientId: 'relay', secret: 'wrong' }),
    words: /does not know this client id with this secret/,
  },
};

describe.each(STAGES)('on $name', (stage) => {
  const program = runProgram(stage, {
    environment: () => ({
      APNS_URL: simulators.apns.url,
      FCM_URL: simulators.fcm.url,
      WNS_TOKEN_URL: simulators.wns.tokenUrl,
      HMS_URL: simulators.hms.url,
      HMS_TOKEN_URL: simulators.hms.tokenUrl,
      PROVIDER_CA_FILE: simulators.caPath ?? '',
    }),
  });
  const test = async (conf: string, body?: unknown): Promise<Result> => {
    const { status, body: result } = await program.api.app<Result>('POST', `/settings/${conf}/test`, body);
    expect(status).toBe(200);
    return result;
  };

  it.each(Object.keys(CASES))('%s: given before they are stored, and stored', async (conf) => {
    const { good, bad, words } = CASES[conf]!;
    const path = `/settings/${conf}`;
    expect((await program.api.app('POST', `${path}/test`)).status).toBe(404);
    expect(await test(conf, good())).toEqual({ result: 'accepted' });
    const refused = await test(conf, bad());
    expect(refused).toEqual({
      result: 'refused',
      reason: expect.stringMatching(words) as string,
      next: expect.any(String) as string,
    });
    expect((await program.api.app('GET', path)).status).toBe(404);

    await program.api.app('PUT', path, good());
    expect(await test(conf)).toEqual({ result: 'accepted' });
    await program.api.app('PUT', path, bad());
    expect(await test(conf)).toMatchObject({ result: 'refused' });
    expect((await program.api.app('DELETE', path)).status).toBe(204);
  });

  it('webPushConf: the stored pair, and a pair that does not fit is refused as at its PUT', async () => {
    await program.api.app('PUT', '/settings/webPushConf', { subject: 'mailto:a@example.com' });
    expect(await test('webPushConf')).toEqual({ result: 'accepted' });
    const [one, other] = [createECDH('prime256v1'), createECDH('prime256v1')];
    other.generateKeys();
    const publicKey = one.generateKeys('base64url');
    const mixed = { subject: 'mailto:a@example.com', publicKey, privateKey: other.getPrivateKey('base64url') };
    const answer = await program.api.app('POST', '/settings/webPushConf/test', mixed);
    expect([answer.status, answer.body.code]).toEqual([400, 'FPWSE0005E']);
  });

  it('a revoked secret is refused although a token of it is still in use', async () => {
    await program.api.app('PUT', '/settings/wnsConf', simulators.credentials.wns.package);
    expect(await test('wnsConf')).toEqual({ result: 'accepted' });
    await simulators.admin.registerCredentials({
      wns: { ...simulators.credentials.wns.package, clientSecret: 'the next one' },
    });
    expect(await test('wnsConf')).toMatchObject({ result: 'refused', reason: 'token endpoint: invalid_client' });
    await simulators.admin.registerCredentials({ wns: simulators.credentials.wns.package });
  });

  it('a provider that does not answer is told apart from one that refuses', async () => {
    const away = { ...simulators.credentials.mobilefirst, baseUrl: 'http://127.0.0.1:9/mfp' };
    expect(await test('upstreamConf', away)).toEqual({
      result: 'unavailable',
      reason: 'token endpoint: ECONNREFUSED',
      next: expect.any(String) as string,
    });
  });

  it('no provider was given a message for a device, and no secret was logged', async () => {
    for (const provider of ['apns', 'fcm', 'wns', 'hms', 'mobilefirst'] as const)
      expect((await simulators.admin.ledger(provider)).accepted, provider).toBe(0);
    for (const { good } of Object.values(CASES))
      for (const [name, value] of Object.entries(good()))
        if (/secret|key$/i.test(name)) expect(program.carillon.output()).not.toContain(partOf(String(value)));
  });
});

/** Of a key the middle, which is in one line. */
function partOf(secret: string): string {
  return secret.length > 100 ? secret.slice(60, 85) : secret;
}
