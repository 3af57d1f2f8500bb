import { SETTINGS } from '../src/settings.js';
import { formatMarkdown } from './markdown.js';

/** docs/settings.md, formatted as `npm run format` leaves it. */
export function settingsDocument(): Promise<string> {
  const rows = SETTINGS.map(
    ({ name, fallback, meaning, isSecret }) =>
      `| \`${name}\`${isSecret ? ' ¹' : ''} | ${fallback === '' ? '' : `\`${fallback}\``} | ${meaning} |`,
  );
  const text = [
    '# Settings',
    '',
    'Every setting is an environment variable. The server refuses to start and names every setting that is misspelled, ' +
      'incomplete or invalid; the log names variables that look like settings and are none. This page is generated from `src/settings.ts` by `npm run documents`.',
    '',
    'Variables that other programs read and that matter here: `NODE_EXTRA_CA_CERTS` (Node, at its start: PEM file of ' +
      'authorities for Redis over TLS). How to choose values: [operations](../docs/operations.md).',
    '',
    '| setting | default | meaning |',
    '| --- | --- | --- |',
    ...rows,
    '',
    '¹ A secret: in its place, the variable with `_FILE` at the end of its name (`MASTER_KEY_FILE`) may name a file that ' +
      'contains the value; one line end at the end of the file is not a part of it.',
    '',
  ].join('\n');
  return formatMarkdown(text);
}
