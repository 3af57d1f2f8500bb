import 'reflect-metadata';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkBody } from '../../common/body.js';
import { ApnsProvider } from '../../providers/apns/apns.provider.js';
import { FcmProvider } from '../../providers/fcm/fcm.provider.js';
import { HmsProvider } from '../../providers/hms/hms.provider.js';
import type { Providers } from '../../providers/providers.module.js';
import { SandboxProvider } from '../../providers/sandbox/sandbox.provider.js';
import { WnsProvider } from '../../providers/wns/wns.provider.js';
import { WebPushProvider } from '../../providers/web-push/web-push.provider.js';
import { UpstreamProvider } from '../../providers/upstream/upstream.provider.js';
import { SendMessageDto } from './message.dto.js';
import { checkAlert, checkSizes, measureSizes, toNotification } from './build-notification.js';
import type { NewNotification } from './build-notification.js';

const NOWHERE = 'https://127.0.0.1:1';
/** Real providers, because the sizes are those of the bodies that they send. */
const providers: Providers = {
  apns: new ApnsProvider({ productionUrl: NOWHERE, sandboxUrl: NOWHERE }),
  fcm: new FcmProvider({ url: NOWHERE }),
  wns: new WnsProvider({ tokenUrl: NOWHERE, entraUrl: NOWHERE, channelHost: 'none.example' }),
  hms: new HmsProvider({ url: NOWHERE, tokenUrl: NOWHERE }),
  'web-push': new WebPushProvider({}),
  sandbox: new SandboxProvider(),
  upstream: new UpstreamProvider({}),
};

const read = (body: object) => toNotification(checkBody(SendMessageDto, body).value);

describe('checkAlert', () => {
  const silent = { type: 'SILENT' };
  const of = (alert: string, settings: object = {}) => read({ message: { alert }, settings });

  it.each<[string, NewNotification, string[] | undefined]>([
    ['a word', of('x'), undefined],
    ['a placeholder', of('{{name}}'), undefined],
    ['silent everywhere', of('', { apns: silent, gcm: silent }), undefined],
    ['silent on iPhones alone', of('', { apns: silent }), ['A']],
    ['silent on Android and Huawei phones', of(' ', { gcm: silent }), ['G', 'H']],
    ['silent on phones, and browsers beside', of('', { gcm: silent }), ['G', 'WEB_CHROME']],
  ])('takes %s', (_what, notification, platforms) => {
    expect(() => checkAlert(notification, platforms)).not.toThrow();
  });

  it.each<[string, NewNotification, string[] | undefined]>([
    ['nothing', of(''), undefined],
    ['white space', of(' \n\t'), undefined],
    ['a title alone', of('', { apns: { title: 'T' }, gcm: { androidTitle: 'T' } }), undefined],
    ['silent on iPhones, and Android phones beside', of('', { apns: silent }), ['A', 'G']],
    ['mixed', of('', { apns: { type: 'MIXED' } }), ['A']],
    ['browsers alone', of('', { apns: silent, gcm: silent }), ['WEB_CHROME']],
  ])('refuses %s', (_what, notification, platforms) => {
    expect(() => checkAlert(notification, platforms)).toThrow(/'message\.alert'.*empty/);
  });
});

