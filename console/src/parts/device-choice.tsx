import { TagsInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../api/client';
import { reading } from '../api/read';
import { texts } from '../texts/texts';

const OFFERED = 20;
const PAUSE_MS = 200;

interface DeviceChoiceProps {
  applicationId: string;
  value: string[];
  onChange: (next: string[]) => void;
}

/** One device, by its id. Without the right to list devices the id is typed. */
export function DeviceChoice({ applicationId, value, onChange }: DeviceChoiceProps) {
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
