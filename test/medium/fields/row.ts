/** The places where a message may arrive: each provider, and each form of a provider for its platforms. */
export const PLACES = ['apns', 'fcm', 'hms', 'harmony', 'wns', 'chrome', 'firefox', 'safari'] as const;
export type Place = (typeof PLACES)[number];

/** Every value that a place received, by its path: `aps.badge`, `payload > nid` within a JSON text, `toast/@launch`. */
export type Received = Record<string, unknown>;

/** A value that is present without the field and absent with it. */
export const GONE = '(gone)';

export type Landing = Partial<Record<Place, Received>>;

/** One field of the body of POST messages, and its effect at each provider. */
export interface Row {
  /** Its path in the caller's body. */
  field: string;
  value: unknown;
  /** All values that the field changes at each place. A place that is not named ignores the field. */
  lands: Landing;
  /** The rest of the body, with and without the field. */
  given: Record<string, unknown>;
  /** The effect of a field that no provider gets. */
  note?: string;
}

export const BARE = { message: { alert: 'Hi' } };

export function row(field: string, value: unknown, lands: Landing | string, given: object = {}): Row {
  const common = { field, value, given: { ...BARE, ...given } };
  return typeof lands === 'string' ? { ...common, lands: {}, note: lands } : { ...common, lands };
}

/** Joins several landings. */
export function land(...parts: readonly Landing[]): Landing {
  const all: Landing = {};
  for (const part of parts) for (const place of PLACES) if (part[place]) all[place] = { ...all[place], ...part[place] };
  return all;
}

/** Data that the Android app reads: texts for FCM, one text for Push Kit. */
export function inData(path: string, value: unknown): Landing {
  const [name = '', ...rest] = path.split('.');
  const text = typeof value === 'boolean' || typeof value === 'number' ? JSON.stringify(value) : value;
  return {
    fcm: rest.length === 0 ? { [`data.${name}`]: text } : { [`data.${name} > ${rest.join('.')}`]: value },
    hms: { [`data > ${path}`]: value },
    harmony: { [`payload.notification.clickAction.data.data > ${path}`]: value },
  };
}

/** The body of `given` with the field added. */
export function withField(given: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const [name = '', ...rest] = path.split('.');
  if (rest.length === 0) return { ...given, [name]: value };
  const inner = (given[name] ?? {}) as Record<string, unknown>;
  return { ...given, [name]: withField(inner, rest.join('.'), value) };
}
