import type { Notification } from '../notification.js';
import { isObject } from '../shared/unanswered.js';
import { element, escapeXml } from '../shared/xml.js';

/** `settings.wns` (MobileFirst 8.0) as the XML of Windows' toast, tile and badge schemas. Members keep their names. */

type Fields = Record<string, unknown>;

const SHARED = ['lang', 'baseUri', 'branding', 'addImageQuery'] as const;
/** Only tiles have `contentId`; the toast schema does not. */
const OF_TILE = [...SHARED, 'contentId'] as const;
/** Adaptive templates take texts and images in order; older templates address them by id. */
const ADAPTIVE = /^(ToastGeneric|Tile(Small|Medium|Wide|Large))$/;

/** The caller's toast. Adds the alert if it shows nothing, and `launch` if it has none. */
export function toastXml({ messageId, alert, url, wns, receiptToken }: Notification): string {
  const toast = fieldsOf(wns?.toast);
  const launch = toast.launch ?? JSON.stringify({ nid: messageId, url, receiptToken });
  const shown = element('binding', { template: 'ToastGeneric' }, element('text', {}, escapeXml(alert)));
  const visual = visualXml(fieldsOf(toast.visual), SHARED, shown);
  const audio = isObject(toast.audio) ? element('audio', pick(toast.audio, ['src', 'loop', 'silent']), '') : '';
  return element('toast', { launch, ...pick(toast, ['duration']) }, visual + audio);
}

export function tileXml(tile: Fields): string {
  return element('tile', {}, visualXml(fieldsOf(tile.visual), OF_TILE, ''));
}

/** A number of 1 to 99 or the name of a glyph; 0 clears the badge. */
export function badgeXml(badge: Fields): string {
  return element('badge', pick(badge, ['version', 'value']), '');
}

function visualXml(visual: Fields, shared: readonly string[], fallback: string): string {
  const bindings = listOf(visual.binding).map((binding) => bindingXml(binding, shared));
  return element('visual', pick(visual, ['version', ...shared]), bindings.join('') || fallback);
}

function bindingXml(binding: Fields, shared: readonly string[]): string {
  const numbered = !ADAPTIVE.test(String(binding.template));
  const id = (index: number): Fields => (numbered ? { id: index + 1 } : {});
  const images = listOf(binding.image).map((image, index) =>
    element('image', { ...id(index), ...pick(image, ['src', 'alt', 'addImageQuery']) }, ''),
  );
  const texts = listOf(binding.text).map((text, index) =>
    element('text', { ...id(index), ...pick(text, ['lang']) }, escapeXml(textOf(text.content))),
  );
  return element('binding', pick(binding, ['template', 'fallback', ...shared]), [...images, ...texts].join(''));
}

function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

/** A single value counts as a list of one: a toast has one binding, a tile many. */
function listOf(value: unknown): Fields[] {
  return (Array.isArray(value) ? value : [value]).filter(isObject);
}

function fieldsOf(value: unknown): Fields {
  return isObject(value) ? value : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
