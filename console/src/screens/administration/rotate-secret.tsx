import { Radio, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Act, Dialog } from '../../parts/dialog';
import { texts } from '../../texts/texts';

const HOUR_S = 3_600;
const OVERLAPS = { day: 24 * HOUR_S, hour: HOUR_S, week: 7 * 24 * HOUR_S, none: 0 } as const;
type Overlap = keyof typeof OVERLAPS;

interface RotateSecretProps {
  name: string;
  rotate: (overlapSeconds: number) => Promise<string>;
  onClose: () => void;
  onRotated: (secret: string) => void;
}

/** A new secret; how long the old one holds beside it is chosen. */
export function RotateSecret({ name, rotate, onClose, onRotated }: RotateSecretProps) {
  const words = texts.administration;
  const [overlap, setOverlap] = useState<Overlap>('day');
  const rotating = useMutation({ mutationFn: () => rotate(OVERLAPS[overlap]), onSuccess: onRotated });
  return (
    <Dialog title={`${words.newSecret}: ${name}`} close={onClose}>
      <Act close={onClose} of={rotating} act={() => rotating.mutate()} label={words.rotate}>
        <Radio.Group
          label={words.overlap}
          value={overlap}
          onChange={(value) => setOverlap(value)}
          description={words.overlapHint}
        >
          <Stack gap="xs" mt="xs">
            {(Object.keys(OVERLAPS) as Overlap[]).map((each) => (
              <Radio key={each} value={each} label={words.overlaps[each]} />
            ))}
          </Stack>
        </Radio.Group>
        {overlap === 'none' && (
          <Text size="sm" c="orange.8">
            {words.endsAtOnce}
          </Text>
        )}
      </Act>
    </Dialog>
  );
}