describe('toNotification', () => {
  it('turns an alert alone into a notification', () => {
    expect(read({ message: { alert: 'hi' } })).toEqual({ collapseId: '', alert: 'hi' });
  });

  it('carries the url and the settings of APNs and FCM', () => {
    const apns = { badge: 0, title: 'T', locArgs: ['a', 'b'], type: 'SILENT', payload: { a: { b: [1, null] } } };
    const gcm = { collapseKey: 'k', sync: false, lights: { ledArgb: 'red', ledOnMs: 5 }, style: { lines: ['l'] } };
    expect(read({ message: { alert: 'hi', url: 'https://x' }, settings: { apns, gcm } })).toEqual({
      collapseId: '',
      alert: 'hi',
      url: 'https://x',
      apns,
      gcm,
    });
  });

  it("carries the browsers' settings", () => {
    const chromeWeb = { title: 'T', iconUrl: 'https://x/i.png', timeToLive: 0, payload: { a: null } };
    const firefoxWeb = { timeToLive: '60', payload: 'text' };
    const safariWeb = { title: 'S', body: 'B', urlArgs: ['a'], action: 'View' };
    expect(read({ message: { alert: 'hi' }, settings: { chromeWeb, firefoxWeb, safariWeb } })).toEqual({
      collapseId: '',
      alert: 'hi',
      chromeWeb,
      firefoxWeb: { timeToLive: 60, payload: 'text' },
      safariWeb,
    });
    expect(() => read({ message: { alert: 'hi' }, settings: { chromeWeb: { timeToLive: -1 } } })).toThrow(
      'settings.chromeWeb.timeToLive',
    );
    expect(() => read({ message: { alert: 'hi' }, settings: { safariWeb: { urlArgs: 'a' } } })).toThrow(
      'settings.safariWeb.urlArgs',
    );
  });

  it('makes plain data that survives JSON', () => {
    const notification = read({ message: { alert: 'hi' }, settings: { gcm: { lights: { ledOnMs: '5' }, style: {} } } });
    expect(Object.getPrototypeOf(notification.gcm?.lights)).toBe(Object.prototype);
    expect(JSON.parse(JSON.stringify(notification))).toEqual({
      collapseId: '',
      alert: 'hi',
      gcm: { lights: { ledOnMs: 5 }, style: {} },
    });
  });

  it('treats null as absent, except inside a payload', () => {
    const apns = { title: null, attachmentUrl: null, payload: { keep: null } };
    const gcm = { priority: null, payload: null, lights: { ledArgb: null, ledOnMs: 1 }, style: null };
    const notification = read({ message: { alert: 'hi', url: null }, settings: { apns, gcm } });
    expect(notification).toStrictEqual({
      collapseId: '',
      alert: 'hi',
      nowOrNever: undefined,
      priority: undefined,
      url: undefined,
      apns: { payload: { keep: null } },
      gcm: { lights: { ledOnMs: 1 } },
      wns: undefined,
      chromeWeb: undefined,
      firefoxWeb: undefined,
      safariWeb: undefined,
    });
    expect(read({ message: { alert: 'hi' }, settings: { apns: null, gcm: null } })).toEqual({
      collapseId: '',
      alert: 'hi',
    });
  });

  it('copies no field that the schema does not have', () => {
    const gcm = { lights: { ledArgb: 'red', hidden: 'x' }, hidden: 'x' };
    expect(
      JSON.stringify(read({ message: { alert: 'hi', hidden: 'x' }, settings: { gcm, hidden: 'x' } })),
    ).not.toContain('hidden');
  });
});

describe('checkSizes', () => {
  const check = (body: object, platforms?: string[]) => () => checkSizes(read(body), platforms, providers);
  const alert = (bytes: number) => ({ message: { alert: 'x'.repeat(bytes) } });
  const payload = (platform: 'apns' | 'gcm', bytes: number) => ({
    message: { alert: 'hi' },
    settings: { [platform]: { payload: { x: 'x'.repeat(bytes) } } },
  });
  const refused = (field: string, provider: string) =>
    expect.objectContaining({
      code: 'FPWSE0005E',
      message: expect.stringMatching(
        new RegExp(`'${field}' parameter value: the message has \\d+ bytes at ${provider}, the limit is 4096\\.$`),
      ) as string,
    }) as Error;

  it('accepts a usual message on every platform', () => {
    expect(check(alert(500))).not.toThrow();
  });

  it('names the alert if the alert is too large', () => {
    expect(check(alert(5_000), ['A'])).toThrow(refused('message.alert', 'apns'));
    expect(check(alert(5_000), ['G'])).toThrow(refused('message.alert', 'fcm'));
  });

  it('names the url if the url is too large', () => {
    expect(check({ message: { alert: 'hi', url: `https://x/${'x'.repeat(5_000)}` } })).toThrow(
      refused('message.url', 'apns'),
    );
  });

  it("names the platform's settings if they are too large", () => {
    expect(check(payload('apns', 5_000))).toThrow(refused('settings.apns', 'apns'));
    expect(check(payload('gcm', 5_000))).toThrow(refused('settings.gcm', 'fcm'));
  });

  it('checks each browser with its own settings', () => {
    const chrome = { message: { alert: 'hi' }, settings: { chromeWeb: { payload: { x: 'x'.repeat(4_000) } } } };
    const tooLarge =
      /'settings\.chromeWeb' parameter value: the message has \d+ bytes at web-push, the limit is 3993\.$/;
    expect(check(chrome, ['WEB_CHROME'])).toThrow(tooLarge);
    expect(check(chrome)).toThrow(tooLarge);
    expect(check(chrome, ['A', 'G', 'WEB_FIREFOX', 'WEB_SAFARI'])).not.toThrow();
    expect(check(alert(3_990), ['WEB_SAFARI'])).toThrow(/'message\.alert'.* at web-push/);
  });

  it('checks Windows with its own limit and settings, and Huawei with those of Android', () => {
    const raw = (bytes: number) => ({
      message: { alert: 'hi' },
      settings: { wns: { raw: { payload: 'x'.repeat(bytes) } } },
    });
    expect(check(raw(5_000))).not.toThrow();
    expect(check(raw(5_001))).toThrow(
      /'settings\.wns' parameter value: the message has 5001 bytes at wns, the limit is 5000/,
    );
    expect(check(payload('gcm', 5_000), ['H'])).toThrow(refused('settings.gcm', 'hms'));
    expect(check(alert(5_000), ['H'])).toThrow(refused('message.alert', 'hms'));
  });

  it('checks only the platforms of the target', () => {
    expect(check(payload('apns', 5_000), ['G'])).not.toThrow();
    expect(check(payload('gcm', 5_000), ['A', 'W'])).not.toThrow();
    expect(check(payload('gcm', 5_000), ['A', 'G'])).toThrow(refused('settings.gcm', 'fcm'));
  });
});

