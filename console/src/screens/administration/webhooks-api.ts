import { api, bodyOf, versionOf } from '../../api/client';

export const WEBHOOKS = '/imfpush/v1/apps/{applicationId}/webhooks';
export const READ = 'webhooks.read';
export const WRITE = 'webhooks.write';

export const webhooksKey = (applicationId: string): string[] => ['webhooks', applicationId];

/** MobileFirst's types, then Carillon's own. */
export const EVENTS = [
  'onDeviceRegister',
  'onDeviceUpdate',
  'onDeviceUnregister',
  'onSubscribe',
  'onUnsubscribe',
  'message.accepted',
  'message.started',
  'message.paused',
  'message.cancelled',
  'message.finished',
  'delivery.accepted',
  'delivery.rejected',
  'delivery.failed',
  'delivery.expired',
  'delivery.unknown',
  'receipt.displayed',
  'receipt.opened',
  'receipt.dismissed',
  'receipt.action',
  'device.registered',
  'device.changed',
  'device.retired',
  'device.moved',
  'subscription.added',
  'subscription.removed',
  'provider.paused',
  'provider.resumed',
  'credential.expiring',
  'campaign.run.started',
  'campaign.run.finished',
  'campaign.run.skipped',
];

export function readWebhook(applicationId: string, name: string) {
  return versionOf(api.GET(`${WEBHOOKS}/{name}`, { params: { path: { applicationId, name } } }));
}

/** Refused with 412 if the webhook is no longer of this revision. */
export function deleteWebhook(applicationId: string, name: string, etag: string) {
  const params = { path: { applicationId, name }, header: { 'If-Match': etag } };
  return bodyOf(api.DELETE(`${WEBHOOKS}/{name}`, { params }));
}
