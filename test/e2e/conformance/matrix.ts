/**
 * The push service's calls (docs/protocol/mobilefirst.md §9.2): the scope element beside `push.application.<id>`, and
 * every status except 401 and 403 (scopes.spec.ts), 500 and 503 (a part of ours is broken or unreachable). §9.1 names
 * 400, 404, 405 (wrong content type) and 406 for all calls; docs/compatibility.md lists our choices and additions.
 */
export const MATRIX: Readonly<Record<string, readonly [scope: string, ...statuses: number[]]>> = {
  'GET /apps/': ['apps.read', 200, 400, 406],
  'POST /apps/': ['apps.write', 201, 400, 405, 406, 409, 413],
  'GET …': ['apps.read', 200, 404, 406],
  // 409: the application has devices.
  'DELETE …': ['apps.write', 204, 400, 404, 406, 409],
  'GET …/status': ['apps.read', 200, 404, 406],
  'PUT …/status': ['apps.write', 200, 400, 404, 405, 406, 412, 413],

  'GET …/settings': ['settings.read', 200, 404, 406],
  'GET …/settings/apnsConf': ['apnsConf.read', 200, 404, 406],
  'PUT …/settings/apnsConf': ['apnsConf.write', 200, 400, 404, 405, 406, 412, 413],
  'DELETE …/settings/apnsConf': ['apnsConf.write', 204, 400, 404, 406, 412],
  'GET …/settings/apnsCert': ['apnsCert.read', 200, 404, 406, 409],
  'GET …/settings/gcmConf': ['gcmConf.read', 200, 404, 406],
  // MobileFirst's page of this call names apnsConf.write.
  'PUT …/settings/gcmConf': ['gcmConf.write or apnsConf.write', 200, 400, 404, 405, 406, 412, 413],
  'DELETE …/settings/gcmConf': ['gcmConf.write', 204, 400, 404, 406, 412],
  'GET …/settings/gcmConfPublic': ['gcmConfPublic.read', 200, 404, 406],
  'GET …/settings/wnsConf': ['wnsConf.read', 200, 404, 406],
  'PUT …/settings/wnsConf': ['wnsConf.write', 200, 400, 404, 405, 406, 412, 413],
  'DELETE …/settings/wnsConf': ['wnsConf.write', 204, 400, 404, 406, 412],
  // Carillon has no SMS.
  'GET …/settings/smsConf': ['smsConf.read', 404, 406],
  'PUT …/settings/smsConf': ['smsConf.write', 400, 404, 406],
  'DELETE …/settings/smsConf': ['smsConf.write', 404, 406],

  'GET …/devices': ['devices.read', 200, 400, 404, 406],
  'POST …/devices': ['devices.write', 201, 400, 404, 405, 406, 413],
  'GET …/devices/:deviceId': ['devices.read', 200, 404, 406],
  'PUT …/devices/:deviceId': ['devices.write', 200, 400, 404, 405, 406, 413],
  'DELETE …/devices/:deviceId': ['devices.write', 204, 404, 406],

  'GET …/subscriptions': ['subscriptions.read', 200, 400, 404, 406],
  // One tag 201, several 207, with action=delete 200.
  'POST …/subscriptions': ['subscriptions.write', 200, 201, 207, 400, 404, 405, 406, 409, 413],
  'DELETE …/subscriptions': ['subscriptions.write', 204, 400, 404, 406],
  'GET …/subscriptions/:subscriptionId': ['subscriptions.read', 200, 404, 406],
  'DELETE …/subscriptions/:subscriptionId': ['subscriptions.write', 204, 404, 406],

  'GET …/tags': ['tags.read', 200, 400, 404, 406],
  'POST …/tags': ['tags.write', 201, 400, 404, 405, 406, 409, 413],
  'GET …/tags/:tagName': ['tags.read', 200, 400, 404, 406],
  'PUT …/tags/:tagName': ['tags.write', 200, 400, 404, 405, 406, 413],
  'DELETE …/tags/:tagName': ['tags.write', 204, 404, 406],

  // Any content type except NDJSON. 200: a dry run.
  'POST …/messages': ['messages.write', 200, 202, 400, 404, 405, 406, 409, 413],
  'POST …/messages/bulk': ['messages.write', 202, 400, 404, 405, 406, 409, 413],
  'GET …/messages/:messageId': ['messages.read', 200, 404, 406],
  // 200: with the counts of the cancel.
  'DELETE …/messages/:messageId': ['messages.write', 200, 204, 400, 404, 406, 409],

  'POST …/webhooks': ['webhooks.write', 200, 400, 404, 405, 406, 409, 413],
  'PUT …/webhooks/:name': ['webhooks.write', 200, 400, 404, 405, 406, 412, 413],
  'DELETE …/webhooks/:name': ['webhooks.write', 204, 400, 404, 406, 412],

  'GET /health/status': ['', 200, 406],
  'GET /swagger.json': ['', 200],
};

/** Calls of §9.2 that only IBM's cloud service had: 404 (docs/compatibility.md). */
export const NOT_OFFERED: readonly string[] = [
  ...['chromeWebConf', 'firefoxWebConf', 'safariWebConf', 'chromeAppExtConf'].flatMap((conf) =>
    ['GET', 'PUT', 'DELETE'].map((method) => `${method} …/settings/${conf}`),
  ),
  'GET …/settings/chromeAppExtConfPublic',
  'GET …/settings/webpushServerKey',
  'GET …/messages/:messageId/status',
  'GET …/messages/:messageId/deliverystatus',
  'GET …/messages/:messageId/report',
];
