import { GONE, inData, land, row, type Landing, type Row } from './row.js';

/** `settings.gcm`, for Android: FCM and Push Kit's two forms. */
function gcm(field: string, value: unknown, lands: Landing | string, given: object = {}): Row {
  return row(`settings.gcm.${field}`, value, lands, { settings: { gcm: given } });
}

const PICTURE = 'https://example.com/p.png';
const IMAGE: Landing = {
  fcm: { 'android.notification.image': PICTURE },
  hms: { 'android.notification.image': PICTURE },
  harmony: { 'payload.notification.image': PICTURE },
};

function onAndroid(fields: Record<string, unknown>): Landing {
  return { fcm: fields, hms: fields };
}

function onHarmonyTap(name: string): string {
  return `payload.notification.clickAction.data.data > ${name}`;
}

const LIGHT = 'android.notification.light_settings';

export const GCM_ROWS: readonly Row[] = [
  // 1 + the first 31 bits of SHA-256("k") modulo 100.
  gcm('collapseKey', 'k', {
    fcm: { 'android.collapse_key': 'k' },
    hms: { 'android.collapse_key': 33 },
    harmony: { 'pushOptions.collapseKey': 33 },
  }),
  gcm('delayWhileIdle', true, 'ignored: it has no meaning in FCM v1'),
  gcm(
    'payload',
    { from: 'x', order: 7, nid: 'mine' },
    {
      fcm: { 'data.payload > from': 'x', 'data.payload > order': 7 },
      hms: { 'data > payload.from': 'x', 'data > payload.order': 7 },
      harmony: { [onHarmonyTap('payload.from')]: 'x', [onHarmonyTap('payload.order')]: 7 },
    },
  ),
  gcm('timeToLive', 60, { ...onAndroid({ 'android.ttl': '60s' }), harmony: { 'pushOptions.ttl': 60 } }),
  gcm('sound', 'ping.mp3', {
    fcm: { 'android.notification.sound': 'ping.mp3' },
    hms: { 'android.notification.sound': '/raw/ping' },
  }),
  gcm('sound', 'default', {
    fcm: { 'android.notification.sound': 'default' },
    hms: { 'android.notification.default_sound': true },
  }),
  gcm(
    'priority',
    'max',
    land(inData('priority', 'max'), { fcm: { 'android.notification.notification_priority': 'PRIORITY_MAX' } }),
  ),
  gcm(
    'priority',
    'low',
    land(inData('priority', 'low'), {
      fcm: { 'android.priority': 'NORMAL', 'android.notification.notification_priority': 'PRIORITY_LOW' },
      hms: { 'android.urgency': 'NORMAL', 'android.notification.importance': 'LOW' },
    }),
  ),
  gcm(
    'sync',
    true,
    land(inData('sync', true), {
      fcm: { 'android.priority': 'NORMAL' },
      hms: { 'android.urgency': 'NORMAL' },
    }),
  ),
  gcm('visibility', 'secret', onAndroid({ 'android.notification.visibility': 'SECRET' })),
  gcm('redact', 'hidden', inData('redact', 'hidden')),
  gcm('bridge', false, land(inData('bridge', false), { fcm: { 'android.notification.local_only': true } })),
  gcm('category', 'msg', inData('category', 'msg')),
  gcm('interactiveCategory', 'yesno', inData('interactiveCategory', 'yesno')),
  gcm(
    'lights.ledArgb',
    'Red',
    land(
      inData('lights.ledArgb', 'Red'),
      onAndroid({
        [`${LIGHT}.color.red`]: 1,
        [`${LIGHT}.color.green`]: 0,
        [`${LIGHT}.color.blue`]: 0,
        [`${LIGHT}.color.alpha`]: 1,
        [`${LIGHT}.light_on_duration`]: '0.5s',
        [`${LIGHT}.light_off_duration`]: '1s',
      }),
    ),
    { lights: { ledOnMs: 500 } },
  ),
  gcm(
    'lights.ledOnMs',
    250,
    land(inData('lights.ledOnMs', 250), onAndroid({ [`${LIGHT}.light_on_duration`]: '0.25s' })),
    { lights: { ledArgb: '#0033ff00' } },
  ),
  gcm(
    'lights.ledOffMs',
    '1500',
    land(inData('lights.ledOffMs', 1_500), onAndroid({ [`${LIGHT}.light_off_duration`]: '1.5s' })),
    { lights: { ledArgb: 'red' } },
  ),
  gcm('style.notification_type', 'picture_notification', land(inData('style.type', 'picture_notification'), IMAGE), {
    style: { url: PICTURE },
  }),
  gcm('style.type', 'PICTURE_NOTIFICATION', land(inData('style.type', 'PICTURE_NOTIFICATION'), IMAGE), {
    style: { url: PICTURE },
  }),
  gcm('style.url', PICTURE, land(inData('style.url', PICTURE), IMAGE), { style: { type: 'PICTURE_NOTIFICATION' } }),
  gcm(
    'style.title',
    'Long',
    land(inData('style.title', 'Long'), { hms: { 'android.notification.big_title': 'Long' } }),
    { style: { type: 'BIGTEXT_NOTIFICATION', text: 'text' } },
  ),
  gcm(
    'style.text',
    'A long text',
    land(inData('style.text', 'A long text'), {
      hms: {
        'android.notification.style': 1,
        'android.notification.big_title': 'Hi',
        'android.notification.big_body': 'A long text',
      },
    }),
    { style: { type: 'BIGTEXT_NOTIFICATION' } },
  ),
  gcm(
    'style.lines',
    ['1', '2', '3', '4', '5', '6'],
    land(inData('style.lines', ['1', '2', '3', '4', '5', '6']), {
      hms: { 'android.notification.style': 3, 'android.notification.inbox_content': ['1', '2', '3', '4', '5'] },
      harmony: { 'payload.notification.style': 3, 'payload.notification.inboxContent': ['1', '2', '3'] },
    }),
    { style: { type: 'INBOX_NOTIFICATION' } },
  ),
  gcm('type', 'DEFAULT', inData('type', 'DEFAULT')),
  gcm(
    'type',
    'SILENT',
    {
      fcm: {
        'android.collapse_key': GONE,
        'android.priority': 'NORMAL',
        'data.type': 'SILENT',
        'android.notification.body': GONE,
        'android.notification.tag': GONE,
        'android.notification.sound': GONE,
      },
      hms: {
        'android.urgency': 'NORMAL',
        'data > type': 'SILENT',
        'notification.title': GONE,
        'notification.body': GONE,
        'android.notification.click_action.type': GONE,
        'android.notification.tag': GONE,
        'android.notification.sound': GONE,
      },
      harmony: {
        'push-type': '6',
        'payload.extraData > nid': 'fnDWK8bG',
        'payload.extraData > alert': 'Hi',
        'payload.extraData > type': 'SILENT',
        'payload.extraData > payload.nid': 'fnDWK8bG',
        'payload.notification.category': GONE,
        'payload.notification.title': GONE,
        'payload.notification.body': GONE,
        'payload.notification.notifyId': GONE,
        'payload.notification.clickAction.actionType': GONE,
        [onHarmonyTap('nid')]: GONE,
        [onHarmonyTap('alert')]: GONE,
        [onHarmonyTap('payload.nid')]: GONE,
      },
    },
    { sound: 'ping' },
  ),
  gcm('icon', 'bell', { fcm: { 'android.notification.icon': 'bell' } }),
  gcm('androidTitle', 'T', {
    fcm: { 'android.notification.title': 'T' },
    hms: { 'notification.title': 'T' },
    harmony: { 'payload.notification.title': 'T' },
  }),
  gcm('groupId', 'g', land(inData('groupId', 'g'), { hms: { 'android.notification.group': 'g' } })),
  gcm('channelId', 'news', onAndroid({ 'android.notification.channel_id': 'news' })),
];
