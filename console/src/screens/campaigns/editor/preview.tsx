import { Stack, TagsInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../../api/client';
import { reading } from '../../../api/read';
import { Previews } from '../../../parts/previews';
import { texts } from '../../../texts/texts';
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

const OFFERED = 20;
const PAUSE_MS = 200;

interface DeviceChoiceProps {
  applicationId: string;
  value: string[];
  onChange: (next: string[]) => void;
}

/** Without the right to list devices an id is typed. */
function DeviceChoice({ applicationId, value, onChange }: DeviceChoiceProps) {
  const [typed, setTyped] = useState('');
  const [idPrefix] = useDebouncedValue(typed.trim(), PAUSE_MS);
  const { data = [] } = useQuery({
    ...reading(['device-ids', applicationId, idPrefix], async (options) => {
      const query = { size: OFFERED, ...(idPrefix && { idPrefix }) };
      const request = api.GET('/imfpush/v1/apps/{applicationId}/devices', {
        params: { path: { applicationId }, query },
        ...options,
      });
      const { devices } = await bodyOf(request);
      return devices.map(({ deviceId }) => deviceId).filter((deviceId) => deviceId !== undefined);
    }),
    placeholderData: keepPreviousData,
  });
  return (
    <TagsInput
      label={texts.editor.device}
      description={texts.editor.deviceHint}
      data={data}
      maxTags={1}
      value={value}
      onChange={onChange}
      searchValue={typed}
      onSearchChange={setTyped}
    />
  );
}