describe('placeholders and extensions', () => {
  it('lists placeholders; without any, unescapes braces at once', () => {
    expect(read({ message: { alert: 'Hi {{name}} {{city|x}}' } }).placeholders).toEqual([
      { name: 'name', required: true },
      { name: 'city', required: false },
    ]);
    const plain = read({ message: { alert: String.raw`\{{name}}` } });
    expect([plain.alert, plain.placeholders]).toEqual(['{{name}}', undefined]);
  });

  it('carries priority, collapse id and a time to live of 0', () => {
    const given = { message: { alert: 'hi' }, priority: 'normal', collapseId: 'score', ttl: 0 };
    expect(read(given)).toMatchObject({ priority: 'normal', collapseId: 'score', nowOrNever: true });
  });

  it('checks the size with the longest values, and names the user with values that are too long', () => {
    const notification = read({ message: { alert: '{{name}}' } });
    const data = (ann: number, ben: number) =>
      new Map([
        ['ann', { name: 'x'.repeat(ann) }],
        ['ben', { name: 'x'.repeat(ben) }],
      ]);
    expect(() => checkSizes(notification, ['A'], providers, data(10, 3_900))).not.toThrow();
    expect(() => checkSizes(notification, ['A'], providers, data(10, 4_096))).toThrow(
      /'message\.alert'.*with the data of user 'ben' the message has \d+ bytes at apns/,
    );
  });

  it('accepts longest values of different users that never meet in one message', () => {
    const notification = read({ message: { alert: '{{a|}}{{b|}}' } });
    const data = new Map<string, Record<string, string>>([
      ['ann', { a: 'x'.repeat(2_500) }],
      ['ben', { b: 'x'.repeat(2_500) }],
    ]);
    expect(() => checkSizes(notification, ['A'], providers, data)).not.toThrow();
  });

  it('accepts every small message without a measurement, which is within every limit', () => {
    const hard = fc.string({ unit: fc.constantFrom('\u0001', '"', '\\', '<', 'x', '😀', '\u2028'), maxLength: 90 });
    fc.assert(
      fc.property(hard, hard, hard, (alert, title, text) => {
        const settings = {
          apns: { title, payload: { text } },
          gcm: {
            androidTitle: title,
            payload: { text },
            style: { type: 'inbox_notification', lines: [text] },
            lights: { ledArgb: 'red' },
          },
          wns: {
            raw: { payload: { text } },
            toast: { visual: { binding: { template: 't', text: [{ content: text }] } } },
          },
          chromeWeb: { title, payload: { text } },
        };
        for (const body of [
          { message: { alert } },
          { message: { alert, url: text } },
          { message: { alert }, settings },
        ]) {
          const notification = read(body);
          if (Buffer.byteLength(JSON.stringify(notification)) > 600) continue;
          for (const { bytes, limit } of measureSizes(notification, undefined, providers))
            expect(bytes).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });
});
