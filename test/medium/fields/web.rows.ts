import { GONE, row, type Place, type Row } from './row.js';

/** `settings.chromeWeb`, `firefoxWeb` and `safariWeb`, each for one browser. */
function web(place: Place, field: string, value: unknown, lands: Record<string, unknown>): Row {
  return row(`settings.${place}Web.${field}`, value, { [place]: lands });
}

function browser(place: 'chrome' | 'firefox'): Row[] {
  return [
    web(place, 'title', 'T', { title: 'T' }),
    web(place, 'iconUrl', 'https://example.com/i.png', { iconUrl: 'https://example.com/i.png' }),
    web(place, 'timeToLive', 60, { ttl: '60' }),
    web(place, 'payload', { order: 7, nid: 'mine' }, { 'payload.order': 7 }),
    web(place, 'payload', { tag: 'mine' }, { 'payload.tag': 'mine' }),
    web(place, 'payload', 'text', { payload: 'text', 'payload.nid': GONE, 'payload.tag': GONE }),
  ];
}

export const WEB_ROWS: readonly Row[] = [
  ...browser('chrome'),
  ...browser('firefox'),
  web('safari', 'title', 'T', { title: 'T' }),
  web('safari', 'body', 'B', { body: 'B' }),
  web('safari', 'urlArgs', ['a', 'b'], { urlArgs: ['a', 'b'] }),
  web('safari', 'action', 'View', { action: 'View' }),
];
