import { ERROR_CODES } from '../src/common/errors.js';
import type { ErrorCode } from '../src/common/errors.js';
import { formatMarkdown } from './markdown.js';

/** Cause and cure of each code. A code without an entry does not compile. */
const CODES: Record<ErrorCode, { cause: string; cure: string }> = {
  FPWSE0001E: {
    cause: 'The application, device, tag, message, campaign or path does not exist.',
    cure: '`message` names the parameter. Ids with `/` must be sent as `%2F`; look at the proxy’s paths.',
  },
  FPWSE0002E: {
    cause: 'The resource exists already, or another request came under the same `Idempotency-Key`.',
    cure: 'Use another id or name; use a new key for each different request.',
  },
  FPWSE0004E: {
    cause: 'The body is not a JSON object in UTF-8, is cut short, is too deep, or came where none is taken.',
    cure: 'Check the JSON and `Content-Length`; trailing commas are errors.',
  },
  FPWSE0005E: { cause: 'A value is missing or invalid.', cure: '`message` names the field and the reason.' },
  FPWSE0007E: { cause: 'The route has no such query parameter.', cure: '`message` names it.' },
  FPWSE0008E: { cause: 'A query parameter is missing.', cure: '`message` names it.' },
  FPWSE0010E: {
    cause: 'A fault of Carillon.',
    cure: 'The log has a line `… failed` of this moment with the cause. Nothing was accepted.',
  },
  FPWSE0011E: { cause: 'The device is subscribed to the tag already.', cure: 'Nothing to do.' },
  FPWSE0012E: { cause: 'The device is not subscribed to the tag.', cure: 'Nothing to do.' },
  FPWSE0025E: {
    cause:
      'The database is away, takes no writes or has a wrong clock; too many bodies are read at once (`HTTP_MAX_BODY_BYTES`); or the process stops.',
    cure: 'Send the request again after `Retry-After`, with the same `Idempotency-Key`. See [503](#503-from-healthready).',
  },
  FPWSE1007E: {
    cause: 'The application is disabled.',
    cure: '`PUT …/status` with `{"enabled":true}`.',
  },
  FPWSE1079E: { cause: '`offset` is not a number from 0 on.', cure: 'Correct it.' },
  FPWSE1080E: { cause: '`size` is not a number above 0.', cure: 'Correct it.' },
  CARIL0401E: {
    cause: 'No token, or a token that has expired, was revoked, or belongs to a disabled or deleted client.',
    cure: 'Get a new token. See [401](#401-or-invalid_client-with-a-right-secret).',
  },
  CARIL0403E: {
    cause: 'The scope of the token, or the allowed scope of the client, does not cover the call.',
    cure: '`message` names what is missing: ask for it at the token endpoint, or widen the client’s allowed scope.',
  },
  CARIL0405E: {
    cause: 'The route does not have this method, or takes another content type.',
    cure: '`Allow` has the methods; send `Content-Type: application/json`.',
  },
  CARIL0406E: { cause: '`Accept` excludes every type of the answer.', cure: 'Leave `Accept` out or add the type.' },
  CARIL0408E: {
    cause: 'The head or body of the request came too slowly.',
    cure: '`HTTP_HEADERS_TIMEOUT` and `HTTP_REQUEST_TIMEOUT` are the limits; look at the network and the proxy.',
  },
  CARIL0409E: {
    cause: 'The state of the resource does not allow the call, or a quota is used up.',
    cure: '`message` says which state, or names the setting `QUOTA_…`.',
  },
  CARIL0410E: {
    cause:
      'The events after the cursor are no longer kept (`WEBHOOK_EVENT_DAYS`), or the cursor is of another database.',
    cure: 'Read the events without `after`, and compare their ids with those that were handled.',
  },
  CARIL0412E: {
    cause: 'The resource was changed since the caller read it: `If-Match` names an earlier revision.',
    cure: 'Read the resource again, and send the change with the `ETag` of that answer.',
  },
  CARIL0413E: {
    cause: 'The body is larger than the limit.',
    cure: 'Split it: most routes take 1 MiB, messages in bulk 4 MiB, `devices:import` any size.',
  },
  CARIL0415E: {
    cause: 'A charset other than UTF-8, or a content coding other than gzip and br.',
    cure: 'Send UTF-8; `Accept-Encoding` of the answer has the codings.',
  },
  CARIL0429E: {
    cause: 'Too many requests, too many at once, or too many failed attempts to authenticate.',
    cure: 'Wait for `Retry-After`. Limits: `LIMIT_…`, or the client’s own. Behind a proxy set `TRUST_PROXY`.',
  },
  CARIL0431E: { cause: 'The head of the request is over 16 KiB.', cure: 'Send fewer or shorter headers.' },
  CARIL0501E: {
    cause: 'A `Transfer-Encoding` other than `chunked`.',
    cure: 'Send `Content-Length` or `chunked`.',
  },
};

const BEGIN =
  '<!-- error codes: generated from src/common/errors.ts and scripts/error-codes.ts by npm run documents -->';
const END = '<!-- end of error codes -->';

/** docs/troubleshooting.md with its table of error codes. */
export function withErrorCodes(text: string): Promise<string> {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error('The text has no place for the error codes');
  const rows = (Object.keys(ERROR_CODES) as ErrorCode[]).map(
    (code) => `| \`${code}\` | ${ERROR_CODES[code]} | ${CODES[code].cause} | ${CODES[code].cure} |`,
  );
  const table = ['| code | status | cause | cure |', '| --- | --- | --- | --- |', ...rows];
  return formatMarkdown([before + BEGIN, '', ...table, '', END + after].join('\n'));
}
