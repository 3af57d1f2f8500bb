import { ZONE } from '../../parts/format';

/** Time zones to choose from: the chosen one, the viewer's and UTC come first. */
export function zonesWith(zone: string): string[] {
  return [...new Set([zone, ZONE, 'UTC', ...Intl.supportedValuesOf('timeZone')])];
}
