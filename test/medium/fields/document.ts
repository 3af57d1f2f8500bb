import { formatMarkdown } from '../../../scripts/markdown.js';
import { GONE, PLACES, type Landing, type Place, type Row } from './row.js';
import { ROWS } from './rows.js';

/** docs/fields.md: the rows as tables for readers. */

const NAMES: Readonly<Record<Place, string>> = {
  apns: 'APNs',
  fcm: 'FCM',
  hms: 'HMS v1',
  harmony: 'HMS v3',
  wns: 'WNS',
  chrome: 'Chrome',
  firefox: 'Firefox',
  safari: 'Safari',
};

const PREFACE = `# Where each field lands

Every field of \`POST …/messages\` with an example value, and the place where it arrives at each provider. A provider that is not named ignores the field. \`test/medium/fields/\` sends each value to the simulators and holds the requests that arrive to the provider's published schema; this
page is generated from its rows (\`npm run documents\`).

\`a.b\` is a member of the body (at FCM and HMS v1 of its \`message\`), \`a > b\` a member of the JSON text in \`a\`, \`toast/@launch\` an attribute of the
XML; a name with \`x-wns-\`, \`apns-…\`, \`ttl\`, \`urgency\`, \`topic\` or \`push-type\` is a header. _gone_: absent with the field, present without it. HMS v1 is
Android, v3 HarmonyOS 5 and later. Times count from 2026-11-25 12:00 UTC.
`;

export async function fieldsDocument(): Promise<string> {
  const sections = ['message', 'settings.apns', 'settings.gcm', 'settings.wns', 'settings.…Web'].map(sectionOf);
  const text = [PREFACE, ...sections].join('\n');
  return formatMarkdown(text);
}

function sectionOf(name: string): string {
  const rows = ROWS.filter(({ field }) => nameOf(field) === name);
  const title = name === 'message' ? 'The message, and fields for all platforms' : `\`${name}\``;
  return [`## ${title}\n`, '| field | value | lands |', '| --- | --- | --- |', ...rows.map(lineOf), ''].join('\n');
}

function nameOf(field: string): string {
  if (/^settings\.\w+Web\./.test(field)) return 'settings.…Web';
  return /^settings\.(apns|gcm|wns)(?=\.)/.exec(field)?.[0] ?? 'message';
}

function lineOf({ field, value, lands, note }: Row): string {
  return `| ${code(field)} | ${code(JSON.stringify(value))} | ${note ?? landingOf(lands)} |`;
}

/** Joins the places where the same happens. */
function landingOf(lands: Landing): string {
  const places = new Map<string, Place[]>();
  for (const place of PLACES) {
    if (!lands[place]) continue;
    const what = Object.entries(lands[place]).map(([path, value]) => `${code(path)} ${wordOf(value)}`);
    places.set(what.join(', '), [...(places.get(what.join(', ')) ?? []), place]);
  }
  return [...places].map(([what, at]) => `${at.map((place) => NAMES[place]).join(', ')}: ${what}`).join('<br>');
}

function wordOf(value: unknown): string {
  return value === GONE ? '_gone_' : code(JSON.stringify(value));
}

function code(text: string): string {
  return `\`${text.replaceAll('|', String.raw`\|`)}\``;
}
