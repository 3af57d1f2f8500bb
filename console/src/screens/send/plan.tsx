import { Alert, Button, Group, Progress, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { Failure } from '../../api/failure';
import type { components } from '../../api/schema';
import { ApprovalNote } from '../../parts/approval-note';
import { NotReached } from '../../parts/audience/audience-count';
import { bytesText, numberText, parseWhole, percentText } from '../../parts/format';
import { ScreenLink } from '../../parts/link';
import { pauseText } from '../../parts/reasons';
import { ScopedButton } from '../../parts/scoped';
import { describeFailure, WithData } from '../../parts/states';
import { Time } from '../../parts/time';
import { Warnings } from '../../parts/warnings';
import { texts } from '../../texts/texts';
import type { Content } from '../../parts/content';
import { ClockNote } from './clock-note';
import { End } from './end';
import { SentBefore } from './sending';

/** From here on the number of devices is typed before a message is sent. */
export const CONFIRM_ABOVE = 1_000;

interface PlanProps {
  applicationId: string;
  body: Content;
  /** As it was typed. */
  sendAt: string;
  /** A first try is older than the API remembers its key. */
  isOldTry: boolean;
  sending: { isPending: boolean; error: Error | null };
  onSend: (another: boolean) => void;
  onBack: () => void;
}

/** The effect of a send of exactly this body, asked of the API before the message is sent. */
export function Plan({ applicationId, body, sendAt, isOldTry, sending, onSend, onBack }: PlanProps) {
  const head = useRef<HTMLHeadingElement>(null);
  const [typed, setTyped] = useState('');
  const words = texts.send.plan;
  useEffect(() => head.current?.focus(), []);
  const plan = useQuery({
    queryKey: ['plan', applicationId, JSON.stringify(body)],
    queryFn: ({ signal }) => readPlan(applicationId, body, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  return (
    <Stack gap="md" aria-busy={sending.isPending}>
      <Title order={2} size="h3" tabIndex={-1} ref={head}>
        {words.title}
      </Title>
      <WithData query={plan}>
        {({ audience: { total, exact }, blocked, ...effect }) => {
          const mustType = total === null || total > CONFIRM_ABOVE;
          const isConfirmed =
            !mustType || (total === null ? typed.trim() === applicationId : parseWhole(typed) === total);
          return (
            <>
              <Who total={total} exact={exact} effect={effect} />
              {blocked.map((block) => (
                <Alert key={`${block.provider} ${block.code}`} color="red" title={words.blocked}>
                  {blockText(block)}
                </Alert>
              ))}
              {effect.warningDetails.length > 0 && (
                <Alert color="orange" title={words.warnings}>
                  <Warnings warnings={effect.warningDetails} />
                </Alert>
              )}
              {total !== null && <ApprovalNote applicationId={applicationId} total={total} text={words.approval} />}
              <Sizes sizes={effect.sizes} />
              <Text size="sm">
                {effect.sendTime ? (
                  <>
                    {words.sentAt} <Time time={effect.sendTime} />
                  </>
                ) : (
                  words.sentNow
                )}
                {' · '}
                {words.expires} <Time time={effect.expiresTime} />
              </Text>
              {effect.estimate && <End estimate={effect.estimate} />}
              <ClockNote sendAt={sendAt} />
              {mustType && (
                <TextInput
                  label={total === null ? words.typeName(applicationId) : words.typeNumber(numberText(total))}
                  description={words.typeWhy(numberText(CONFIRM_ABOVE))}
                  value={typed}
                  autoComplete="off"
                  error={typed !== '' && !isConfirmed ? words.typedOther : undefined}
                  onChange={(event) => setTyped(event.currentTarget.value)}
                />
              )}
              {isOldTry && <Alert color="orange">{words.oldTry}</Alert>}
              <Trouble applicationId={applicationId} sending={sending} onAnother={() => onSend(true)} />
              <Group>
                <Button variant="default" onClick={onBack} disabled={sending.isPending}>
                  {words.back}
                </Button>
                {!(sending.error instanceof SentBefore) && (
                  <ScopedButton
                    needs="messages.write"
                    applicationId={applicationId}
                    loading={sending.isPending}
                    disabled={!isConfirmed || total === 0}
                    onClick={() => onSend(false)}
                  >
                    {sending.error ? words.sendAgain : total === null ? words.sendRelayed : words.send(total)}
                  </ScopedButton>
                )}
                <Text size="sm" role="status">
                  {sending.isPending ? words.sending : total === 0 ? words.nobody : ''}
                </Text>
              </Group>
            </>
          );
        }}
      </WithData>
      {plan.data === undefined && (
        <Group>
          <Button variant="default" onClick={onBack}>
            {words.back}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

type Effect = components['schemas']['DryRunAnswer'];

async function readPlan(applicationId: string, body: Content, signal: AbortSignal): Promise<Effect> {
  const answer = await bodyOf(
    api.POST('/imfpush/v1/apps/{applicationId}/messages', {
      params: { path: { applicationId }, header: { Prefer: 'handling=strict' } },
      body: { ...body, dryRun: true } as unknown as components['schemas']['SendMessageDto'],
      signal,
    }),
  );
  if (!('dryRun' in answer)) throw new Error('the answer is not one of a dry run');
  return answer;
}

function blockText({ code, reason, provider = '', ...block }: Effect['blocked'][number]): string {
  const words = texts.codes.blocked;
  const name = texts.providers.names[provider as keyof typeof texts.providers.names] ?? provider;
  switch (code) {
    case 'applicationDisabled':
    case 'applicationStopped':
      return words[code];
    case 'notConfigured':
      return words[code](name);
    case 'providerPaused':
      return words[code](name, pauseText(block.pausedReason ?? ''));
    case 'tooLarge':
      return words[code](name, block.bytes ?? 0, block.limit ?? 0);
    default:
      // A newer API may know more.
      code satisfies never;
      return reason;
  }
}

interface WhoProps {
  total: number | null;
  exact: boolean;
  effect: Pick<Effect, 'exclusions' | 'upstream'>;
}

function Who({ total, exact, effect }: WhoProps) {
  const words = texts.send.plan;
  return (
    <div>
      <Text size="lg" fw={600}>
        {total === null ? words.relayed : exact ? texts.audience.reaches(total) : texts.audience.reachesAbout(total)}
      </Text>
      {effect.upstream?.ids !== undefined && (
        <Text size="sm">{words.relayedIds(effect.upstream.ids, effect.upstream.of ?? effect.upstream.ids)}</Text>
      )}
      <NotReached exclusions={effect.exclusions} />
    </div>
  );
}

function Sizes({ sizes }: { sizes: Effect['sizes'] }) {
  const words = texts.send.plan;
  return (
    <Table aria-label={words.bytes} layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{words.platform}</Table.Th>
          <Table.Th>{words.bytes}</Table.Th>
          <Table.Th>{words.ofLimit}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {sizes.map(({ platform, bytes, limit }) => (
          <Table.Tr key={platform}>
            <Table.Td>{texts.platforms[platform as keyof typeof texts.platforms] ?? platform}</Table.Td>
            <Table.Td>{texts.previews.bytesOf(bytesText(bytes), numberText(limit))}</Table.Td>
            <Table.Td>
              <Progress
                value={Math.min(100, (bytes / limit) * 100)}
                color={bytes > limit ? 'red' : undefined}
                aria-label={percentText(bytes, limit)}
              />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

interface TroubleProps {
  applicationId: string;
  sending: PlanProps['sending'];
  onAnother: () => void;
}

/** Why the last press did not send, and what to do: a lost answer is no failure. */
function Trouble({ applicationId, sending: { error, isPending }, onAnother }: TroubleProps) {
  const words = texts.send.plan;
  if (!error || isPending) return null;
  if (error instanceof SentBefore)
    return (
      <Alert color="orange" role="alert" title={words.sentBefore}>
        <Stack gap="xs" align="flex-start">
          <Text size="sm">{words.sentBeforeAsk}</Text>
          <Group>
            <ScreenLink
              to="/apps/$app/messages/$message"
              params={{ app: applicationId, message: error.first.messageId }}
            >
              {words.seeFirst}
            </ScreenLink>
            <Button size="xs" onClick={onAnother}>
              {words.sendAnother}
            </Button>
          </Group>
        </Stack>
      </Alert>
    );
  const isLost = error instanceof Failure && (error.status === 0 || error.status >= 500);
  return (
    <Alert color={isLost ? 'orange' : 'red'} role="alert" title={isLost ? words.lost : words.refused}>
      <Text size="sm">{describeFailure(error)}</Text>
      {isLost && <Text size="sm">{words.lostAgain}</Text>}
    </Alert>
  );
}
