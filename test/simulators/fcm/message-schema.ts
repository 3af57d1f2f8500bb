import type { Kind, ObjectKind } from '../shared/schema.js';

/** The fields of FCM v1's send request (Firebase: "REST Resource: projects.messages"). */

const MAP: Kind = { map: 'string' };
const STRINGS: Kind = { list: 'string' };
/** `3.5s` */
const DURATION: Kind = { pattern: /^-?\d+(\.\d{1,9})?s$/ };
/** `#rrggbb` */
export const COLOUR: Kind = { pattern: /^#[\da-fA-F]{6}$/ };
const PART: Kind = { from: 0, to: 1 };
const LABEL: Kind = { object: { analytics_label: 'string' } };

const LIGHT_SETTINGS: Kind = {
  object: {
    color: { object: { red: PART, green: PART, blue: PART, alpha: PART } },
    light_on_duration: DURATION,
    light_off_duration: DURATION,
  },
  required: ['color', 'light_on_duration', 'light_off_duration'],
};

const ANDROID_NOTIFICATION: Kind = {
  object: {
    title: 'string',
    body: 'string',
    icon: 'string',
    color: COLOUR,
    sound: 'string',
    tag: 'string',
    click_action: 'string',
    body_loc_key: 'string',
    body_loc_args: STRINGS,
    title_loc_key: 'string',
    title_loc_args: STRINGS,
    channel_id: 'string',
    ticker: 'string',
    sticky: 'bool',
    event_time: 'timestamp',
    local_only: 'bool',
    notification_priority: {
      values: [
        'PRIORITY_UNSPECIFIED',
        'PRIORITY_MIN',
        'PRIORITY_LOW',
        'PRIORITY_DEFAULT',
        'PRIORITY_HIGH',
        'PRIORITY_MAX',
      ],
    },
    default_sound: 'bool',
    default_vibrate_timings: 'bool',
    default_light_settings: 'bool',
    vibrate_timings: { list: DURATION },
    visibility: { values: ['VISIBILITY_UNSPECIFIED', 'PRIVATE', 'PUBLIC', 'SECRET'] },
    notification_count: 'int',
    light_settings: LIGHT_SETTINGS,
    image: 'string',
    bypass_proxy_notification: 'bool',
    proxy: { values: ['PROXY_UNSPECIFIED', 'ALLOW', 'DENY', 'IF_PRIORITY_LOWERED'] },
  },
};

const ANDROID: Kind = {
  object: {
    collapse_key: 'string',
    priority: { values: ['NORMAL', 'HIGH'] },
    ttl: DURATION,
    restricted_package_name: 'string',
    data: MAP,
    notification: ANDROID_NOTIFICATION,
    fcm_options: LABEL,
    direct_boot_ok: 'bool',
    bandwidth_constrained_ok: 'bool',
    restricted_satellite_ok: 'bool',
  },
};

const APNS: Kind = {
  object: {
    headers: MAP,
    payload: 'struct',
    live_activity_token: 'string',
    fcm_options: { object: { analytics_label: 'string', image: 'string' } },
  },
};

const WEBPUSH: Kind = {
  object: {
    headers: MAP,
    data: MAP,
    notification: 'struct',
    fcm_options: { object: { link: 'string', analytics_label: 'string' } },
  },
};

export const SEND_REQUEST: ObjectKind = {
  object: {
    validate_only: 'bool',
    message: {
      object: {
        name: 'string',
        token: 'string',
        fid: 'string',
        topic: 'string',
        condition: 'string',
        data: MAP,
        notification: { object: { title: 'string', body: 'string', image: 'string' } },
        android: ANDROID,
        apns: APNS,
        webpush: WEBPUSH,
        fcm_options: LABEL,
      },
    },
  },
};
