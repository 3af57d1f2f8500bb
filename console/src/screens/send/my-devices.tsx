import { Stack, TagsInput, Text } from '@mantine/core';
import type { Content } from '../../parts/content';
import { ScreenLink } from '../../parts/link';
import { useMyDevices } from '../../parts/my-devices';
import { ScopedButton } from '../../parts/scoped';
import { FailedAct } from '../../parts/states';
import { texts } from '../../texts/texts';
import { useTestSend } from './sending';

interface MyDevicesProps {
  applicationId: string;
  /** Null: there is nothing to send yet. */
  content: Content | null;
}

/** Sends the message to the viewer's own devices first. */
export function MyDevices({ applicationId, content }: MyDevicesProps) {
  const [deviceIds, keep] = useMyDevices(applicationId);
  const test = useTestSend(applicationId);
  const words = texts.send.mine;
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
