/** Title and picture of a message: each platform has a field of its own for them. Pure. */

export type Content = Record<string, unknown>;
type Settings = Record<string, Content>;
type Place = readonly [platform: string, field: string];

const TITLES: readonly Place[] = [
  ['apns', 'title'],
  ['gcm', 'androidTitle'],
  ['chromeWeb', 'title'],
  ['firefoxWeb', 'title'],
  ['safariWeb', 'title'],
];
const APPLE_PICTURE: Place = ['apns', 'attachmentUrl'];
const ANDROID_PICTURE: Place = ['gcm', 'style'];
const ANDROID_STYLE = 'picture_notification';

/** Of the first platform that has one. */
export function titleOf(content: Content): string {
  const found = TITLES.map((place) => at(content, place)).find((title) => title !== undefined);
  return typeof found === 'string' ? found : '';
}

/** The same title on every platform; an empty one leaves it out. */
export function withTitle(content: Content, title: string): Content {
  return TITLES.reduce((next, place) => put(next, place, title === '' ? undefined : title), content);
}

export function pictureOf(content: Content): string {
  const apple = at(content, APPLE_PICTURE);
  const android = at(content, ANDROID_PICTURE) as Content | undefined;
  const found = apple ?? (android?.type === ANDROID_STYLE ? android.url : undefined);
  return typeof found === 'string' ? found : '';
}

/** The style of Android's notification has one picture, or another form that stays without one. */
export function withPicture(content: Content, url: string): Content {
  const apple = put(content, APPLE_PICTURE, url === '' ? undefined : url);
  if (url !== '') return put(apple, ANDROID_PICTURE, { type: ANDROID_STYLE, url });
  const style = at(apple, ANDROID_PICTURE) as Content | undefined;
  return style?.type === ANDROID_STYLE ? put(apple, ANDROID_PICTURE, undefined) : apple;
}

function at(content: Content, [platform, field]: Place): unknown {
  return (content.settings as Settings | undefined)?.[platform]?.[field];
}

function put(content: Content, [platform, field]: Place, value: unknown): Content {
  const { settings = {}, ...rest } = content as { settings?: Settings };
  const { [platform]: fields = {}, ...others } = settings;
  const { [field]: _old, ...kept } = fields;
  const own = value === undefined ? kept : { ...fields, [field]: value };
  const next = Object.keys(own).length > 0 ? { ...settings, [platform]: own } : others;
  return Object.keys(next).length > 0 ? { ...content, settings: next } : rest;
}
