import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admin } from '../harness/admin.js';
import type { ListedClient } from '../harness/admin.js';
import { Api, requestToken } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { STAGES } from './stages.js';

/** Clients that are deleted or disabled, with their campaigns and messages. */

const APPLICATION = 'com.example.app';
const SCOPE = `messages.* campaigns.* push.application.${APPLICATION}`;
const TOMORROW = new Date(Date.now() + 86_400_000).toISOString();

interface Planted {
  clientId: string;
  applicationId: string;
  campaigns: { count: number; ids: string[] };
  messages: { count: number; ids: string[] };
  stopped?: { campaigns: number; messages: number };
}

describe.each(STAGES)('on $name', (stage) => {
  let carillon: RunningCarillon;
  let clean = (): void => undefined;
  let admin: Admin;
  let api: Api;
  let count = 0;

  beforeAll(async () => {
    const prepared = await stage.prepare();
    clean = prepared.clean;
    carillon = await startCarillon(prepared.environment);
    admin = new Admin(carillon.url);
    api = await Api.connect(carillon.url);
  });
  afterAll(async () => {
    await carillon?.stop();
    clean();
  });

  /** A client with an active campaign, a draft, and messages for tomorrow: two, and one per further call. */
  async function plant(messages = 2) {
    const id = `sender-${count++}`;
    const secret = await admin.addClient(id, SCOPE);
    const { access_token: token } = (await (await requestToken(carillon.url, { id, secret, scope: SCOPE })).json()) as {
      access_token: string;
    };
    const call = async <T>(path: string, body: unknown): Promise<T> => {
      const answer = await fetch(`${carillon.url}/imfpush/v1/apps/${APPLICATION}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      return (await answer.json()) as T;
    };
    const campaign = {
      name: 'Digest',
      content: { message: { alert: 'hi' } },
      schedule: { cron: '0 9 * * MON', timeZone: 'Europe/Berlin' },
    };
    const { campaignId } = await call<{ campaignId: string }>('/campaigns', campaign);
    await call(`/campaigns/${campaignId}/activate`, undefined);
    await call('/campaigns', campaign);
    const { messages: sent } = await call<{ messages: { messageId: string }[] }>(
      '/messages/bulk',
      Array.from({ length: messages }, () => ({ message: { alert: 'later' }, sendAt: TOMORROW })),
    );
    return { id, campaignId, messageIds: sent.map(({ messageId }) => messageId) };
  }

  const statesOf = async (planted: { campaignId: string; messageIds: string[] }) => ({
    campaign: (await api.app<{ state: string }>('GET', `/campaigns/${planted.campaignId}`)).body.state,
    messages: await Promise.all(planted.messageIds.map(async (id) => (await api.message(id)).state)),
  });

  it('messages and campaigns name their client, singly and in lists, and lists can filter by clientId', async () => {
    const { id, campaignId, messageIds } = await plant();
    expect((await api.app('GET', `/messages/${messageIds[0]}`)).body).toMatchObject({ clientId: id });
    expect((await api.app('GET', `/campaigns/${campaignId}`)).body).toMatchObject({ clientId: id });
    const { body: listed } = await api.app<{ messages: { messageId: string; clientId: string }[] }>(
      'GET',
      `/messages?clientId=${id}`,
    );
    expect(listed.messages.map(({ messageId }) => messageId).toSorted()).toEqual(messageIds.toSorted());
    expect(new Set(listed.messages.map(({ clientId }) => clientId))).toEqual(new Set([id]));
    const { body: campaigns } = await api.app<{ campaigns: { clientId: string }[] }>(
      'GET',
      `/campaigns?clientId=${id}`,
    );
    expect(campaigns.campaigns.map(({ clientId }) => clientId)).toEqual([id, id]);
    expect((await api.app('GET', '/messages?clientId=nothing-of-it')).body).toEqual({ messages: [] });
    for (const path of ['/messages', '/campaigns'])
      expect(await api.app('GET', `${path}?clientId=a:b`)).toMatchObject({ status: 400, body: { code: 'FPWSE0005E' } });
  });

  it("DELETE reports the client's messages and campaigns and keeps them; with stopMessages it stops them, later too", async () => {
    const planted = await plant();
    const { id, campaignId, messageIds } = planted;
    const path = `/confidentialclients/${id}`;
    expect(await admin.call('DELETE', `${path}?stopMessage=true`)).toMatchObject({ status: 400 });
    const told = {
      clientId: id,
      applicationId: APPLICATION,
      campaigns: { count: 1, ids: [campaignId] },
      messages: { count: 2, ids: messageIds },
    };
    expect(await admin.call('DELETE', path)).toMatchObject({ status: 200, body: { planted: [told] } });
    expect(await statesOf(planted)).toEqual({ campaign: 'active', messages: ['scheduled', 'scheduled'] });
    expect(await admin.call('DELETE', path)).toMatchObject({ status: 404 });
    const stopped = { ...told, stopped: { campaigns: 1, messages: 2 } };
    expect(await admin.call('DELETE', `${path}?stopMessages=true`)).toMatchObject({
      status: 200,
      body: { planted: [stopped] },
    });
    expect(await statesOf(planted)).toEqual({ campaign: 'paused', messages: ['cancelled', 'cancelled'] });
    expect((await api.app('GET', `/campaigns/${campaignId}`)).body).toMatchObject({
      stateReason: `the client ${id} was deleted or disabled`,
      stateReasonCode: 'clientGone',
    });
    expect(await admin.call('DELETE', `${path}?stopMessages=true`)).toMatchObject({ status: 404 });
    const { body } = await admin.call<{ events: unknown[] }>('GET', '/auditevents?size=1');
    expect(body.events[0]).toMatchObject({
      action: 'client.stop_messages',
      subject: id,
      clientId: 'test',
      detail: { applicationId: APPLICATION, campaigns: 1, messages: 2 },
    });
  });

  it('stops more messages than one step takes, and reports twenty of their ids', async () => {
    const planted = await plant(250);
    const { body } = await admin.call<{ planted: Planted[] }>(
      'DELETE',
      `/confidentialclients/${planted.id}?stopMessages=true`,
    );
    expect(body.planted[0]).toMatchObject({
      messages: { count: 250, ids: planted.messageIds.slice(0, 20) },
      stopped: { campaigns: 1, messages: 250 },
    });
    const { body: left } = await api.app('GET', `/messages?state=scheduled&clientId=${planted.id}`);
    expect(left).toEqual({ messages: [] });
  });

  it('disabling a client reports the same, and stops them if asked; other changes do not', async () => {
    const planted = await plant();
    const path = `/confidentialclients/${planted.id}`;
    expect((await admin.call('PATCH', path, { displayName: 'Shop' })).body).not.toHaveProperty('planted');
    expect(await admin.call('PATCH', `${path}?stopMessages=true`, { displayName: 'Shop' })).toMatchObject({
      status: 400,
      body: { code: 'FPWSE0005E', message: expect.stringContaining('stopMessages') as string },
    });
    const { body: told } = await admin.call<{ enabled: boolean; planted: Planted[] }>('PATCH', path, {
      enabled: false,
    });
    expect(told.enabled).toBe(false);
    expect(told.planted).toMatchObject([{ campaigns: { count: 1 }, messages: { count: 2 } }]);
    expect(told.planted[0]).not.toHaveProperty('stopped');
    await admin.call('PATCH', `${path}?stopMessages=true`, { enabled: false });
    expect(await statesOf(planted)).toEqual({ campaign: 'paused', messages: ['cancelled', 'cancelled'] });
    expect((await admin.call('PATCH', path, { enabled: false })).body).not.toHaveProperty('planted');
  });

  it('a list that leaves a client out or disables it reports and stops its messages as well', async () => {
    const [left, disabled] = [await plant(), await plant()];
    const { body } = await admin.call<{ clients: ListedClient[] }>('GET', '/confidentialclients');
    const clients = body.clients
      .filter(({ id }) => id !== left.id)
      .map((client) => (client.id === disabled.id ? { ...client, enabled: false } : client));
    const answer = await admin.call<{ ok: boolean; planted: Planted[] }>(
      'PUT',
      '/confidentialclients?async=false&stopMessages=true',
      { clients },
    );
    expect(answer.body.ok).toBe(true);
    expect(answer.body.planted.map(({ clientId, stopped }) => [clientId, stopped])).toEqual([
      [left.id, { campaigns: 1, messages: 2 }],
      [disabled.id, { campaigns: 1, messages: 2 }],
    ]);
    for (const planted of [left, disabled])
      expect(await statesOf(planted)).toEqual({ campaign: 'paused', messages: ['cancelled', 'cancelled'] });
    expect((await admin.call('PUT', '/confidentialclients', { clients })).body).not.toHaveProperty('planted');
  });

  it("reports messages without stopping them if the administrator's scope does not cover them", async () => {
    const planted = await plant();
    const narrow = `${SCOPE} mfpadmin`.replace(APPLICATION, `${APPLICATION}.other`);
    const secret = await admin.addClient('deputy', narrow);
    const deputy = new Admin(carillon.url, `Basic ${Buffer.from(`deputy:${secret}`).toString('base64')}`);
    const path = `/confidentialclients/${planted.id}`;
    expect(await deputy.call('DELETE', `${path}?stopMessages=true`)).toMatchObject({ status: 403 });
    await admin.call('DELETE', path);
    const { body } = await deputy.call<{ planted: Planted[] }>('DELETE', `${path}?stopMessages=true`);
    expect(body.planted).toMatchObject([{ clientId: planted.id, messages: { count: 2 } }]);
    expect(body.planted[0]).not.toHaveProperty('stopped');
    expect(await statesOf(planted)).toEqual({ campaign: 'active', messages: ['scheduled', 'scheduled'] });
  });
});
