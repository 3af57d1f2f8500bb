/** Hosts that a setting names: `name`, `name:port`, `*.name` for any host below it; an address stands for itself. */

const HOST = /^((\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:\d{1,5})?$/;

export function isHostPattern(text: string): boolean {
  return HOST.test(text);
}

/** Without a port the scheme's own is meant: a URL that names another is not listed. */
export function isListed({ host }: URL, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern));
}
