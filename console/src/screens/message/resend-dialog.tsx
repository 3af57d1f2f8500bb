import { Checkbox, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { Act, Dialog } from '../../parts/dialog';
import { numberText } from '../../parts/format';
import { newKey } from '../../parts/random';
import { ScreenLink } from '../../parts/link';
import { texts } from '../../texts/texts';
import { readAgain } from './queries';
import type { MessagePath, Report } from './queries';

const CHOICES = ['unknown', 'failed', 'rejected', 'expired', 'cancelled'] as const;
type Choice = (typeof CHOICES)[number];

interface ResendDialogProps {
  close: () => void;
  path: MessagePath;
  report: Report;
}

/**
 * Sends chosen outcomes again. The key belongs to one choice: a second press or a lost answer sends once, another
 * choice is another message.
 */
export function ResendDialog({ close, path, report: { outcomes } }: ResendDialogProps) {
  const queries = useQueryClient();
  const there = CHOICES.filter((outcome) => outcomes[outcome] > 0);
  const [chosen, setChosen] = useState<Choice[]>(
    there.filter((outcome) => outcome === 'unknown' || outcome === 'failed'),
  );
  const [key, setKey] = useState(newKey);
  const number = chosen.reduce((sum, outcome) => sum + outcomes[outcome], 0);
  const sending = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST('/imfpush/v1/apps/{applicationId}/messages/{messageId}/resend', {
          params: { path, header: { 'Idempotency-Key': key } },
          body: { outcomes: chosen },
        }),
      ),
    onSuccess: () => readAgain(queries, path),
  });
  return (
    <Dialog title={texts.message.resendTitle} close={close}>
      {sending.data ? (
        <Stack align="flex-start">
          <Text role="status">{texts.message.resent(number)}</Text>
          <ScreenLink
            to="/apps/$app/messages/$message"
            params={{ app: path.applicationId, message: sending.data.messageId }}
            onClick={close}
          >
            {texts.message.showResend}
          </ScreenLink>
        </Stack>
      ) : (
        <Act
          close={close}
          of={sending}
          act={() => sending.mutate()}
          label={texts.message.resendDo(number)}
          disabled={number === 0}
        >
          <Text size="sm">{texts.message.resendLead}</Text>
          <Checkbox.Group
            value={chosen}
            onChange={(next) => {
              setChosen(next);
              setKey(newKey());
            }}
            aria-label={texts.message.outcomes}
          >
            <Stack gap="xs">
              {there.map((outcome) => (
                <Checkbox
                  key={outcome}
                  value={outcome}
                  label={`${texts.outcomes[outcome]}: ${numberText(outcomes[outcome])}`}
                />
              ))}
            </Stack>
          </Checkbox.Group>
        </Act>
      )}
    </Dialog>
  );
}
