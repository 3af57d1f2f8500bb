import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { element, escapeXml } from './xml.js';

describe('escapeXml', () => {
  it.each([
    ['<b>&"\'', "&lt;b&gt;&amp;&quot;'"],
    ['a\r\n\tb', 'a&#13;&#10;&#9;b'],
    [']]>', ']]&gt;'],
    ['a\u0000\u0001\u000b\u001f\ufffe\uffffb', 'ab'],
    ['\ud800x\udc00', 'x'],
    ['Grüße 👋', 'Grüße 👋'],
  ])('%j', (text, escaped) => {
    expect(escapeXml(text)).toBe(escaped);
  });

  it('leaves no markup and no character that XML does not allow', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeXml(text);
        // oxlint-disable-next-line no-control-regex -- control characters are what it is about
        expect(escaped).not.toMatch(/[<>"\u0000-\u001f\ufffe\uffff]|&(?!(amp|lt|gt|quot|#\d+);)/);
        expect(escaped.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('element', () => {
  it('escapes attributes and leaves out undefined values', () => {
    expect(element('a', { b: '"<', c: 1, d: false, e: undefined, f: null, g: {} }, '')).toBe(
      '<a b="&quot;&lt;" c="1" d="false"/>',
    );
    expect(element('a', {}, '<b/>')).toBe('<a><b/></a>');
  });
});
