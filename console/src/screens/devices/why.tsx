import { Alert, Button, Card, Group, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ScreenLink } from '../../parts/link';
import { timeText } from '../../parts/format';
import { meaningOf, retirementText } from '../../parts/reasons';
import { WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { platformName } from './device-state';
import { explanationQuery } from './queries';
import type { DevicePath, Explanation } from './queries';

interface WhyProps {
  path: DevicePath;
  /** Of the address, so that the answer can be shared. */
  messageId: string | undefined;
  ask: (messageId: string | undefined) => void;
}

/** Why the device did or did not get one message: its delivery, or the reason why it is not in the audience. */
export function Why({ path, messageId, ask }: WhyProps) {
  const [typed, setTyped] = useState(messageId ?? '');
  const words = texts.devices.why;
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="xs">
        {words.title}
      </Title>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask(typed.trim() === '' ? undefined : typed.trim());
        }}
      >
        <Group align="flex-end" gap="xs">
          <TextInput
            label={words.messageId}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            flex={1}
          />
          <Button type="submit" variant="default">
            {words.ask}
          </Button>
        </Group>
      </form>
      {messageId !== undefined && <Answer path={path} messageId={messageId} />}
    </Card>
  );
}

function Answer({ path, messageId }: { path: DevicePath; messageId: string }) {
  const told = useQuery(explanationQuery(path, messageId));
  const words = texts.devices.why;
  return (
    <WithData query={told}>
      {(answer) => {
        const { outcome, reason, attempts } = answer;
        const isIn = outcome !== 'notInAudience';
        return (
          <Alert color={isIn ? 'blue' : 'gray'} mt="sm" role="status" title={isIn ? words.got : words.notIn}>
            <Text size="sm">
              {isIn ? words.outcome(texts.outcomes[outcome] ?? outcome, attempts ?? 0) : whyNotText(answer)}
            </Text>
            {isIn && <Text size="sm">{words.meanings[outcome]}</Text>}
            {isIn && reason && (
              <Text size="sm">
                {words.reason(reason)} {meaningOf(reason)}
              </Text>
            )}
            <ScreenLink
              to="/apps/$app/messages/$message"
              params={{ app: path.applicationId, message: messageId }}
              fz="sm"
            >
              {words.toMessage}
            </ScreenLink>
          </Alert>
        );
      }}
    </WithData>
  );
}

function whyNotText({ reason = '', reasonCode, ...why }: Explanation): string {
  const words = texts.codes.whyNot;
  if (reasonCode === 'resend') return words.resend(why.resendOf ?? '');
  if (reasonCode === 'otherPlatform')
    return words.otherPlatform((why.targetPlatforms ?? []).map(platformName).join(', '));
  if (reasonCode === 'otherAttribute') return words.otherAttribute(why.attribute ?? '');
  if (reasonCode === 'retired')
    return words.retired(timeText(why.retiredTime ?? ''), retirementText(why.retiredReason ?? ''));
  if (reasonCode === 'dailyCap') return words.dailyCap(why.capped ?? 0);
  // A newer API may know more codes.
  return (reasonCode && words[reasonCode]) ?? reason;
}
