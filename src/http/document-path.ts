/** The path of a route of Fastify in the form of the API document, pure. */
export function documentPath(url: string): string {
  return url
    .replaceAll(/(?<!:):(\w+)/g, '{$1}')
    .replaceAll('::', ':')
    .replace(/(?<=.)\/$/, '');
}
