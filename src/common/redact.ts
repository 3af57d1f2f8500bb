/** In place of a secret. */
const CUT = '[cut]';

/** Names whose values are secrets or the text of a message, in JSON, forms, headers and the words of errors. */
const NAMES =
  'authorization|proxy-authorization|cookie|set-cookie|password|passwd|passphrase|(?:[a-z]{1,20}[_-]?)?secrets?|(?:[a-z]{1,20}[_-]?)?token|client_assertion|assertion|api[_-]?key|private[_-]?key|masterKey|MASTER_KEY\\w*|code_verifier|alert|p256dh|auth|channelUri|endpoint';

/** A line may hold JSON inside of JSON, so a quotation mark has any number of backslashes before it. */
const QUOTE = '\\\\*["\']';

const RULES: readonly [RegExp, string][] = [
  // A key in PEM, with its line ends as they are or escaped.
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gs, CUT],
  // The path of a link may be a device's address at a push service, or a secret of a webhook.
  [/\b(https?|wss?):\/\/(?:[^\s"'/?#@]*@)?([^\s"'/?#\\)]+)[/?#][^\s"')]*/gi, `$1://$2/${CUT}`],
  // Any other address may have a password in it: of the database, the queue, a proxy.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"']*@/gi, `$1${CUT}@`],
  [/\b(Basic|Bearer|vapid|WebPush) +(?![a-z]+(?:[\s"',;:.]|$))[\w.~+/=-]{6,}/gi, `$1 ${CUT}`],
  [/\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g, CUT],
  // The value ends at a quotation mark with as many backslashes as the one at its begin, or with the line.
  [
    new RegExp(
      `(${QUOTE}(?:${NAMES})${QUOTE}\\s*:\\s*)(\\\\*")(?:[^"\\\\]|(?!\\2)\\\\+"|\\\\+[^"\\\\])*(?:\\2|$|(?="))`,
      'gi',
    ),
    `$1$2${CUT}$2`,
  ],
  [new RegExp(`\\b((?:${NAMES})=)[^\\s"'&,;\\\\]+`, 'gi'), `$1${CUT}`],
  // Tokens of devices and providers: longer than every id, digest and trace that the log has.
  [/[\w+=:%-]{65,}|(?<![\w-])[0-9a-f]{64}(?![\w-])/gi, CUT],
];

/**
 * A word of each rule and of each name above, in lower case. Most lines have none and pass with one look of 1 µs; the
 * names with their optional parts take 8 µs, a twelfth of a short request.
 */
const WORDS =
  /:\/\/|key|eyj|basic |bearer |vapid |webpush |cookie|passw|passphrase|secret|token|assertion|code_verifier|alert|p256dh|auth|channeluri|endpoint/;
const LONG = /(?<![\w+=:%-])[\w+=:%-]{64}/;

/** The one place that keeps secrets out of the log: every line passes here before the output. */
export function redact(line: string): string {
  if (!WORDS.test(line.toLowerCase()) && !LONG.test(line)) return line;
  return RULES.reduce((text, [pattern, instead]) => text.replace(pattern, instead), line);
}
