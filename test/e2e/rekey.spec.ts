import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { runToEnd } from '../harness/carillon.js';
import { Deployment } from '../harness/deployment.js';
import { SERVERS } from './stages.js';

/** A change of the master key while processes run, as docs/operations.md describes it. */

describe.skipIf(SERVERS === null)('a change of the master key', () => {
  let deployment: Deployment;
  afterEach(() => deployment.stop());

  const next = randomBytes(32).toString('base64');

  it('under load loses nothing, and says when the key before is no longer needed', async () => {
    deployment = await Deployment.start(SERVERS!, 200);
    const before = deployment.environment.MASTER_KEY!;
    const both = (current: string, other: string) => ({ MASTER_KEY: current, MASTER_KEY_PREVIOUS: other });
    const rekey = (keys: Record<string, string>) => runToEnd({ ...deployment.environment, ...keys }, 'rekey');
    let { api } = deployment;
    let worker = await deployment.startProcess('worker');

    const sent: string[] = [];
    const send = async (): Promise<void> => {
      const messageId = await api.send({ message: { alert: 'On and on' }, target: { deviceIds: ['device-1'] } });
      sent.push(messageId);
      await api.waitFor(messageId, ({ state }) => state === 'finished');
    };
    /** Returns the function that ends it. */
    const sendOnAndOn = (): (() => Promise<void>) => {
      let isOver = false;
      const sending = (async () => {
        while (!isOver) await send();
      })();
      return () => ((isOver = true), sending);
    };
    const addSecrets = async (name: string): Promise<void> => {
      const webhook = { name, url: 'https://hooks.example.com/', eventTypes: 'onDeviceRegister' };
      expect((await api.app('POST', '/webhooks', webhook)).status).toBe(200);
    };

    let stopSending = sendOnAndOn();
    // The first api process keeps the key before; the worker and a second api process follow the procedure.
    await addSecrets('sealed-with-one-key');
    for (const keys of [both(before, next), both(next, before)]) {
      const replaced = worker;
      worker = await deployment.startProcess('worker', keys);
      await replaced.stop();
    }
    const second = await deployment.startProcess('api,scheduler', both(next, before));
    const early = await rekey(both(next, before));
    expect(early.output).toMatch(/put under MASTER_KEY \(key [0-9a-f]{16}\): [1-9]/);
    expect(early.output).toMatch(/api and scheduler on \S+ still seals under another key/);
    expect(early.code).toBe(1);
    await addSecrets('sealed-meanwhile');
    await stopSending();
    api = await Api.connect(second.url, api.applicationId);
    stopSending = sendOnAndOn();
    await deployment.first.stop();
    const last = await rekey(both(next, before));
    expect(last.output).toMatch(/put under MASTER_KEY \(key [0-9a-f]{16}\): [1-9]/);
    expect(last.output).toContain('Every stored secret is under MASTER_KEY: MASTER_KEY_PREVIOUS is no longer needed');
    expect(last.code).toBe(0);
    await stopSending();

    // Without the key before everything opens.
    const checked = await runToEnd({ ...deployment.environment, MASTER_KEY: next }, 'check');
    expect(checked.output).toMatch(/ok {7}master key {3}[0-9a-f]{16}, opens all stored secrets \([1-9]\d*\)/);
    expect(checked.code).toBe(0);
    await Promise.all([worker.stop(), second.stop()]);
    await deployment.startProcess('worker', { MASTER_KEY: next });
    const { url } = await deployment.startProcess('api,scheduler', { MASTER_KEY: next });
    api = await Api.connect(url, api.applicationId);
    await send();
    for (const each of sent) expect(await deployment.received(each)).toBe(1);
  });

  it('to a key that does not open the stored secrets is one line, and sends nothing', async () => {
    deployment = await Deployment.start(SERVERS!, 1);
    const wrong = { ...deployment.environment, MASTER_KEY: next };
    const { code, output } = await runToEnd({ ...wrong, PORT: '0' });
    expect(code).toBe(1);
    expect(output).toMatch(/^carillon: MASTER_KEY does not open signing_key\/\S+: [^\n]+\n$/);
    const rekeyed = await runToEnd(wrong, 'rekey');
    expect(rekeyed.code).toBe(1);
    expect(rekeyed.output).toContain('open under neither key');
    const checked = await runToEnd(wrong, 'check');
    expect(checked.output).toMatch(/FAILED {3}master key {3}MASTER_KEY does not open/);
    expect(checked.code).toBe(1);
  });
});
