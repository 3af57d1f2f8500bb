import { expect, it } from 'vitest';
import { renderPage } from './page.js';

const HTML = '<style nonce="__CSP_NONCE__"></style><meta name="csp-nonce" content="__CSP_NONCE__">';

it('has one nonce in the page and in the policy, and another one in each answer', () => {
  const pages = [renderPage(HTML), renderPage(HTML)];
  const nonces = pages.map(({ policy }) => /'nonce-([^']+)'/.exec(policy)?.[1] ?? '');
  for (const [index, { html }] of pages.entries()) {
    expect(html).not.toContain('__CSP_NONCE__');
    expect(html.split(`"${nonces[index]}"`)).toHaveLength(3);
  }
  expect(nonces[0]).not.toBe(nonces[1]);
});

it('lets no inline script run', () => {
  const { policy } = renderPage(HTML);
  expect(policy).not.toContain('unsafe');
  expect(policy).toContain("script-src 'self';");
});
