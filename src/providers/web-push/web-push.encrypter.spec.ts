import { createECDH, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Encrypter } from './web-push.encrypter.js';

const subscription = () => ({
  userPublicKey: createECDH('prime256v1').generateKeys(),
  userAuth: randomBytes(16),
});

describe('Encrypter', () => {
  const open: Encrypter[] = [];
  const start = (size: number): Encrypter => {
    const encrypter = new Encrypter(size).retain();
    open.push(encrypter);
    return encrypter;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });

  it('encrypts many messages at once on several threads, each for its own browser', async () => {
    const encrypter = start(2);
    expect(encrypter.running).toBe(0);
    // The bodies differ in length: header 86, delimiter 1, tag 16.
    const jobs = Array.from({ length: 230 }, (_, index) => ({ plaintext: Buffer.alloc(index), ...subscription() }));
    const bodies = await Promise.all(jobs.map((job) => encrypter.encrypt(job)));
    expect(bodies.map((body) => body?.length)).toEqual(jobs.map((_, index) => index + 103));
    expect(encrypter.running).toBe(2);
  });

  it('returns undefined for a key off the curve and continues', async () => {
    const encrypter = start(1);
    const job = { plaintext: Buffer.from('a'), ...subscription() };
    const bad = { ...job, userPublicKey: Buffer.alloc(65, 4) };
    const bodies = await Promise.all([bad, job].map((each) => encrypter.encrypt(each)));
    expect(bodies.map((body) => body?.length)).toEqual([undefined, 104]);
  });

  it('ends its threads with the last user and starts them for the next', async () => {
    const encrypter = start(1);
    encrypter.retain();
    const job = { plaintext: Buffer.from('a'), ...subscription() };
    await encrypter.encrypt(job);
    await encrypter.close();
    expect(encrypter.running).toBe(1);
    await encrypter.close();
    expect(encrypter.running).toBe(0);
    expect(await encrypter.retain().encrypt(job)).toHaveLength(104);
  });

  it('rejects jobs that are open at the close', async () => {
    const encrypter = start(1);
    const lost = encrypter.encrypt({ plaintext: Buffer.from('a'), ...subscription() });
    await Promise.all([expect(lost).rejects.toThrow('closed'), encrypter.close()]);
  });
});
