/** The requests that the audit has: a table of the routes that change or export something, pure. */

export interface Act {
  action: string;
  /**
   * The done requests that are recorded here. `noted`: those that the route notes (auth/noted-act.ts). `lines`: those
   * whose answer is NDJSON. `hourly`: the first of an hour, and then the number of further ones. `none`: the
   * transaction of the change records the act.
   */
  done: 'all' | 'noted' | 'lines' | 'hourly' | 'none';
  /** The member of the answer with the id of the new thing. */
  made?: string;
}

const APP = '/imfpush/v1/apps/{applicationId}';
const RUNTIME = '/mfpadmin/management-apis/2.0/runtimes/{runtimeName}';
const AZ = '/{runtimeName}/api/az/v1';
const PROVIDER_CONFS = ['apnsConf', 'fcmConf', 'gcmConf', 'hmsConf', 'upstreamConf', 'webPushConf', 'wnsConf'];

const all = (action: string, made?: string): Act => ({ action, done: 'all', ...(made !== undefined && { made }) });
/** Only its refusals are recorded here. */
const inChange = (action: string): Act => ({ action, done: 'none' });

/** By method and path of the API document; the routes of the console are not in that. */
export const ACTS: Readonly<Record<string, Act>> = {
  [`POST ${RUNTIME}/confidentialclients`]: inChange('client.create'),
  [`PUT ${RUNTIME}/confidentialclients`]: inChange('client.update'),
  [`PATCH ${RUNTIME}/confidentialclients/{clientId}`]: inChange('client.update'),
  [`DELETE ${RUNTIME}/confidentialclients/{clientId}`]: inChange('client.delete'),
  [`POST ${RUNTIME}/confidentialclients/{clientId}/secret`]: inChange('client.secret'),
  [`POST ${RUNTIME}/signingkeys`]: inChange('signing_key.rotate'),
  [`GET ${RUNTIME}/auditevents`]: { action: 'audit.read', done: 'hourly' },
  'GET /mfpadmin/management-apis/2.0/audit': { action: 'audit.read', done: 'hourly' },

  [`POST ${AZ}/token`]: inChange('sign_in'),
  [`POST ${AZ}/introspection`]: inChange('sign_in'),
  [`POST ${AZ}/revocation`]: inChange('sign_in'),
  'POST /console/api/session': inChange('sign_in'),
  'GET /console/api/people/callback': { action: 'sign_in', done: 'noted' },

  'POST /imfpush/v1/apps': all('application.create'),
  [`DELETE ${APP}`]: inChange('application.delete'),
  [`POST ${APP}/stop`]: inChange('application.stop'),
  [`DELETE ${APP}/stop`]: inChange('application.resume'),
  [`PUT ${APP}/status`]: inChange('application.update'),
  ...Object.fromEntries(
    PROVIDER_CONFS.flatMap((conf) => [
      [`PUT ${APP}/settings/${conf}`, inChange('provider_setting.put')],
      [`DELETE ${APP}/settings/${conf}`, inChange('provider_setting.delete')],
    ]),
  ),
  [`GET ${APP}/settings/apnsCert`]: all('certificate.export'),
  [`POST ${APP}/providers/{provider}/resume`]: all('provider.resume'),

  [`POST ${APP}/devices:import`]: all('device.import'),
  [`GET ${APP}/devices:export`]: all('device.export'),
  [`DELETE ${APP}/users/{userId}`]: inChange('user.delete'),
  [`POST ${APP}/tags`]: all('tag.create', 'name'),
  [`PUT ${APP}/tags/{tagName}`]: all('tag.update'),
  [`DELETE ${APP}/tags/{tagName}`]: all('tag.delete'),
  [`POST ${APP}/audiences`]: all('audience.create', 'name'),
  [`PUT ${APP}/audiences/{name}`]: all('audience.update'),
  [`DELETE ${APP}/audiences/{name}`]: all('audience.delete'),

  [`POST ${APP}/messages`]: { action: 'message.send', done: 'noted' },
  [`POST ${APP}/messages/bulk`]: { action: 'message.send', done: 'noted' },
  [`DELETE ${APP}/messages/{messageId}`]: all('message.cancel'),
  [`POST ${APP}/messages/{messageId}/approve`]: inChange('message.approve'),
  [`POST ${APP}/messages/{messageId}/pause`]: all('message.pause'),
  [`POST ${APP}/messages/{messageId}/resume`]: all('message.resume'),
  [`POST ${APP}/messages/{messageId}/resend`]: all('message.resend', 'messageId'),
  [`GET ${APP}/messages/{messageId}/deliveries`]: { action: 'delivery.export', done: 'lines' },

  [`POST ${APP}/campaigns`]: all('campaign.create', 'campaignId'),
  [`PUT ${APP}/campaigns/{campaignId}`]: all('campaign.update'),
  [`DELETE ${APP}/campaigns/{campaignId}`]: all('campaign.delete'),
  [`POST ${APP}/campaigns/{campaignId}/activate`]: all('campaign.activate'),
  [`POST ${APP}/campaigns/{campaignId}/approve`]: inChange('campaign.approve'),
  [`POST ${APP}/campaigns/{campaignId}/pause`]: all('campaign.pause'),
  [`POST ${APP}/campaigns/{campaignId}/resume`]: all('campaign.resume'),
  [`POST ${APP}/campaigns/{campaignId}/duplicate`]: all('campaign.create', 'campaignId'),
  [`POST ${APP}/campaigns/{campaignId}/run`]: all('campaign.run', 'runId'),
  [`POST ${APP}/campaigns/{campaignId}/test`]: all('campaign.test', 'messageId'),

  [`POST ${APP}/webhooks`]: all('webhook.create', 'name'),
  [`PUT ${APP}/webhooks/{name}`]: all('webhook.update'),
  [`DELETE ${APP}/webhooks/{name}`]: all('webhook.delete'),
  [`POST ${APP}/webhooks/{name}/secret`]: inChange('webhook.secret'),
  [`DELETE ${APP}/webhooks/{name}/secretBefore`]: inChange('webhook.secret'),
  [`POST ${APP}/webhooks/{name}/test`]: all('webhook.test'),
  [`POST ${APP}/webhooks/{name}/retry`]: all('webhook.retry'),
  [`POST ${APP}/webhooks/{name}/replay`]: inChange('webhook.replay'),
  [`PUT ${APP}/events/feed`]: all('event_feed.update'),
  [`GET ${APP}/events`]: { action: 'event.read', done: 'hourly' },
};
