import { SETTINGS } from '../src/settings.js';

const BEGIN = '<!-- settings: generated from src/settings.ts by npm run documents -->';
const END = '<!-- end of settings -->';

/** The README with its table of settings as `src/config.ts` has them. */
export function withSettingsTable(readme: string): string {
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error('README.md has no place for the settings');
  const rows = SETTINGS.map(
    ({ name, fallback, meaning }) => `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${meaning} |`,
  );
  return [before + BEGIN, '', '| setting | default | meaning |', '| --- | --- | --- |', ...rows, '', END + after].join(
    '\n',
  );
}
