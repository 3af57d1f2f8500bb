export const WEBHOOKS = '/imfpush/v1/apps/{applicationId}/webhooks';
export const READ = 'webhooks.read';
export const WRITE = 'webhooks.write';

export const webhooksKey = (applicationId: string): string[] => ['webhooks', applicationId];
