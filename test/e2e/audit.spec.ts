import { describe, expect, it } from 'vitest';
import { Admin, RUNTIME, basic } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from './stages.js';

interface Event {
  time: string;
  action: string;
  outcome: string;
  clientId: string;
  subject: string;
  requestId?: string;
  detail: Record<string, unknown>;
}

/** The audit of acts of a running program; scopes.spec.ts goes through all routes. */
describe.each(STAGES)('the audit on $name', (stage) => {
  const program = runProgram(stage);
  const admin = (authorization?: string) => new Admin(program.carillon.url, authorization);

  async function events(filter: string): Promise<Event[]> {
    return (await admin().call<{ events: Event[] }>('GET', `/auditevents?${filter}`)).body.events;
  }

  it('has the visible settings before and after, and of the secret only that it changed', async () => {
    const { api } = program;
    const put = (clientSecret: string, packageSID: string) =>
      api.app('PUT', '/settings/wnsConf', { packageSID, clientSecret });
    await put('first-secret', 'ms-app://s-1-15-2-1-2-3');
    await put('first-secret', 'ms-app://s-1-15-2-1-2-4');
    await put('second-secret', 'ms-app://s-1-15-2-1-2-4');
    const found = await events('action=provider_setting.put');
    expect(found.map(({ detail }) => detail)).toEqual([
      { provider: 'wns', secret: 'changed' },
      {
        provider: 'wns',
        before: { packageSID: 'ms-app://s-1-15-2-1-2-3' },
        after: { packageSID: 'ms-app://s-1-15-2-1-2-4' },
      },
      expect.objectContaining({ provider: 'wns', before: {}, secret: 'set' }),
    ]);
    expect(JSON.stringify(found)).not.toMatch(/(first|second)-secret/);
  });

  it('has what changed in tags, audiences, webhooks, campaigns and approval, without texts, ids and paths', async () => {
    const { api } = program;
    const hook = (path: string, eventTypes: string) => ({ url: `https://hooks.example/${path}`, eventTypes });
    const campaign = (alert: string, more: object = {}) => ({
      name: 'Digest',
      content: { message: { alert } },
      target: { userIds: ['secret-ann'] },
      schedule: { cron: '0 9 * * 1', timeZone: 'Europe/Berlin' },
      ...more,
    });
    const audience = (...deviceIds: string[]) => ({ description: 'VIPs', target: { deviceIds } });
    await api.app('POST', '/tags', { name: 'told', description: 'Rain' });
    await api.app('PUT', '/tags/told', { description: 'Snow' });
    await api.app('PUT', '/tags/told', { description: 'Snow' });
    await api.app('POST', '/audiences', { name: 'vips', ...audience('secret-1') });
    await api.app('PUT', '/audiences/vips', audience('secret-1', 'secret-2'));
    await api.app('POST', '/webhooks', { name: 'told', ...hook('secret-a', 'onSubscribe') });
    await api.app('PUT', '/webhooks/told', hook('secret-b', 'onSubscribe,onUnsubscribe'));
    const made = await api.app<{ campaignId: string }>('POST', '/campaigns', campaign('secret text'));
    const path = `/campaigns/${made.body.campaignId}`;
    await api.app('PUT', path, campaign('secret text'));
    await api.app('PUT', path, campaign('another secret text', { policies: { dailyCap: 2 } }));
    await api.app('PUT', '/status', { enabled: 'true', approval: { above: 500 } });
    const told = async (action: string) => (await events(`action=${action}`)).map(({ detail }) => detail);
    expect(await told('tag.update')).toEqual([
      { tagName: 'told' },
      { tagName: 'told', before: { description: 'Rain' }, after: { description: 'Snow' } },
    ]);
    expect(await told('audience.update')).toEqual([
      { name: 'vips', before: { target: { deviceIds: '1 ids' } }, after: { target: { deviceIds: '2 ids' } } },
    ]);
    expect(await told('webhook.update')).toEqual([
      {
        name: 'told',
        url: 'changed',
        before: { eventTypes: ['onSubscribe'] },
        after: { eventTypes: ['onSubscribe', 'onUnsubscribe'] },
      },
    ]);
    const { campaignId } = made.body;
    expect(await told('campaign.update')).toEqual([
      { campaignId, content: 'changed', before: {}, after: { policies: { dailyCap: 2 } } },
      { campaignId },
    ]);
    expect((await told('application.update'))[0]).toEqual({
      before: { approvalAbove: null },
      after: { approvalAbove: 500 },
    });
    await api.app('PUT', '/status', { enabled: 'true', approval: null });
    expect(JSON.stringify(await events('subject=com.example.app'))).not.toContain('secret-');
    await api.app('DELETE', path);
  });

  it('has a broadcast and a bulk with one, and no message to few devices', async () => {
    const { api } = program;
    await api.send({ message: { alert: 'To few' }, target: { deviceIds: ['none-such'] } }).catch(() => undefined);
    const devices = Array.from({ length: 1_001 }, (_each, index) => ({
      deviceId: `many-${index}`,
      platform: 'A',
      token: `sandbox:accepted:many-${index}`,
    }));
    await api.registerDevices(devices);
    const before = await events('action=message.send');
    const few = await api.send({ message: { alert: 'To one' }, target: { deviceIds: ['many-1'] } });
    const broadcast = await api.send({ message: { alert: 'A broadcast' } });
    const bulk = await api.app<{ messages: { messageId: string }[] }>('POST', '/messages/bulk', [
      { message: { alert: 'One' }, target: { deviceIds: ['many-1'] } },
      { message: { alert: 'All' } },
    ]);
    expect(bulk.status).toBe(202);
    const found = await events('action=message.send');
    expect(found.slice(0, found.length - before.length).map(({ detail }) => detail)).toEqual([
      { messageId: bulk.body.messages[1]!.messageId, messages: 1 },
      { messageId: broadcast },
    ]);
    expect(JSON.stringify(found)).not.toContain(few);
    expect(JSON.stringify(found)).not.toContain('A broadcast');
  });

  it('has failed sign-ins: the first of a minute at once, without an id that is not known', async () => {
    const { url } = program.carillon;
    const signIn = (id: string, requestId: string) =>
      fetch(`${url}/mfp/api/az/v1/token`, {
        method: 'POST',
        headers: {
          authorization: basic(id, 'wrong'),
          'x-request-id': requestId,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials',
      });
    for (const each of ['first', 'second', 'third']) expect((await signIn('test', each)).status).toBe(400);
    await signIn('a-secret-in-the-wrong-field', 'fourth');
    const found = await events('action=sign_in');
    expect(found.map(({ clientId, outcome, requestId }) => [clientId, outcome, requestId])).toEqual([
      ['caller:unknown', 'refused', 'fourth'],
      ['test', 'refused', 'first'],
    ]);
    expect(JSON.stringify(found)).not.toContain('wrong-field');
  });

  it('is asked for the events of days and of times by fromDate and toDate', async () => {
    for (const name of ['first', 'second']) await program.api.app('POST', '/tags', { name });
    const [later, earlier] = await events('action=tag.create&size=2');
    const between = async (span: string) => (await events(`action=tag.create&${span}`)).map(({ subject }) => subject);
    const all = await between('size=1000');
    const today = earlier!.time.slice(0, 10);
    const day = (days: number) => new Date(Date.parse(today) + days * 86_400_000).toISOString().slice(0, 10);
    expect(await between(`fromDate=${today}&toDate=${day(1)}`)).toEqual(all);
    expect(await between(`fromDate=${day(2)}`)).toEqual([]);
    expect(await between(`toDate=${day(-1)}`)).toEqual([]);
    expect(await between(`fromDate=${earlier!.time}&toDate=${later!.time}`)).toHaveLength(2);
    // Two acts may be of one millisecond.
    const since = [later!, earlier!].filter(({ time }) => time >= later!.time);
    expect(await between(`fromDate=${later!.time}`)).toEqual(since.map(({ subject }) => subject));
    const wrong = await admin().call<{ productErrorCode: string }>('GET', '/auditevents?toDate=yesterday');
    expect([wrong.status, JSON.stringify(wrong.body)]).toEqual([400, expect.stringContaining('toDate')]);
  });

  it("is read as the lines of MobileFirst's audit log, oldest first", async () => {
    const read = (query: string) =>
      fetch(`${program.carillon.url}/mfpadmin/management-apis/2.0/audit${query}`, {
        headers: { authorization: basic('test', 'test'), accept: '*/*' },
      });
    for (const name of ['line-1', 'line-2']) await program.api.app('POST', '/tags', { name });
    const [later, earlier] = await events('action=tag.create&size=2');
    const answer = await read(`?fromDate=${earlier!.time}&toDate=${later!.time}`);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const text = await answer.text();
    expect(answer.headers.get('content-length')).toBe(String(text.length));
    const lines = text.trimEnd().split('\n');
    expect(lines.filter((line) => line.includes('createTag'))).toEqual(
      [earlier!, later!].map(({ time, clientId }) => `${time}|createTag|${clientId}|SUCCESS||mfp`),
    );
    const times = lines.map((line) => line.split('|')[0]);
    expect(times).toEqual(times.toSorted());
    expect((await read('?toDate=yesterday')).status).toBe(400);
  });

  it('has the readers of the audit once an hour, and each export', async () => {
    for (let page = 0; page < 3; page++) await events('size=1');
    for (let each = 0; each < 2; each++) {
      const headers = { authorization: basic('test', 'test'), accept: 'application/x-ndjson' };
      await (await fetch(`${program.carillon.url}${RUNTIME}/auditevents`, { headers })).text();
    }
    expect(await events('action=audit.read')).toHaveLength(1);
    expect(await events('action=audit.export')).toHaveLength(2);
  });

  it('has refusals of the state and of the revision', async () => {
    const { api } = program;
    expect((await api.app('DELETE', '')).status).toBe(409);
    const client = { id: 'audited', allowedScope: 'tags.read' };
    await admin().call('POST', '/confidentialclients', client);
    const taken = await admin().call('POST', '/confidentialclients', client);
    expect(taken.status).toBe(409);
    expect(await events('action=application.delete')).toMatchObject([{ outcome: 'refused', detail: { status: 409 } }]);
    expect(await events('subject=audited')).toMatchObject([
      { action: 'client.create', outcome: 'refused', detail: { status: 409 } },
      { action: 'client.create', outcome: 'done' },
    ]);
  });
});
