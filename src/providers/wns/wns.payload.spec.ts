import { describe, expect, it } from 'vitest';
import type { Notification } from '../notification.js';
import { buildWnsRequests } from './wns.payload.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const base: Notification = { messageId: 'fnDWK8bG', collapseId: 'fnDWK8bG', alert: 'Hi', expiresAt: NOW + 60_500 };
const build = (change: Partial<Notification> = {}) => buildWnsRequests({ ...base, ...change }, NOW);
const bodies = (change: Partial<Notification>) => build(change).map(({ body }) => body.toString());

describe('buildWnsRequests', () => {
  it('is a toast of the alert if nothing else is set', () => {
    expect(build()).toEqual([
      {
        headers: {
          'content-type': 'text/xml',
          'x-wns-type': 'wns/toast',
          'x-wns-tag': 'fnDWK8bG',
          'x-wns-requestforstatus': 'true',
          'x-wns-ttl': '60',
        },
        body: Buffer.from(
          '<toast launch="{&quot;nid&quot;:&quot;fnDWK8bG&quot;}"><visual><binding template="ToastGeneric">' +
            '<text>Hi</text></binding></visual></toast>',
        ),
      },
    ]);
  });

  it('escapes the alert and the url', () => {
    const [body] = bodies({ alert: '</text><evil a="1">&', url: 'https://x/?a=1&b="2"' });
    expect(body).toContain('<text>&lt;/text&gt;&lt;evil a=&quot;1&quot;&gt;&amp;</text>');
    expect(body).toContain('&quot;url&quot;:&quot;https://x/?a=1&amp;b=\\&quot;2\\&quot;&quot;}"');
  });

  it("numbers the texts and images of the caller's toast for older templates", () => {
    const binding = {
      template: 'ToastImageAndText02',
      fallback: 'ToastText01',
      image: [{ src: 'a.png', alt: 'A', addImageQuery: true }],
      text: [{ content: 'one', lang: 'en' }, { content: '<two>' }],
    };
    const audio = { src: 'ms-winsoundevent:Notification.Mail', loop: false, silent: false };
    const toast = { launch: 'go', duration: 'long', audio, visual: { lang: 'de', version: 1, binding } };
    expect(bodies({ wns: { toast } })).toEqual([
      '<toast launch="go" duration="long"><visual version="1" lang="de">' +
        '<binding template="ToastImageAndText02" fallback="ToastText01">' +
        '<image id="1" src="a.png" alt="A" addImageQuery="true"/>' +
        '<text id="1" lang="en">one</text><text id="2">&lt;two&gt;</text></binding></visual>' +
        '<audio src="ms-winsoundevent:Notification.Mail" loop="false" silent="false"/></toast>',
    ]);
  });

  it('a toast without content shows the alert', () => {
    expect(bodies({ wns: { toast: { launch: 'go', visual: { lang: 'de' } } } })).toEqual([
      '<toast launch="go"><visual lang="de"><binding template="ToastGeneric"><text>Hi</text></binding></visual></toast>',
    ]);
  });

  it('sends badge, tile, raw and toast as separate requests, the toast last', () => {
    const wns = {
      badge: { value: 5, version: 1 },
      tile: {
        tag: 'scores',
        visual: { branding: 'name', binding: [{ template: 'TileWide', text: [{ content: 'x' }] }, { template: 'T' }] },
      },
      raw: { payload: { a: 1 } },
      toast: {},
    };
    const requests = build({ wns });
    expect(
      requests.map(({ headers }) => [headers['x-wns-type'], headers['content-type'], headers['x-wns-tag']]),
    ).toEqual([
      ['wns/badge', 'text/xml', undefined],
      ['wns/tile', 'text/xml', 'scores'],
      ['wns/raw', 'application/octet-stream', undefined],
      ['wns/toast', 'text/xml', 'fnDWK8bG'],
    ]);
    expect(bodies({ wns }).slice(0, 3)).toEqual([
      '<badge version="1" value="5"/>',
      '<tile><visual branding="name"><binding template="TileWide"><text>x</text></binding><binding template="T"/></visual></tile>',
      '{"a":1}',
    ]);
  });

  it('sends raw text unchanged', () => {
    expect(bodies({ wns: { raw: { payload: '<not xml & fine' } } })).toEqual(['<not xml & fine']);
  });

  it.each([
    ['an id of 16', 'abcdefgh12345678', 'abcdefgh12345678'],
    ['a longer id', 'abcdefgh123456789', expect.stringMatching(/^[0-9a-f]{16}$/)],
    ['an id with a dash', 'a-b', expect.stringMatching(/^[0-9a-f]{16}$/)],
  ])('uses the tag from %s', (_what, collapseId, tag) => {
    const tagOf = () => build({ collapseId })[0]!.headers['x-wns-tag'];
    expect(tagOf()).toEqual(tag);
    expect(tagOf()).toBe(tagOf());
  });

  it.each<[string, Partial<Notification>, string | undefined, string | undefined]>([
    ["until the message's end", {}, '60', undefined],
    ["the caller's shorter time", { wns: { expirationTime: 30 } }, '30', undefined],
    ["never longer than the message's life", { wns: { expirationTime: 90 } }, '60', undefined],
    ['at most the life of a channel', { expiresAt: NOW + 1e12 }, '2592000', undefined],
    ['cached', { wns: { cachePolicy: true } }, '60', 'cache'],
    ['not cached', { wns: { cachePolicy: false } }, '60', 'no-cache'],
    ['now or never', { expiresAt: NOW, wns: { cachePolicy: true } }, undefined, 'no-cache'],
  ])('time to live: %s', (_what, change, ttl, policy) => {
    const { headers } = build(change)[0]!;
    expect([headers['x-wns-ttl'], headers['x-wns-cache-policy']]).toEqual([ttl, policy]);
  });
});
