import { GONE, row, type Received, type Row } from './row.js';

/** `settings.apns`, for Apple only. */
function apns(field: string, value: unknown, lands: Received | string, given: object = {}): Row {
  const landing = typeof lands === 'string' ? lands : { apns: lands };
  return row(`settings.apns.${field}`, value, landing, { settings: { apns: given } });
}

const SHOWN = {
  title: 'T',
  badge: 3,
  sound: 'ping.caf',
  interactiveCategory: 'yesno',
  apnsThreadId: 't',
  attachmentUrl: 'https://example.com/a.png',
  payload: { kept: true },
};

export const APNS_ROWS: readonly Row[] = [
  apns('badge', 3, { 'aps.badge': 3 }),
  apns('badge', 0, { 'aps.badge': 0 }),
  apns('sound', 'ping.caf', { 'aps.sound': 'ping.caf' }),
  apns('iosActionKey', 'OPEN', { 'aps.alert.action-loc-key': 'OPEN' }),
  apns(
    'payload',
    { order: { id: 7, lines: ['a', null] }, nid: 'mine' },
    { 'payload > order.id': 7, 'payload > order.lines': ['a', null] },
  ),
  apns('type', 'DEFAULT', 'the default', SHOWN),
  apns('type', 'mixed', { 'aps.content-available': 1 }, SHOWN),
  apns(
    'type',
    'SILENT',
    {
      'apns-push-type': 'background',
      'apns-priority': '5',
      'aps.content-available': 1,
      'aps.alert.body': GONE,
      'aps.alert.title': GONE,
      'aps.badge': GONE,
      'aps.sound': GONE,
      'aps.category': GONE,
      'aps.thread-id': GONE,
      'aps.mutable-content': GONE,
      'attachment-url': GONE,
    },
    SHOWN,
  ),
  apns('interactiveCategory', 'yesno', { 'aps.category': 'yesno' }, { category: 'older' }),
  apns('category', 'yesno', { 'aps.category': 'yesno' }),
  apns('title', 'T', { 'aps.alert.title': 'T' }),
  apns('subtitle', 'S', { 'aps.alert.subtitle': 'S' }),
  apns('attachmentUrl', 'https://example.com/a.png', {
    'attachment-url': 'https://example.com/a.png',
    'aps.mutable-content': 1,
  }),
  apns('titleLocKey', 'TITLE', { 'aps.alert.title-loc-key': 'TITLE' }),
  apns('titleLocArgs', ['a', 'b'], { 'aps.alert.title-loc-args': ['a', 'b'] }, { titleLocKey: 'TITLE' }),
  apns('locKey', 'BODY', { 'aps.alert.loc-key': 'BODY' }),
  apns('locArgs', ['a', 'b'], { 'aps.alert.loc-args': ['a', 'b'] }, { locKey: 'BODY' }),
  apns('launchImage', 'i.png', { 'aps.alert.launch-image': 'i.png' }),
  apns('apnsCollapseId', 'score', { 'apns-collapse-id': 'score' }),
  apns('apnsThreadId', 'chat-7', { 'aps.thread-id': 'chat-7' }),
  apns('apnsGroupSummaryArg', 'Ann', { 'aps.alert.summary-arg': 'Ann' }),
  apns('apnsGroupSummaryArgCount', 2, { 'aps.alert.summary-arg-count': 2 }),
];
