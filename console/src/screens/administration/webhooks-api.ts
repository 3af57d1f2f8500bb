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
  'device.registered',
  'device.changed',
  'device.retired',
  'device.moved',
  'subscription.added',
  'subscription.removed',
  'provider.paused',
  'provider.resumed',
  'campaign.run.started',
  'campaign.run.finished',
  'campaign.run.skipped',
];
