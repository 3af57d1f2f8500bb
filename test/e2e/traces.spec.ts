import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import { runProgram } from '../harness/program.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { EMBEDDED, STAGES } from './stages.js';

/** Spans of the built program under an SDK that is added by --import, as an operator adds one. */

const FLAGS = ['--import', fileURLToPath(new URL('../harness/traces.mjs', import.meta.url))];
const CALLER = 'b7ad6b7169203331';

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentId: string | null;
  attributes: Record<string, unknown>;
  status: { code: number };
}

/** Names with the names of their parents; `caller` for the span in the header. */
function treeIn(output: string, traceId: string): string[] {
  const list = spansIn(output).filter((span) => span.traceId === traceId);
  const nameOf = (id: string | null): string =>
    id === CALLER ? 'caller' : (list.find(({ spanId }) => spanId === id)?.name ?? 'none');
  return list.map(({ name, parentId }) => `${nameOf(parentId)} > ${name}`).toSorted();
}

function spansIn(output: string): Span[] {
  return [...output.matchAll(/^SPAN (.*)$/gm)].map(([, json]) => JSON.parse(json!) as Span);
}

let made = 0;
/** A trace id of its own for each request. */
const newTrace = (): string => `0af7651916cd43dd8448eb21${(0x1000_0000 + made++).toString(16)}`;

let simulators: RunningSimulators;
beforeAll(async () => void (simulators = await startSimulators()));
afterAll(() => simulators?.stop());

