import type { Kind, ObjectKind } from '../shared/schema.js';

/** The fields of Push Kit's send requests, v1 and v3, except the tokens, which have a separate check. */

/** `3.5s`, `3.5S` or `3`. */
const DURATION: Kind = { pattern: /^\d+(\.\d{1,9})?[sS]?$/ };
const PART: Kind = { from: 0, to: 1 };
const STRINGS: Kind = { list: 'string' };

const LIGHT_SETTINGS: Kind = {
  object: {
    color: { object: { alpha: PART, red: PART, green: PART, blue: PART } },
    light_on_duration: DURATION,
    light_off_duration: DURATION,
  },
  required: ['color', 'light_on_duration', 'light_off_duration'],
};

const CLICK_ACTION: Kind = {
  object: { type: { values: [1, 2, 3] }, intent: 'string', url: 'string', action: 'string' },
  required: ['type'],
};

const ANDROID_NOTIFICATION: Kind = {
  object: {
    title: 'string',
    body: 'string',
    icon: 'string',
    color: { pattern: /^#[\da-fA-F]{6}$/ },
    sound: 'string',
    default_sound: 'bool',
    tag: 'string',
    click_action: CLICK_ACTION,
    body_loc_key: 'string',
    body_loc_args: STRINGS,
    title_loc_key: 'string',
    title_loc_args: STRINGS,
    multi_lang_key: 'struct',
    channel_id: 'string',
    notify_summary: 'string',
    image: 'string',
    style: { values: [0, 1, 3] },
    big_title: 'string',
    big_body: 'string',
    auto_clear: 'int',
    notify_id: 'int',
    group: 'string',
    badge: { object: { add_num: 'int', class: 'string', set_num: 'int' } },
    ticker: 'string',
    auto_cancel: 'bool',
    when: 'timestamp',
    importance: { values: ['LOW', 'NORMAL', 'HIGH'] },
    use_default_vibrate: 'bool',
    use_default_light: 'bool',
    vibrate_config: STRINGS,
    visibility: { values: ['VISIBILITY_UNSPECIFIED', 'PRIVATE', 'PUBLIC', 'SECRET'] },
    light_settings: LIGHT_SETTINGS,
    foreground_show: 'bool',
    inbox_content: STRINGS,
    buttons: { list: 'struct' },
    profile_id: 'string',
  },
  required: ['click_action'],
};

/** Huawei: "https-send-api" of HMS Core. */
export const ANDROID_REQUEST: ObjectKind = {
  object: {
    validate_only: 'bool',
    message: {
      object: {
        data: 'string',
        notification: { object: { title: 'string', body: 'string', image: 'string' } },
        android: {
          object: {
            collapse_key: { from: -1, to: 100 },
            urgency: { values: ['HIGH', 'NORMAL'] },
            category: 'string',
            ttl: 'string',
            bi_tag: 'string',
            receipt_id: 'string',
            fast_app_target: { values: [1, 2] },
            data: 'string',
            notification: ANDROID_NOTIFICATION,
            target_user_type: { values: [1] },
          },
        },
        apns: 'struct',
        webpush: 'struct',
        token: 'any',
        topic: 'string',
        condition: 'string',
      },
    },
  },
  required: ['message'],
};

const HARMONY_NOTIFICATION: Kind = {
  object: {
    category: 'string',
    title: 'string',
    body: 'string',
    image: 'string',
    style: { values: [0, 3] },
    inboxContent: STRINGS,
    notifyId: 'int',
    appMessageId: 'string',
    profileId: 'string',
    clickAction: {
      object: { actionType: { values: [0, 1] }, action: 'string', uri: 'string', data: 'struct' },
      required: ['actionType'],
    },
    badge: { object: { addNum: 'int', setNum: 'int' } },
    sound: 'string',
    soundDuration: 'int',
    foregroundShow: 'bool',
  },
  required: ['category', 'title', 'body', 'clickAction'],
};

/** Huawei: "Push Kit REST API, scenario-based messages", push-type 0 and 6. */
export const HARMONY_REQUEST: ObjectKind = {
  object: {
    payload: { object: { notification: HARMONY_NOTIFICATION, extraData: 'string' } },
    target: { object: { token: 'any' }, required: ['token'] },
    pushOptions: {
      object: {
        testMessage: 'bool',
        ttl: 'int',
        biTag: 'string',
        receiptId: 'string',
        collapseKey: { from: -1, to: 100 },
        backgroundMode: 'int',
      },
    },
  },
  required: ['payload', 'target'],
};
