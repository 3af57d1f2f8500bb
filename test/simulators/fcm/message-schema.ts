/** The fields of FCM v1's send request (protocol/providers.md §2.3) as tables that `message-check` walks. */

export interface ObjectKind {
  object: Readonly<Record<string, Kind>>;
}

export type Kind =
  | 'string'
  | 'bool'
  | 'int'
  | 'number'
  | 'strings'
  | 'duration'
  | 'durations'
  | 'timestamp'
  /** Map of string to string. */
  | 'map'
  /** Any JSON object. */
  | 'struct'
  | { values: readonly string[] }
  | ObjectKind;

const LABEL: Kind = { object: { analytics_label: 'string' } };

const LIGHT_SETTINGS: Kind = {
  object: {
    color: { object: { red: 'number', green: 'number', blue: 'number', alpha: 'number' } },
    light_on_duration: 'duration',
    light_off_duration: 'duration',
  },
};

const ANDROID_NOTIFICATION: Kind = {
  object: {
    title: 'string',
    body: 'string',
    icon: 'string',
    color: 'string',
    sound: 'string',
    tag: 'string',
    click_action: 'string',
    body_loc_key: 'string',
    body_loc_args: 'strings',
    title_loc_key: 'string',
    title_loc_args: 'strings',
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
    vibrate_timings: 'durations',
    visibility: { values: ['VISIBILITY_UNSPECIFIED', 'PRIVATE', 'PUBLIC', 'SECRET'] },
    notification_count: 'int',
    light_settings: LIGHT_SETTINGS,
    image: 'string',
    proxy: { values: ['PROXY_UNSPECIFIED', 'ALLOW', 'DENY', 'IF_PRIORITY_LOWERED'] },
  },
};

const ANDROID: Kind = {
  object: {
    collapse_key: 'string',
    priority: { values: ['NORMAL', 'HIGH'] },
    ttl: 'duration',
    restricted_package_name: 'string',
    data: 'map',
    notification: ANDROID_NOTIFICATION,
    fcm_options: LABEL,
    direct_boot_ok: 'bool',
    bandwidth_constrained_ok: 'bool',
    restricted_satellite_ok: 'bool',
  },
};

const APNS: Kind = {
  object: {
    headers: 'map',
    payload: 'struct',
    live_activity_token: 'string',
    fcm_options: { object: { analytics_label: 'string', image: 'string' } },
  },
};

const WEBPUSH: Kind = {
  object: {
    headers: 'map',
    data: 'map',
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
        data: 'map',
        notification: { object: { title: 'string', body: 'string', image: 'string' } },
        android: ANDROID,
        apns: APNS,
        webpush: WEBPUSH,
        fcm_options: LABEL,
      },
    },
  },
};
