import { Stack } from '@mantine/core';
import { useState } from 'react';
import { DeviceChoice } from '../../../parts/device-choice';
import { Previews } from '../../../parts/previews';
import type { Definition, Part } from './definition';

interface PreviewProps {
  applicationId: string;
  /** Null: there is no text yet. */
  definition: Definition | null;
  part: Part;
}

/** The chosen variant in the chosen language on every platform, or what a chosen device would get. */
export function Preview({ applicationId, definition, part: { variant, language } }: PreviewProps) {
  const [device, setDevice] = useState<string[]>([]);
  const [deviceId] = device;
  const name = variant === null ? null : definition?.split?.[variant]?.name;
  return (
    <Stack>
      <DeviceChoice applicationId={applicationId} value={device} onChange={setDevice} />
      <Previews
        applicationId={applicationId}
        of={
          definition && {
            content: definition.content,
            languages: definition.languages,
            split: definition.split,
            deviceId,
          }
        }
        shows={(rendering) =>
          (name === null || rendering.variant === name) && (deviceId !== undefined || rendering.language === language)
        }
      />
    </Stack>
  );
}
