import { Alert, Button, Code, Fieldset, Grid, Group, Stack, Text, Title } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { readAudience } from '../../parts/audience/audience';
import { AudienceBuilder } from '../../parts/audience/audience-builder';
import { AudienceCount } from '../../parts/audience/audience-count';
import { DeviceChoice } from '../../parts/device-choice';
import { useDraft } from '../../parts/draft';
import { ScreenLink } from '../../parts/link';
import { Page } from '../../parts/page';
import { Previews } from '../../parts/previews';
import { useMay } from '../../parts/scoped';
import { Warnings } from '../../parts/warnings';
import { texts } from '../../texts/texts';
import { ContentFields } from './content-fields';
import { emptyDraft, toContent, wrongFields } from './draft';
import type { SendDraft } from './draft';
import { MyDevices } from './my-devices';
import { Plan } from './plan';
import { SaveAudience } from './save-audience';
import { isTooOld, useSend } from './sending';
import type { Sent } from './sending';

/** Writes a message, shows the audience and the plan, and sends it once. */
export function Send() {
  const { app } = useParams({ strict: false });
  return <SendForm key={app} applicationId={app ?? ''} />;
}

function SendForm({ applicationId }: { applicationId: string }) {
  const [draft, setDraft, clear] = useDraft<SendDraft>(`send:${applicationId}`, emptyDraft());
  const [isPlanned, setPlanned] = useState(false);
  const [device, setDevice] = useState<string[]>([]);
  const [deviceId] = device;
  const [sent, setSent] = useState<Sent | null>(null);
  const onSent = (answer: Sent): void => {
    clear();
    setSent(answer);
    setPlanned(false);
  };
  const sending = useSend({ applicationId, draft, setDraft, onSent });
  const may = useMay('messages.write', applicationId);
  const words = texts.send;
  const set = (members: Partial<SendDraft>): void => setDraft({ ...draft, ...members });
  const { platforms } = draft.audience;
  const audience = readAudience(draft.audience);
  const isWritten = draft.text.trim() !== '' && wrongFields(draft).length === 0;
  const content = isWritten ? toContent(draft) : null;
  const body =
    content && 'target' in audience ? { ...content, ...(audience.target && { target: audience.target }) } : null;
  const plan = (): void => {
    sending.reset();
    setPlanned(true);
  };
  return (
    <Page title={words.title} lead={words.lead(applicationId)}>
      {!may && (
        <Alert color="gray" title={words.lookOnly}>
          {texts.states.needs} <Code>messages.write</Code>
        </Alert>
      )}
      {sent ? (
        <Accepted applicationId={applicationId} sent={sent} onNext={() => setSent(null)} />
      ) : isPlanned && body ? (
        <Plan
          applicationId={applicationId}
          body={body}
          sendAt={draft.sendAt}
          isOldTry={isTooOld(draft)}
          sending={sending}
          onSend={(another) => !sending.isPending && sending.mutate({ body, another })}
          onBack={() => setPlanned(false)}
        />
      ) : (
        <Grid gap="lg">
          <Grid.Col span={{ base: 12, lg: 7 }}>
            <form
              onSubmit={(event) => {
                event.preventDefault();
                if (body) plan();
              }}
            >
              <Stack>
                <ContentFields draft={draft} set={set} />
                <Fieldset legend={texts.audience.legend}>
                  <AudienceBuilder
                    applicationId={applicationId}
                    value={draft.audience}
                    onChange={(next) => set({ audience: next })}
                  />
                </Fieldset>
                <AudienceCount applicationId={applicationId} audience={audience} />
                {draft.audience.kind !== 'saved' && 'target' in audience && audience.target && (
                  <SaveAudience
                    key={JSON.stringify(audience.target)}
                    applicationId={applicationId}
                    target={audience.target}
                  />
                )}
                <Group>
                  <Button type="submit" disabled={body === null}>
                    {words.toPlan}
                  </Button>
                  {body === null && (
                    <Text size="sm" c="dimmed">
                      {isWritten ? words.chooseFirst : words.writeFirst}
                    </Text>
                  )}
                  <Button variant="subtle" color="gray" onClick={clear}>
                    {words.discard}
                  </Button>
                </Group>
              </Stack>
            </form>
          </Grid.Col>
          <Grid.Col span={{ base: 12, lg: 5 }}>
            <Stack>
              <Title order={2} size="h4">
                {texts.previews.title}
              </Title>
              <DeviceChoice applicationId={applicationId} value={device} onChange={setDevice} />
              <Previews
                applicationId={applicationId}
                of={content && { content, deviceId }}
                shows={({ platform }) =>
                  deviceId !== undefined || platforms.length === 0 || platforms.includes(platform)
                }
              />
              <MyDevices applicationId={applicationId} content={content} />
            </Stack>
          </Grid.Col>
        </Grid>
      )}
    </Page>
  );
}

interface AcceptedProps {
  applicationId: string;
  sent: Sent;
  onNext: () => void;
}

function Accepted({ applicationId, sent: { messageId, warnings }, onNext }: AcceptedProps) {
  const link = useRef<HTMLAnchorElement>(null);
  const words = texts.send.accepted;
  useEffect(() => link.current?.focus(), []);
  return (
    <Alert color="teal" title={words.title} role="status">
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{words.stored}</Text>
        <Warnings warnings={warnings} />
        <Group>
          <ScreenLink ref={link} to="/apps/$app/messages/$message" params={{ app: applicationId, message: messageId }}>
            {words.watch(messageId)}
          </ScreenLink>
          <Button size="xs" variant="default" onClick={onNext}>
            {words.next}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
