import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { checkBody } from '../../common/body.js';
import { SendMessageDto } from './message.dto.js';

const message = { alert: 'hi' };
const read = (body: object) => checkBody(SendMessageDto, { message, ...body }).value;
const apns = (settings: object) => read({ settings: { apns: settings } }).settings?.apns;
const gcm = (settings: object) => read({ settings: { gcm: settings } }).settings?.gcm;
const wns = (settings: object) => read({ settings: { wns: settings } }).settings?.wns;

describe('the message reader accepts', () => {
  it.each<[string, object]>([
    ["the vendor's simplest example", { message }],
    ['an empty alert', { message: { alert: '' } }],
    ['a url', { message: { alert: 'hi', url: 'https://x' } }],
    ['a target, which has a reader of its own', { message, target: { userIds: ['u1'] } }],
    ["the sample's misplaced target", { message, settings: { target: { userIds: ['u1'] } } }],
    ['a notification type', { message, notificationType: 1 }],
    ['empty settings', { message, settings: { apns: {}, gcm: {} } }],
    [
      'all extensions',
      {
        message,
        ttl: 60,
        sendAt: '2026-12-24T18:00:00Z',
        priority: 'normal',
        collapseId: 'score',
        onUnknown: 'hold',
        label: 'advent',
        dryRun: true,
      },
    ],
    ['now or never', { message, ttl: 0 }],
    ['a life of a second', { message, ttl: 1 }],
    ['a life of four weeks', { message, ttl: 2_419_200 }],
  ])('%s', (_what, body) => {
    expect(checkBody(SendMessageDto, body)).toEqual({ value: body, unknown: [] });
  });

  it('unknown keys of other API versions, with a warning that names each', () => {
    const body = { message, validate: true, settings: { smsConf: {}, chromeAppExt: {}, apns: { newKey: 1 } } };
    expect(checkBody(SendMessageDto, body).unknown).toEqual([
      'validate',
      'settings.smsConf',
      'settings.chromeAppExt',
      'settings.apns.newKey',
    ]);
  });

  it('an empty payload as no payload', () => {
    expect(apns({ payload: '' })?.payload).toBeUndefined();
    expect(gcm({ payload: '' })?.payload).toBeUndefined();
    expect(read({ settings: '' }).settings).toBeUndefined();
  });

  it('an empty collapse id as none, or all messages would replace each other', () => {
    expect(apns({ apnsCollapseId: '' })?.apnsCollapseId).toBeUndefined();
    expect(gcm({ collapseKey: '' })?.collapseKey).toBeUndefined();
  });

  it('a payload without changes', () => {
    const payload = { a: { b: [1, null, 'x', { c: true }] }, n: 0, empty: '' };
    expect(apns({ payload })?.payload).toEqual(payload);
  });

  it('enumerated words in any case', () => {
    expect(apns({ type: 'silent' })?.type).toBe('SILENT');
    expect(gcm({ type: 'Silent', priority: 'high', visibility: 'Secret' })).toMatchObject({
      type: 'SILENT',
      priority: 'HIGH',
      visibility: 'SECRET',
    });
  });

  it('numbers as text, as older SDKs write them', () => {
    expect(gcm({ timeToLive: '60', lights: { ledOnMs: '500', ledOffMs: ' 1.5 ' } })).toMatchObject({
      timeToLive: 60,
      lights: { ledOnMs: 500, ledOffMs: 1.5 },
    });
    expect(read({ notificationType: '1' }).notificationType).toBe(1);
    expect(read({ ttl: '060' }).ttl).toBe(60);
    expect(apns({ badge: '5', apnsGroupSummaryArgCount: '-1' })).toMatchObject({
      badge: 5,
      apnsGroupSummaryArgCount: -1,
    });
  });
});

