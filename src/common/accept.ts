/**
 * Whether the Accept header allows one of `types` (RFC 9110 §12.5.1). A missing, empty or unreadable header allows
 * every type.
 */
export function accepts(header: string | undefined, types: readonly string[]): boolean {
  const ranges = (header ?? '')
    .split(',')
    .map((range) => range.trim().toLowerCase())
    .filter((range) => range !== '');
  if (ranges.length === 0) return true;
  return ranges.some((text) => {
    const [range = '', ...parameters] = text.split(';').map((piece) => piece.trim());
    if (parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter))) return false;
    if (!range.includes('/') || range === '*/*') return true;
    return types.some((type) => range === type || range === `${type.split('/')[0]}/*`);
  });
}
