import { GONE, row, withField, type Received, type Row } from './row.js';

/** `settings.wns`, for Windows only. Its requests exist with and without the field. */
function wns(field: string, value: unknown, lands: Received | string, given: object = { toast: {} }): Row {
  const landing = typeof lands === 'string' ? lands : { wns: lands };
  return row(`settings.wns.${field}`, value, landing, { settings: { wns: given } });
}

const IGNORED = 'ignored';
const BINDING = { template: 'TileWide', text: [{ content: 'x' }] };

/** The common part of toast and tile, which differ by their root and by the required parts of a binding. */
function visual(kind: 'toast' | 'tile', template: string): Row[] {
  const path = `${kind}/visual`;
  const given = { [kind]: { visual: { binding: { template: 'any', text: [{ content: 'x' }] } } } };
  const inBinding = (name: string, value: unknown, lands: Received | string): Row =>
    wns(`${kind}.visual.binding.${name}`, value, lands, given);
  const each = (name: string, value: unknown): Row[] => [
    wns(`${kind}.visual.${name}`, value, { [`${path}/@${name}`]: String(value) }, given),
    inBinding(name, value, { [`${path}/binding/@${name}`]: String(value) }),
  ];
  const image = withField({}, `${kind}.visual.binding`, { template: 'any', image: { src: 'a.png' } });
  const inImage = (name: string, value: unknown): Row =>
    wns(`${kind}.visual.binding.image.${name}`, value, { [`${path}/binding/image/@${name}`]: String(value) }, image);
  return [
    wns(`${kind}.visual.version`, 2, { [`${path}/@version`]: '2' }, given),
    ...each('lang', 'de'),
    ...each('baseUri', 'https://example.com/'),
    ...each('branding', 'logo'),
    ...each('addImageQuery', true),
    // The toast schema of Windows has none.
    wns(`${kind}.visual.contentId`, 'c', kind === 'tile' ? { [`${path}/@contentId`]: 'c' } : IGNORED, given),
    inBinding('contentId', 'c', kind === 'tile' ? { [`${path}/binding/@contentId`]: 'c' } : IGNORED),
    inBinding('template', template, {
      [`${path}/binding/@template`]: template,
      // Texts of older templates have numbers.
      [`${path}/binding/text/@id`]: GONE,
    }),
    inBinding('fallback', 'TileWideText01', { [`${path}/binding/@fallback`]: 'TileWideText01' }),
    inImage('src', 'b.png'),
    inImage('alt', 'A picture'),
    inImage('addImageQuery', false),
    wns(`${kind}.visual.binding.text.content`, 'a < b', { [`${path}/binding/text`]: 'a < b' }, oneText(kind)),
    wns(`${kind}.visual.binding.text.lang`, 'de', { [`${path}/binding/text/@lang`]: 'de' }, oneText(kind)),
  ];
}

function oneText(kind: string): Record<string, unknown> {
  return { [kind]: { visual: { binding: { template: 'any', text: { content: 'x' } } } } };
}

export const WNS_ROWS: readonly Row[] = [
  wns('badge.value', 5, { 'badge/@value': '5' }, { badge: { value: 'alert' } }),
  wns('badge.version', 1, { 'badge/@version': '1' }, { badge: { value: 'alert' } }),
  wns('cachePolicy', true, { 'toast: x-wns-cache-policy': 'cache' }),
  wns('cachePolicy', false, { 'toast: x-wns-cache-policy': 'no-cache' }),
  wns('expirationTime', 60, { 'toast: x-wns-ttl': '60' }),
  wns('raw.payload', { a: { b: 1 } }, { 'raw > a.b': 1, raw: GONE }, { raw: { payload: 'text' } }),
  wns('raw.payload', 'as <it> is', { raw: 'as <it> is' }, { raw: { payload: 'text' } }),
  wns('tile.tag', 'scores', { 'tile: x-wns-tag': 'scores' }, { tile: { visual: { binding: [BINDING, BINDING] } } }),
  ...visual('tile', 'TileWide'),
  wns('toast.launch', 'order=7', {
    'toast/@launch': 'order=7',
    'toast/@launch > nid': GONE,
  }),
  wns('toast.duration', 'long', { 'toast/@duration': 'long' }),
  wns('toast.audio.src', 'ms-winsoundevent:Notification.Mail', {
    'toast/audio/@src': 'ms-winsoundevent:Notification.Mail',
  }),
  wns('toast.audio.loop', true, { 'toast/audio/@loop': 'true' }),
  wns('toast.audio.silent', true, { 'toast/audio/@silent': 'true' }),
  ...visual('toast', 'ToastGeneric'),
];
