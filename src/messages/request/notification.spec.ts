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
import { checkAlert, checkSizes, measureSizes, toNotification } from './notification.js';
import type { NewNotification } from './notification.js';

const NOWHERE = 'https://127.0.0.1:1';
/** The real ones: a size is what they would send. */
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
  it('an alert alone', () => {
    expect(read({ message: { alert: 'hi' } })).toEqual({ collapseId: '', alert: 'hi' });
  });

  it('carries what both platforms were told', () => {
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

  it('is plain data, as it will be when it was stored and read', () => {
    const notification = read({ message: { alert: 'hi' }, settings: { gcm: { lights: { ledOnMs: '5' }, style: {} } } });
    expect(Object.getPrototypeOf(notification.gcm?.lights)).toBe(Object.prototype);
    expect(JSON.parse(JSON.stringify(notification))).toEqual({
      collapseId: '',
      alert: 'hi',
      gcm: { lights: { ledOnMs: 5 }, style: {} },
    });
  });

  it('null is absent, save inside a payload', () => {
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

  it('knows no field that the schema does not', () => {
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
        new RegExp(`'${field}' parameter value: the message is \\d+ bytes at ${provider}, which takes 4096\\.$`),
      ) as string,
    }) as Error;

  it('a usual message fits everywhere', () => {
    expect(check(alert(500))).not.toThrow();
  });

  it('names the alert where the alert is what is large', () => {
    expect(check(alert(5_000), ['A'])).toThrow(refused('message.alert', 'apns'));
    expect(check(alert(5_000), ['G'])).toThrow(refused('message.alert', 'fcm'));
  });

  it('names the url where that is', () => {
    expect(check({ message: { alert: 'hi', url: `https://x/${'x'.repeat(5_000)}` } })).toThrow(
      refused('message.url', 'apns'),
    );
  });

  it("names the platform's settings where they are", () => {
    expect(check(payload('apns', 5_000))).toThrow(refused('settings.apns', 'apns'));
    expect(check(payload('gcm', 5_000))).toThrow(refused('settings.gcm', 'fcm'));
  });

  it("asks the browsers' limit of each browser alone", () => {
    const chrome = { message: { alert: 'hi' }, settings: { chromeWeb: { payload: { x: 'x'.repeat(4_000) } } } };
    const tooLarge = /'settings\.chromeWeb' parameter value: the message is \d+ bytes at web-push, which takes 3993\.$/;
    expect(check(chrome, ['WEB_CHROME'])).toThrow(tooLarge);
    expect(check(chrome)).toThrow(tooLarge);
    expect(check(chrome, ['A', 'G', 'WEB_FIREFOX', 'WEB_SAFARI'])).not.toThrow();
    expect(check(alert(3_990), ['WEB_SAFARI'])).toThrow(/'message\.alert'.* at web-push/);
  });

  it('asks Windows for its own limit and settings, and Huawei for those of Android', () => {
    const raw = (bytes: number) => ({
      message: { alert: 'hi' },
      settings: { wns: { raw: { payload: 'x'.repeat(bytes) } } },
    });
    expect(check(raw(5_000))).not.toThrow();
    expect(check(raw(5_001))).toThrow(
      /'settings\.wns' parameter value: the message is 5001 bytes at wns, which takes 5000/,
    );
    expect(check(payload('gcm', 5_000), ['H'])).toThrow(refused('settings.gcm', 'hms'));
    expect(check(alert(5_000), ['H'])).toThrow(refused('message.alert', 'hms'));
  });

  it('asks only the platforms that the message may go to', () => {
    expect(check(payload('apns', 5_000), ['G'])).not.toThrow();
    expect(check(payload('gcm', 5_000), ['A', 'W'])).not.toThrow();
    expect(check(payload('gcm', 5_000), ['A', 'G'])).toThrow(refused('settings.gcm', 'fcm'));
  });
});

describe('placeholders and extensions', () => {
  it('names what is to be filled in; two braces that are meant become so at once', () => {
    expect(read({ message: { alert: 'Hi {{name}} {{city|x}}' } }).placeholders).toEqual([
      { name: 'name', required: true },
      { name: 'city', required: false },
    ]);
    const plain = read({ message: { alert: String.raw`\{{name}}` } });
    expect([plain.alert, plain.placeholders]).toEqual(['{{name}}', undefined]);
  });

  it('carries priority, collapse id and now or never', () => {
    const given = { message: { alert: 'hi' }, priority: 'normal', collapseId: 'score', ttl: 0 };
    expect(read(given)).toMatchObject({ priority: 'normal', collapseId: 'score', nowOrNever: true });
  });

  it('measures with the longest values, and names the user whose are too long', () => {
    const notification = read({ message: { alert: '{{name}}' } });
    const data = (ann: number, ben: number) =>
      new Map([
        ['ann', { name: 'x'.repeat(ann) }],
        ['ben', { name: 'x'.repeat(ben) }],
      ]);
    expect(() => checkSizes(notification, ['A'], providers, data(10, 3_900))).not.toThrow();
    expect(() => checkSizes(notification, ['A'], providers, data(10, 4_096))).toThrow(
      /'message\.alert'.*with the data of user 'ben' the message is \d+ bytes at apns/,
    );
  });

  it('longest values that never meet in one message are no reason to refuse', () => {
    const notification = read({ message: { alert: '{{a|}}{{b|}}' } });
    const data = new Map<string, Record<string, string>>([
      ['ann', { a: 'x'.repeat(2_500) }],
      ['ben', { b: 'x'.repeat(2_500) }],
    ]);
    expect(() => checkSizes(notification, ['A'], providers, data)).not.toThrow();
  });

  it('what is not measured because it is small is within every limit', () => {
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
