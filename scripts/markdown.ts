import { fileURLToPath } from 'node:url';
import prettier from 'prettier';

const README = fileURLToPath(new URL('../README.md', import.meta.url));

/** Formats a generated document as `npm run format` leaves it. */
export async function formatMarkdown(text: string): Promise<string> {
  return prettier.format(text, { ...(await prettier.resolveConfig(README)), parser: 'markdown' });
}
