import { Stack, TagsInput, Text } from '@mantine/core';
import { useState } from 'react';
import { ScreenLink } from '../../parts/link';
import { ScopedButton, useSession } from '../../parts/scoped';
import { FailedAct } from '../../parts/states';
import { texts } from '../../texts/texts';
import type { Content } from './draft';
import { useTestSend } from './sending';

interface MyDevicesProps {
  applicationId: string;
  /** Null: there is nothing to send yet. */
  content: Content | null;
}

/** Sends the message to the viewer's own devices first. Their ids are kept in this browser, for this viewer. */
export function MyDevices({ applicationId, content }: MyDevicesProps) {
  const { kind, id } = useSession();
  const [owner] = useState(`${kind}:${id}`);
  const place = `carillon-my-devices:${owner}:${applicationId}`;
  const [deviceIds, setDeviceIds] = useState(() => localStorage.getItem(place)?.split('\n') ?? []);
  const test = useTestSend(applicationId);
  const words = texts.send.mine;
  const keep = (ids: string[]): void => {
    setDeviceIds(ids);
    if (ids.length > 0) localStorage.setItem(place, ids.join('\n'));
    else localStorage.removeItem(place);
  };
  return (
    <Stack gap="xs" align="stretch">
      <TagsInput
        label={words.title}
        description={words.hint}
        splitChars={[',', ';', ' ', '\n']}
        value={deviceIds}
        onChange={keep}
      />
      <div>
        <ScopedButton
          needs="messages.write"
          applicationId={applicationId}
          variant="default"
          loading={test.isPending}
          disabled={deviceIds.length === 0 || content === null}
          onClick={() => content && test.mutate({ content, deviceIds })}
        >
          {words.button}
        </ScopedButton>
      </div>
      <div role="status">
        {test.isPending && <Text size="sm">{texts.send.plan.sending}</Text>}
        {test.data && (
          <Text size="sm">
            {words.sent}{' '}
            <ScreenLink to="/apps/$app/messages/$message" params={{ app: applicationId, message: test.data.messageId }}>
              {words.watch}
            </ScreenLink>
          </Text>
        )}
      </div>
      {test.error && <FailedAct error={test.error} />}
    </Stack>
  );
}
