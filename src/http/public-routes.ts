/**
 * The routes of apps and backends, pure: those that PORT serves beside an ADMIN_PORT. Every other route administers the
 * installation or an application, so a route that is missing here is not public.
 */

const APP = '/imfpush/v1/apps/{applicationId}';
const AZ = '/{runtimeName}/api/az/v1';
const DEVICE = `${APP}/devices/{deviceId}`;
const MESSAGE = `${APP}/messages/{messageId}`;
const CAMPAIGN = `${APP}/campaigns/{campaignId}`;

/** Methods by path of the API document. */
export const PUBLIC_ROUTES: Readonly<Record<string, readonly string[]>> = {
  '/health/live': ['GET'],
  '/health/ready': ['GET'],
  '/health/status': ['GET'],
  '/imfpush/v1/health/status': ['GET'],
  [`${AZ}/jwks`]: ['GET'],
  [`${AZ}/token`]: ['POST'],
  [`${AZ}/introspection`]: ['POST'],
  [`${AZ}/revocation`]: ['POST'],

  [`${APP}/settings/gcmConfPublic`]: ['GET'],
  [`${APP}/settings/webPushConfPublic`]: ['GET'],
  [`${APP}/stats`]: ['GET'],
  [`${APP}/events`]: ['GET'],
  [`${APP}/events/feed`]: ['GET', 'PUT'],
  [`${APP}/devices`]: ['GET', 'POST'],
  [DEVICE]: ['GET', 'PUT', 'DELETE'],
  [`${DEVICE}/messages`]: ['GET'],
  [`${DEVICE}/token`]: ['POST'],
  [`${APP}/users/{userId}`]: ['GET', 'DELETE'],
  [`${APP}/subscriptions`]: ['GET', 'POST', 'DELETE'],
  [`${APP}/subscriptions/{subscriptionId}`]: ['GET', 'DELETE'],
  [`${APP}/tags`]: ['GET', 'POST'],
  [`${APP}/tags/{tagName}`]: ['GET', 'PUT', 'DELETE'],
  [`${APP}/audiences`]: ['GET', 'POST'],
  [`${APP}/audiences/{name}`]: ['GET', 'PUT', 'DELETE'],
  [`${APP}/audience:count`]: ['POST'],

  [`${APP}/messages`]: ['GET', 'POST'],
  [`${APP}/messages/bulk`]: ['POST'],
  [`${APP}/messages:render`]: ['POST'],
  [MESSAGE]: ['GET', 'PUT', 'DELETE'],
  [`${MESSAGE}/receipts`]: ['POST'],
  [`${MESSAGE}/receipts/bulk`]: ['POST'],
  [`${MESSAGE}/deliveries`]: ['GET'],
  [`${MESSAGE}/reasons`]: ['GET'],
  [`${MESSAGE}/renderings`]: ['GET'],
  [`${MESSAGE}/pause`]: ['POST'],
  [`${MESSAGE}/resume`]: ['POST'],
  [`${MESSAGE}/resend`]: ['POST'],

  [`${APP}/campaigns`]: ['GET', 'POST'],
  [`${APP}/campaigns:firings`]: ['GET'],
  [`${APP}/campaigns:shared`]: ['POST'],
  [`${APP}/campaigns:preview`]: ['POST'],
  [CAMPAIGN]: ['GET', 'PUT', 'DELETE'],
  [`${CAMPAIGN}/preview`]: ['GET'],
  [`${CAMPAIGN}/activate`]: ['POST'],
  [`${CAMPAIGN}/pause`]: ['POST'],
  [`${CAMPAIGN}/resume`]: ['POST'],
  [`${CAMPAIGN}/duplicate`]: ['POST'],
  [`${CAMPAIGN}/run`]: ['POST'],
  [`${CAMPAIGN}/runs`]: ['GET'],
  [`${CAMPAIGN}/runs/{runId}`]: ['GET'],
  [`${CAMPAIGN}/test`]: ['POST'],
};
