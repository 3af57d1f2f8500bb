/** Hosts of a setting: `name`, `name:port`, `*.name` for every host below `name`; an address matches itself. */

const HOST = /^((\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:\d{1,5})?$/;

export function isHostPattern(text: string): boolean {
  return HOST.test(text);
}

/** A pattern without a port matches only URLs with the scheme's default port. */
export function isListed({ host }: URL, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern));
}
