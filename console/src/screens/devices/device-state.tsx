import { Badge } from '@mantine/core';
import { texts } from '../../texts/texts';

/** A retired device gets nothing until it registers again. */
export function DeviceState({ state }: { state: 'active' | 'retired' | undefined }) {
  if (state === undefined) return null;
  return (
    <Badge
      variant={state === 'active' ? 'default' : 'filled'}
      color={state === 'active' ? undefined : 'gray.7'}
      tt="none"
    >
      {texts.devices.states[state]}
    </Badge>
  );
}

export function platformName(platform: string | undefined): string {
  return texts.platforms[platform as keyof typeof texts.platforms] ?? platform ?? '';
}
