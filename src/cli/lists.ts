import type { CliCommand } from './command.js';
import { EXIT, UsageError } from './command.js';

const MOST = 20;

export const why: CliCommand = async ({ words, carillon, terminal }) => {
  const found = await carillon().messages.why(words[0]!, words[1]!);
  const { deviceId, messageId, outcome, provider, reason, attempts, retryTime } = found;
  await terminal.show(found, [
    { device: deviceId, message: messageId, outcome, provider, reason, attempts, retryTime },
  ]);
  return EXIT.done;
};

/** A list in JSON is a line for each message, so that a reader may leave. */
export const messages: CliCommand = async ({ values, carillon, terminal }) => {
  const most = Number(values.limit ?? MOST);
  if (!Number.isInteger(most) || most < 1) throw new UsageError('--limit is not a number from 1 on');
  const label = values.label as string | undefined;
  const listed: object[] = [];
  for await (const message of carillon().messages.list({
    size: Math.min(most, 100),
    ...(label === undefined ? {} : { label }),
  })) {
    listed.push(message);
    if (listed.length === most) break;
  }
  const rows = listed as { messageId: string; state: string; audience: number; outcomes: Record<string, number> }[];
  await terminal.show(
    { messages: listed },
    rows.map(({ messageId, state, audience, outcomes, ...rest }) => {
      const { label, acceptedTime, alert } = rest as Record<string, string | undefined>;
      return {
        message: messageId,
        state,
        audience,
        accepted: outcomes.accepted,
        accepted_at: acceptedTime,
        label,
        alert,
      };
    }),
  );
  return EXIT.done;
};

export const campaigns: CliCommand = async ({ carillon, terminal }) => {
  const client = carillon();
  const all: { campaignId: string; name: string; state: string; nextTime?: string }[] = [];
  for (let after: string | undefined; ;) {
    const query = { limit: 100, ...(after === undefined ? {} : { after }) };
    const page = await client.request('get', '/imfpush/v1/apps/{applicationId}/campaigns', { query });
    all.push(...page.campaigns);
    if (page.campaigns.length < 100) break;
    after = page.campaigns.at(-1)!.campaignId;
  }
  const rows = all.map(({ campaignId, name, state, nextTime }) => ({
    campaign: campaignId,
    name,
    state,
    next: nextTime,
  }));
  await terminal.show({ campaigns: all }, rows);
  return EXIT.done;
};

export const clients: CliCommand = async ({ carillon, terminal }) => {
  const path = '/mfpadmin/management-apis/2.0/runtimes/{runtimeName}/confidentialclients';
  const listed = await carillon().request('get', path);
  const rows = listed.clients.map(({ id, displayName, enabled, allowedScope }) => ({
    client: id,
    name: displayName,
    enabled,
    scope: allowedScope,
  }));
  await terminal.show(listed, rows);
  return EXIT.done;
};

export const providers: CliCommand = async ({ carillon, terminal }) => {
  const listed = await carillon().request('get', '/imfpush/v1/apps/{applicationId}/providers');
  const rows = listed.providers.map(
    ({ provider, configured, pausedReason, ratePerSecond, lastSuccessTime, lastError }) => ({
      provider,
      configured,
      paused: pausedReason,
      rate: ratePerSecond,
      success: lastSuccessTime,
      error: lastError,
    }),
  );
  await terminal.show(listed, rows);
  return EXIT.done;
};
