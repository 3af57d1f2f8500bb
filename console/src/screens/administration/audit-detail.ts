type Values = Readonly<Record<string, unknown>>;

/** The detail of an event, one line a field: `name: value`, or of a change `name: value before → value after`. */
export function detailLines({ before, after, ...told }: Values): string[] {
  const [old, now] = [valuesOf(before), valuesOf(after)];
  const changed = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return [
    ...Object.entries(told).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${valueText(value)}`])),
    ...changed.map((name) => `${name}: ${valueText(old[name])} → ${valueText(now[name])}`),
  ];
}

function valuesOf(value: unknown): Values {
  return typeof value === 'object' && value !== null ? (value as Values) : {};
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
