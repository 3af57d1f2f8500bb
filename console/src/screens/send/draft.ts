import { parseWhole } from '../../parts/format';
import { newKey } from '../../parts/random';
import { EVERYBODY } from '../../parts/audience/audience';
import type { AudienceDraft } from '../../parts/audience/audience';
import { withPicture, withTitle } from '../../parts/content';
import type { Content } from '../../parts/content';

/** A message that is being written, and the request that it stands for. Pure. */

export interface SendDraft {
  text: string;
  title: string;
  picture: string;
  link: string;
  /** Values of OWN_FIELDS by `settings.field`. */
  own: Record<string, string>;
  label: string;
  ttlHours: string;
  /** In the viewer's zone, as the browser's field writes it; empty: at once. */
  sendAt: string;
  audience: AudienceDraft;
  /** Idempotency-Key of this message; the next message has another one, so that no repeat sends twice. */
  key: string;
  /** The requests that were tried with the key, and when (epoch ms by the server); their answers may be lost. */
  tried: readonly { body: Content; at: number }[];
}

export interface OwnField {
  settings: 'apns' | 'gcm' | 'chromeWeb' | 'firefoxWeb' | 'safariWeb';
  name: string;
  kind: 'text' | 'whole';
}

/** Fields of one platform's settings that the form offers. The API has further fields. */
export const OWN_FIELDS: readonly OwnField[] = [
  { settings: 'apns', name: 'subtitle', kind: 'text' },
  { settings: 'apns', name: 'badge', kind: 'whole' },
  { settings: 'apns', name: 'sound', kind: 'text' },
  { settings: 'apns', name: 'interactiveCategory', kind: 'text' },
  { settings: 'apns', name: 'apnsThreadId', kind: 'text' },
  { settings: 'gcm', name: 'channelId', kind: 'text' },
  { settings: 'gcm', name: 'sound', kind: 'text' },
  { settings: 'gcm', name: 'icon', kind: 'text' },
  { settings: 'gcm', name: 'groupId', kind: 'text' },
  { settings: 'chromeWeb', name: 'iconUrl', kind: 'text' },
  { settings: 'firefoxWeb', name: 'iconUrl', kind: 'text' },
  { settings: 'safariWeb', name: 'action', kind: 'text' },
];

export function emptyDraft(): SendDraft {
  return {
    text: '',
    title: '',
    picture: '',
    link: '',
    own: {},
    label: '',
    ttlHours: '',
    sendAt: '',
    audience: EVERYBODY,
    key: newKey(),
    tried: [],
  };
}

/** Fields by `settings.field`, and `ttlHours`, whose text is no whole number. */
export function wrongFields(draft: SendDraft): string[] {
  const numbers = OWN_FIELDS.filter(({ kind }) => kind === 'whole').map(keyOf);
  return [
    ...numbers.filter((key) => (draft.own[key] ?? '') !== '' && parseWhole(draft.own[key] ?? '') === null),
    ...(draft.ttlHours !== '' && parseWhole(draft.ttlHours) === null ? ['ttlHours'] : []),
  ];
}

export function keyOf({ settings, name }: OwnField): string {
  return `${settings}.${name}`;
}

const HOUR_S = 3_600;

/** The body of a message without its target. */
export function toContent(draft: SendDraft): Content {
  const ttlHours = parseWhole(draft.ttlHours);
  const titled = filled(draft.title) ? withTitle({}, draft.title) : {};
  const settings = withOwn(withPicture(titled, draft.picture.trim()).settings as Settings | undefined, draft.own);
  return {
    message: { alert: draft.text, ...(filled(draft.link) && { url: draft.link.trim() }) },
    ...(Object.keys(settings).length > 0 && { settings }),
    ...(filled(draft.label) && { label: draft.label.trim() }),
    ...(ttlHours !== null && { ttl: ttlHours * HOUR_S }),
    ...(draft.sendAt !== '' && { sendAt: new Date(draft.sendAt).toISOString() }),
  };
}

const MINUTE_MS = 60_000;
/** By how much clocks are set back: an hour, half an hour (Lord Howe). */
const SET_BACK_MS = [60 * MINUTE_MS, 30 * MINUTE_MS];

/** Whether a clock change skips the local time (`gap`) or repeats it (`fold`, the first of both counts). */
export function clockChange(local: string): 'gap' | 'fold' | null {
  const at = new Date(local).getTime();
  if (Number.isNaN(at)) return null;
  if (toLocal(at) !== local.slice(0, LOCAL.length)) return 'gap';
  return SET_BACK_MS.some((ms) => toLocal(at + ms) === toLocal(at)) ? 'fold' : null;
}

const LOCAL = 'YYYY-MM-DDThh:mm';

/** As the browser's field writes a time. */
function toLocal(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, LOCAL.length);
}

type Settings = Record<string, Content>;

function withOwn(settings: Settings = {}, own: SendDraft['own']): Settings {
  const next = { ...settings };
  for (const field of OWN_FIELDS) {
    const text = own[keyOf(field)] ?? '';
    const value = field.kind === 'whole' ? parseWhole(text) : text;
    if (filled(text)) next[field.settings] = { ...next[field.settings], [field.name]: value };
  }
  return next;
}

function filled(text: string): boolean {
  return text.trim() !== '';
}
