import { randomBytes } from 'node:crypto';

/** Pure rules of the console's page. */

/** Where `index.html` has the nonce of its styles: in the element that the front end reads it from. */
const PLACEHOLDER = '__CSP_NONCE__';

export interface PageAnswer {
  html: string;
  policy: string;
}

/** The page with a nonce of its own, and the policy with the same nonce. */
export function renderPage(html: string): PageAnswer {
  const nonce = randomBytes(16).toString('base64');
  return { html: html.replaceAll(PLACEHOLDER, nonce), policy: policyOf(nonce) };
}

/** Scripts come from files alone; elements of style need the nonce. No form is submitted: scripts call the API. */
function policyOf(nonce: string): string {
  return [
    "default-src 'self'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join(';');
}

/** A page without the console's files. */
export const NOT_BUILT = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Carillon</title></head>
<body>
<h1>The Operations Console is not built</h1>
<p>Carillon runs, but its folder <code>dist/console/page</code> has no <code>index.html</code>.
Run <code>npm run build</code> and start Carillon again. <code>CONSOLE=off</code> serves no console.</p>
</body>
</html>
`;