describe.each(STAGES)('on $name', (stage) => {
  const program = runProgram(stage, {
    flags: FLAGS,
    environment: () => ({ PROVIDER_CA_FILE: simulators.caPath ?? '', WEBHOOK_ALLOW_PRIVATE: 'true' }),
  });

  const spans = (): Span[] => spansIn(program.carillon.output());
  const spansOf = (traceId: string): Span[] => spans().filter((span) => span.traceId === traceId);
  const treeOf = (traceId: string): string[] => treeIn(program.carillon.output(), traceId);
  /** An application whose broadcasts are expanded into three batches. */
  let api: Api;
  beforeAll(async () => {
    await program.api.call('POST', '/apps', { applicationId: 'com.acme.traces' });
    api = await Api.connect(program.carillon.url, 'com.acme.traces');
    const line = (n: number): string =>
      JSON.stringify({ deviceId: `d-${n}`, platform: 'A', token: `sandbox:accepted:${n}` });
    const lines = Array.from({ length: 2_500 }, (_, n) => line(n)).join('\n');
    await api.raw('POST', '/devices:import', lines, { 'content-type': 'application/x-ndjson' });
  });
  const send = async (traceparent: string, body: object = {}): Promise<string> => {
    const id = await api.send({ message: { alert: 'a secret text' }, ...body }, { traceparent });
    await api.waitFor(id);
    return id;
  };
  const BATCHES = [1, 2, 3].flatMap(() => ['accept > deliver batch', 'deliver batch > send']);
  const TREE = [...BATCHES, 'accept > expand', 'caller > accept'].toSorted();

  it('a broadcast is one tree below the caller’s span: a span for each batch, with counts and without texts', async () => {
    const trace = newTrace();
    const messageId = await send(`00-${trace}-${CALLER}-01`);
    await expect.poll(() => treeOf(trace)).toEqual(TREE);
    const named = (name: string) => spansOf(trace).filter((span) => span.name === name);
    const of = { 'carillon.application': 'com.acme.traces' };
    expect(named('accept')[0]?.attributes).toEqual(of);
    expect(named('expand')[0]?.attributes).toMatchObject({ ...of, 'carillon.devices': 2_500, 'carillon.batches': 3 });
    for (const { attributes } of named('deliver batch'))
      expect(attributes).toMatchObject({ ...of, 'carillon.provider': 'sandbox', 'carillon.message': messageId });
    const accepted = named('send').map(({ attributes }) => attributes['carillon.accepted']);
    expect(accepted.toSorted()).toEqual([1_000, 1_000, 500]);
    expect(JSON.stringify(spansOf(trace))).not.toMatch(/secret|sandbox:/);
  });

  it('a caller that is not sampled has no span', async () => {
    const trace = newTrace();
    await send(`00-${trace}-${CALLER}-00`);
    const later = newTrace();
    await send(`00-${later}-${CALLER}-01`);
    await expect.poll(() => treeOf(later)).toEqual(TREE);
    expect(spansOf(trace)).toEqual([]);
  });

  it('a resend belongs to the trace of its own caller', async () => {
    const [first, second] = [newTrace(), newTrace()];
    await api.registerDevices([{ deviceId: 'refused', platform: 'A', token: 'sandbox:rejected:refused' }]);
    const target = { deviceIds: ['refused'] };
    const messageId = await send(`00-${first}-${CALLER}-01`, { target });
    const { body } = await api.app<{ messageId: string }>(
      'POST',
      `/messages/${messageId}/resend`,
      { outcomes: ['rejected', 'failed'] },
      { traceparent: `00-${second}-${CALLER}-01` },
    );
    await api.waitFor(body.messageId);
    const tree = ['accept > deliver batch', 'caller > accept', 'deliver batch > send'];
    await expect.poll(() => treeOf(second).filter((span) => !span.endsWith('expand'))).toEqual(tree);
    expect(treeOf(first)).toEqual(tree);
    expect(spansOf(second).find(({ name }) => name === 'deliver batch')?.attributes).toMatchObject({
      'carillon.message': body.messageId,
    });
  });

  it('a malformed header is ignored, and one of a later version is read', async () => {
    const trace = newTrace();
    await send(`00-${trace}-${CALLER}-01-more`);
    await send(`01-${trace}-${CALLER}-01-more`);
    await expect.poll(() => treeOf(trace)).toEqual(TREE);
  });

  it('each firing of a campaign is a trace of its own', async () => {
    const { body } = await program.api.app<{ campaignId: string }>('POST', '/campaigns', {
      name: 'Digest',
      content: { message: { alert: 'hi' } },
      schedule: { cron: '0 9 1 1 *', timeZone: 'Europe/Berlin' },
    });
    await program.api.app('POST', `/campaigns/${body.campaignId}/activate`);
    for (let n = 0; n < 5; n++)
      expect((await program.api.app('POST', `/campaigns/${body.campaignId}/run`)).status).toBeLessThan(300);
    const fired = (): Span[] =>
      spans().filter(
        ({ name, attributes }) => name === 'fire campaign' && attributes['carillon.campaign'] === body.campaignId,
      );
    // A device of the samples is accepted at its second try only.
    const tree = [
      'deliver batch > send',
      'fire campaign > deliver batch',
      'fire campaign > expand',
      'none > fire campaign',
    ];
    await expect
      .poll(() => fired().map(({ traceId }) => [...new Set(treeOf(traceId))]), { timeout: 20_000 })
      .toEqual([1, 2, 3, 4, 5].map(() => tree));
    expect(new Set(fired().map(({ traceId }) => traceId)).size).toBe(5);
  });

  it('a lot of a webhook is a span', async () => {
    const server = createServer((_request, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret`;
    await program.api.app('POST', '/webhooks', { name: 'crm', url, eventTypes: 'onDeviceRegister' });
    await program.api.app('POST', '/devices', { deviceId: 'd-1', platform: 'A', token: 'sandbox:accepted:d-1' });
    const found = (): Span[] => spans().filter(({ attributes }) => attributes['carillon.events'] === 1);
    await vi.waitFor(() => expect(found()).toHaveLength(1), { timeout: 10_000 });
    expect(found()[0]).toMatchObject({
      name: 'deliver webhook',
      parentId: null,
      attributes: { 'carillon.webhook': 'crm' },
    });
    expect(JSON.stringify(found())).not.toContain('secret');
    server.close();
  });

  it('a relay to the upstream is a span of the caller’s tree', async () => {
    const upstream = { baseUrl: simulators.mobilefirst.url, ...simulators.credentials.mobilefirst };
    expect((await program.api.app('PUT', '/settings/upstreamConf', upstream)).status).toBe(200);
    const trace = newTrace();
    const traceparent = `00-${trace}-${CALLER}-01`;
    await program.api.waitFor(await program.api.send({ message: { alert: 'hi' } }, { traceparent }));
    await expect
      .poll(() => treeOf(trace))
      .toEqual(['accept > deliver batch', 'caller > accept', 'deliver batch > relay']);
    await program.api.app('DELETE', '/settings/upstreamConf');
  });
});

it('each try of a batch is a span of one tree, also by a process that was started meanwhile', async () => {
  const { environment, clean } = await EMBEDDED.prepare();
  const processes = [await startCarillon(environment, FLAGS)];
  const trace = newTrace();
  const tree = (): string[] => treeIn(processes.map((process) => process.output()).join('\n'), trace);
  const tries = () => tree().filter((span) => span === 'deliver batch > send').length;
  const next = { timeout: 30_000, interval: 200 };
  try {
    const api = await Api.connect(processes[0]!.url);
    await api.registerDevices([{ deviceId: 'd', platform: 'A', token: 'sandbox:throttled-forever:d' }]);
    const body = { message: { alert: 'hi' }, target: { deviceIds: ['d'] } };
    await api.send(body, { traceparent: `00-${trace}-${CALLER}-01` });
    await expect.poll(tries, next).toBeGreaterThan(0);
    await processes[0]!.stop();
    const before = tries();
    processes.push(await startCarillon(environment, FLAGS));
    await expect.poll(tries, next).toBeGreaterThanOrEqual(Math.max(4, before + 1));
  } finally {
    await processes.at(-1)!.stop();
    clean();
  }
  const each = Array.from({ length: tries() }, () => ['accept > deliver batch', 'deliver batch > send']).flat();
  expect(tree()).toEqual([...each, 'caller > accept'].toSorted());
}, 120_000);
