import { beforeAll, describe, expect, it } from 'vitest';
import { Admin, RUNTIME } from '../harness/admin.js';
import { Api, requestToken } from '../harness/api.js';
import type { MessageReport } from '../harness/api.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from './stages.js';

const HELLO = { message: { alert: 'Hello' } };
const LATER = { at: ['2030-01-01T00:00:00Z'] };

interface CampaignBody {
  campaignId: string;
  state: string;
  stateReason?: string;
  revision: string;
  approvedBy?: string;
}

/** The sample application has five devices; a message or campaign to more than two waits. */
describe.each(STAGES)('approval on $name', (stage) => {
  const program = runProgram(stage);
  let other: Api;

  beforeAll(async () => {
    const { carillon, api } = program;
    const client = {
      id: 'approver',
      secret: 'hush',
      allowedScope: 'messages.* campaigns.* audiences.* push.application.*',
    };
    await new Admin(carillon.url).call('POST', '/confidentialclients', client);
    const token = await requestToken(carillon.url, { id: 'approver', secret: 'hush', scope: client.allowedScope });
    const { access_token: text } = (await token.json()) as { access_token: string };
    other = new Api(carillon.url, text, api.applicationId);
    await api.app('PUT', '/status', { enabled: true, approval: { above: 2 } });
  });

  const send = async (body: object): Promise<{ id: string; report: MessageReport; warnings: string[] }> => {
    const { body: answer } = await program.api.app<{ messageId: string; warnings?: string[] }>(
      'POST',
      '/messages',
      body,
    );
    return {
      id: answer.messageId,
      report: await program.api.message(answer.messageId),
      warnings: answer.warnings ?? [],
    };
  };
  const approve = (api: Api, id: string) => api.app('POST', `/messages/${id}/approve`);
  const events = async (action: string): Promise<unknown[]> => {
    const { carillon, api } = program;
    const answer = await fetch(`${carillon.url}${RUNTIME}/auditevents`, {
      headers: { authorization: api.authorization },
    });
    const { events: all } = (await answer.json()) as { events: { action: string; outcome: string; detail: object }[] };
    return all.filter((event) => event.action === action && event.outcome === 'done');
  };

  it('is part of the status of an application', async () => {
    expect((await program.api.app('GET', '/status')).body).toMatchObject({ approval: { above: 2 } });
  });

  it('a message to many waits until another client approves it, and is then sent', async () => {
    const { api } = program;
    const { id, report, warnings } = await send(HELLO);
    expect(report).toMatchObject({ state: 'awaitingApproval', audience: 0 });
    expect(warnings.join()).toContain('approval');
    expect(await approve(api, id)).toMatchObject({ status: 403, body: { code: 'CARIL0403E' } });
    expect((await api.app('POST', `/messages/${id}/pause`)).status).toBe(409);
    const list = await api.app<{ messages: { messageId: string }[] }>('GET', '/messages?state=awaitingApproval');
    expect(list.body.messages.map(({ messageId }) => messageId)).toEqual([id]);
    expect((await approve(other, id)).status).toBe(204);
    expect(await api.waitFor(id)).toMatchObject({ audience: 5, approvedBy: 'approver' });
    expect(await approve(other, id)).toMatchObject({ status: 409 });
    expect(await events('message.approve')).toMatchObject([
      { clientId: 'approver', detail: { messageId: id, sentBy: 'test' } },
    ]);
  });

  it('a message to few, and each of a bulk to few, does not wait', async () => {
    const { api } = program;
    const few = await api.waitFor(await api.send({ ...HELLO, target: { userIds: ['anna'] } }));
    expect(few).toMatchObject({ state: 'finished', audience: 2 });
    const bulk = await api.app<{ messages: { messageId: string }[] }>('POST', '/messages/bulk', [
      { ...HELLO, target: { userIds: ['anna'] } },
      HELLO,
    ]);
    const [first, second] = bulk.body.messages;
    await api.waitFor(first!.messageId);
    expect(await api.message(second!.messageId)).toMatchObject({ state: 'awaitingApproval' });
    expect((await api.app('DELETE', `/messages/${second!.messageId}`)).status).toBe(204);
    expect(await api.message(second!.messageId)).toMatchObject({ state: 'cancelled' });
    expect((await approve(other, second!.messageId)).status).toBe(409);
  });

  it('a message whose sendAt passes meanwhile is sent at the approval, and one that expires is never sent', async () => {
    const { api } = program;
    const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
    const late = await send({ ...HELLO, sendAt: soon(1_000) });
    const scheduled = await send({ ...HELLO, sendAt: soon(3_600_000) });
    const lost = await send({ ...HELLO, ttl: 1 });
    expect(await api.waitFor(lost.id, ({ state }) => state === 'expired')).toMatchObject({ audience: 0 });
    expect(await approve(other, lost.id)).toMatchObject({ status: 409 });
    expect(await api.message(late.id)).toMatchObject({ state: 'awaitingApproval' });
    await approve(other, late.id);
    expect(await api.waitFor(late.id)).toMatchObject({ audience: 5 });
    await approve(other, scheduled.id);
    expect(await api.message(scheduled.id)).toMatchObject({ state: 'scheduled' });
  });

  const make = async (target?: object, schedule: object = LATER): Promise<string> => {
    const campaign = { name: 'c', content: HELLO, schedule, target };
    const { body } = await program.api.app<CampaignBody>('POST', '/campaigns', campaign);
    return `/campaigns/${body.campaignId}`;
  };
  const read = async (path: string): Promise<CampaignBody> => (await program.api.app<CampaignBody>('GET', path)).body;

  it('a campaign waits for another client, and waits again when it is changed', async () => {
    const { api } = program;
    const path = await make();
    expect((await api.app('POST', `${path}/activate`)).body).toMatchObject({ state: 'awaitingApproval' });
    expect(await api.app('POST', `${path}/run`)).toMatchObject({ status: 409, body: { code: 'CARIL0409E' } });
    const { revision } = await read(path);
    expect(await api.app('POST', `${path}/approve`, { revision })).toMatchObject({ status: 403 });
    expect(await other.app('POST', `${path}/approve`, { revision: 'another' })).toMatchObject({ status: 412 });
    expect(await other.app('POST', `${path}/approve`, { revision })).toMatchObject({
      status: 200,
      body: { state: 'active', approvedBy: 'approver' },
    });
    const run = await api.app('POST', `${path}/run`);
    expect(run.status).toBe(202);
    expect(await events('campaign.approve')).toMatchObject([{ clientId: 'approver', detail: { authors: ['test'] } }]);
    // The client that approved changes it: the first client may not approve that, and nor may the second.
    const changed = { name: 'c', content: { message: { alert: 'Other' } }, schedule: LATER };
    expect((await other.app('PUT', path, changed)).body).toMatchObject({ state: 'awaitingApproval' });
    const next = (await read(path)).revision;
    for (const each of [api, other])
      expect(await each.app('POST', `${path}/approve`, { revision: next })).toMatchObject({ status: 403 });
    // Back to what was approved: nothing to approve.
    expect((await other.app('PUT', path, { ...changed, content: HELLO })).body).toMatchObject({ state: 'active' });
  });

  it('a campaign whose saved audience grows after the approval does not fire', async () => {
    const { api } = program;
    const ids = (...deviceIds: string[]) => ({ target: { deviceIds } });
    await api.app('POST', '/audiences', { name: 'grown', ...ids('anna-phone', 'anna-tablet', 'kiosk') });
    const everySecond = { cron: '* * * * * *' };
    const path = await make({ audience: 'grown' }, everySecond);
    await api.app('POST', `${path}/activate`);
    const { revision } = await read(path);
    expect((await other.app('POST', `${path}/approve`, { revision })).status).toBe(200);
    const runs = async (): Promise<{ runId: string; audience: number }[]> =>
      (await api.app<{ runs: { runId: string; audience: number }[] }>('GET', `${path}/runs`)).body.runs;
    await expect
      .poll(async () => (await runs()).some(({ audience }) => audience === 3), { timeout: 20_000 })
      .toBe(true);
    await other.app('PUT', '/audiences/grown', ids('anna-phone', 'anna-tablet', 'kiosk', 'ben-phone'));
    await expect.poll(async () => (await read(path)).state, { timeout: 20_000 }).toBe('awaitingApproval');
    expect((await runs()).every(({ audience }) => audience <= 3)).toBe(true);
    expect((await read(path)).stateReason).toContain('without approval');
    // The client that changed the audience may not approve it either.
    const next = { revision: (await read(path)).revision };
    expect((await other.app('POST', `${path}/approve`, next)).status).toBe(403);
    await api.app('DELETE', path);
  });

  it('a campaign to few is not held, and two editors of one are told', async () => {
    const { api } = program;
    const path = await make({ userIds: ['anna'] });
    expect((await api.app('POST', `${path}/activate`)).body).toMatchObject({ state: 'active' });
    const etag = (await api.app('GET', path)).headers.get('etag') ?? '';
    const change = { name: 'first', content: HELLO, schedule: LATER, target: { userIds: ['anna'] } };
    expect((await api.app('PUT', path, change, { 'if-match': etag })).status).toBe(200);
    const second = await api.app('PUT', path, { ...change, name: 'second' }, { 'if-match': etag });
    expect(second).toMatchObject({ status: 412, body: { code: 'CARIL0412E' } });
    expect(await api.app('PUT', path, change, { 'if-match': etag.slice(1) })).toMatchObject({ status: 400 });
    expect(await api.app('GET', path)).toMatchObject({ body: { name: 'first', state: 'active' } });
  });

  it('two editors of a webhook and of an application are told', async () => {
    const { api } = program;
    const hook = { url: 'https://hooks.example/', eventTypes: 'onSubscribe' };
    await api.app('POST', '/webhooks', { name: 'w', ...hook });
    const bodies: [path: string, body: object][] = [
      ['/webhooks/w', { ...hook, url: 'https://other.example/' }],
      ['/status', { enabled: true, strict: true }],
    ];
    for (const [path, body] of bodies) {
      const etag = (await api.app('GET', path)).headers.get('etag') ?? '';
      const put = () => api.app('PUT', path, body, { 'if-match': etag });
      const first = await put();
      expect(first.status).toBe(200);
      const second = await put();
      expect(second).toMatchObject({ status: 412, body: { code: 'CARIL0412E' } });
      expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
    }
    await api.app('PUT', '/status', { enabled: true, strict: false });
  });

  it('is not asked for later messages once the application asks for none', async () => {
    const { api } = program;
    expect((await api.app('PUT', '/status', { enabled: true, approval: null })).body).not.toHaveProperty('approval');
    expect(await api.waitFor(await api.send(HELLO))).toMatchObject({ state: 'finished', audience: 5 });
    const changes = await events('application.update');
    expect(changes.filter((each) => JSON.stringify(each).includes('approvalAbove'))).toMatchObject([
      { detail: { before: { approvalAbove: 2 }, after: { approvalAbove: null } } },
      { detail: { before: { approvalAbove: null }, after: { approvalAbove: 2 } } },
    ]);
  });
});