const TEXT = 'it must be a string';
const WHOLE = 'it must be a whole number';
const SECONDS = 'it must be a whole number of seconds';
const MS = 'it must be a number of milliseconds';
const OBJECT = 'it must be an object';
const BOOLEAN = 'it must be true or false';
const LIST = 'it must be a list';
const SMS = 'it must be 1 (push) or 3: SMS is not offered';
const MAX_LIFE = 'it must be at most 2419200 (four weeks)';

describe('the message reader refuses', () => {
  it.each<[string, object, string]>([
    ['message', { message: undefined }, 'it is required and must be an object with an alert'],
    ['message', { message: 'hi' }, 'it is required and must be an object with an alert'],
    ['message', { message: [{ alert: 'hi' }] }, 'it is required and must be an object with an alert'],
    ['message.alert', { message: {} }, 'it is required and must be a string'],
    ['message.alert', { message: { alert: null } }, 'it is required and must be a string'],
    ['message.alert', { message: { alert: 7 } }, 'it is required and must be a string'],
    ['message.url', { message: { alert: 'hi', url: 7 } }, TEXT],
    ['notificationType', { notificationType: 2 }, SMS],
    ['notificationType', { notificationType: true }, SMS],
    ['settings', { settings: 'x' }, OBJECT],
    ['settings', { settings: [] }, OBJECT],
    ['settings.apns', { settings: { apns: 'x' } }, OBJECT],
    ['settings.gcm', { settings: { gcm: [{}] } }, OBJECT],
    ['ttl', { ttl: -1 }, 'it must be at least 0'],
    ['expiresAt', { expiresAt: 7 }, TEXT],
    ['sendAt', { sendAt: 7 }, TEXT],
    ['priority', { priority: 'max' }, 'it must be high or normal'],
    ['collapseId', { collapseId: '' }, 'it must be 1 to 64 characters'],
    ['collapseId', { collapseId: 'x'.repeat(65) }, 'it must be 1 to 64 characters'],
    ['label', { label: 7 }, TEXT],
    ['label', { label: 'x'.repeat(101) }, 'it must be 1 to 100 characters'],
    ['dryRun', { dryRun: 'true' }, BOOLEAN],
    ['ttl', { ttl: 2_419_201 }, MAX_LIFE],
    ['ttl', { ttl: 1.5 }, SECONDS],
    ['ttl', { ttl: '60 s' }, SECONDS],
    ['ttl', { ttl: '' }, SECONDS],
    ['onUnknown', { onUnknown: 'drop' }, 'it must be resend or hold'],
  ])('%s %j', (field, body, reason) => {
    expect(() => read(body)).toThrow(refusal(field, reason));
  });

  it.each<[string, object, string]>([
    ['badge', { badge: 1.5 }, WHOLE],
    ['badge', { badge: '1.5' }, WHOLE],
    ['badge', { badge: '1147483645123456789' }, WHOLE],
    ['payload', { payload: 'x' }, OBJECT],
    ['payload', { payload: [] }, OBJECT],
    ['type', { type: 'LOUD' }, 'it must be DEFAULT, MIXED or SILENT'],
    ['titleLocArgs', { titleLocArgs: 'x' }, LIST],
    ['locArgs', { locArgs: [1] }, 'each must be a string'],
    ['apnsCollapseId', { apnsCollapseId: 'x'.repeat(65) }, 'it must be at most 64 characters'],
    ['apnsCollapseId', { apnsCollapseId: 7 }, TEXT],
    ['apnsGroupSummaryArgCount', { apnsGroupSummaryArgCount: 'x' }, WHOLE],
    ...[
      'sound iosActionKey interactiveCategory category title subtitle attachmentUrl titleLocKey locKey launchImage',
      'apnsThreadId apnsGroupSummaryArg',
    ]
      .join(' ')
      .split(' ')
      .map((field): [string, object, string] => [field, { [field]: 7 }, TEXT]),
  ])('settings.apns.%s %j', (field, settings, reason) => {
    expect(() => apns(settings)).toThrow(refusal(`settings.apns.${field}`, reason));
  });

  it.each<[string, object, string]>([
    ['delayWhileIdle', { delayWhileIdle: 'true' }, BOOLEAN],
    ['sync', { sync: 1 }, BOOLEAN],
    ['bridge', { bridge: 'no' }, BOOLEAN],
    ['payload', { payload: 'x' }, OBJECT],
    ['timeToLive', { timeToLive: -1 }, 'it must be at least 0'],
    ['timeToLive', { timeToLive: 2_419_201 }, MAX_LIFE],
    // Number() makes 0 or 1 of each of these: the message would be dropped if the phone is off.
    ['timeToLive', { timeToLive: '' }, SECONDS],
    ['timeToLive', { timeToLive: false }, SECONDS],
    ['timeToLive', { timeToLive: true }, SECONDS],
    ['timeToLive', { timeToLive: [60] }, SECONDS],
    ['timeToLive', { timeToLive: '1e3' }, SECONDS],
    ['priority', { priority: 'urgent' }, 'it must be max, high, default, low or min'],
    ['visibility', { visibility: 'hidden' }, 'it must be public, private or secret'],
    ['type', { type: 'MIXED' }, 'it must be DEFAULT or SILENT'],
    ['lights', { lights: 'red' }, OBJECT],
    ['lights.ledArgb', { lights: { ledArgb: 7 } }, TEXT],
    ['lights.ledOnMs', { lights: { ledOnMs: 'long' } }, MS],
    ['lights.ledOffMs', { lights: { ledOffMs: '' } }, MS],
    ['style', { style: [] }, OBJECT],
    ['style.lines', { style: { lines: 'x' } }, LIST],
    ['style.lines', { style: { lines: [7] } }, 'each must be a string'],
    ['style.url', { style: { url: 7 } }, TEXT],
    ...'collapseKey sound redact category interactiveCategory icon androidTitle groupId channelId'
      .split(' ')
      .map((field): [string, object, string] => [field, { [field]: 7 }, TEXT]),
  ])('settings.gcm.%s %j', (field, settings, reason) => {
    expect(() => gcm(settings)).toThrow(refusal(`settings.gcm.${field}`, reason));
  });

  it.each<[string, object, string]>([
    ['badge.value', { badge: {} }, 'it must be a string, a number or a boolean'],
    ['badge.value', { badge: { value: {} } }, 'it must be a string, a number or a boolean'],
    ['cachePolicy', { cachePolicy: 'true' }, BOOLEAN],
    ['expirationTime', { expirationTime: -1 }, 'it must be at least 0'],
    ['expirationTime', { expirationTime: '' }, SECONDS],
    ['raw', { raw: 'x' }, OBJECT],
    ['toast', { toast: [] }, OBJECT],
    ['toast.duration', { toast: { duration: 'for ever' } }, 'it must be short or long'],
    ['toast.launch', { toast: { launch: {} } }, TEXT],
    ['tile.visual.binding', { tile: { visual: { binding: 'x' } } }, 'it must be an object or a list of objects'],
    [
      'toast.visual.binding.template',
      { toast: { visual: { binding: {} } } },
      'it must be a string, a number or a boolean',
    ],
  ])('settings.wns.%s %j', (field, settings, reason) => {
    expect(() => wns(settings)).toThrow(refusal(`settings.wns.${field}`, reason));
  });

  it('settings.wns takes one binding or several, and numbers as text', () => {
    const binding = {
      template: 'ToastGeneric',
      text: [{ content: 'a' }],
      image: { src: 'x.png', addImageQuery: true },
    };
    const settings = { expirationTime: '60', toast: { visual: { binding } }, tile: { visual: { binding: [binding] } } };
    expect(wns(settings)).toEqual({ ...settings, expirationTime: 60 });
  });
});

function refusal(field: string, reason: string): Error {
  return expect.objectContaining({
    code: 'FPWSE0005E',
    message: `Invalid value was provided. Check the '${field}' parameter value: ${reason}.`,
  }) as Error;
}
