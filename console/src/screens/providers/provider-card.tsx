import { Alert, Badge, Code, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { numberText } from '../../parts/format';
import { Panel } from '../../parts/panel';
import { meaningOf } from '../../parts/reasons';
import { RemoveDialog } from '../../parts/remove-dialog';
import { ScopedButton } from '../../parts/scoped';
import { FailedAct } from '../../parts/states';
import { Ago, Time } from '../../parts/time';
import { texts } from '../../texts/texts';
import { Facts } from './facts';
import { CONFS, providersKey, readSettings, removeSettings, resumeProvider, testSettings } from './read-providers';
import type { Provider, ProviderState } from './read-providers';
import { SettingsDialog } from './settings-dialog';
import { StoredFacts } from './stored-facts';
import { TestOutcome } from './test-outcome';

interface CardProps {
  app: string;
  provider: Provider;
  /** Undefined: neither configured nor used so far. */
  state: ProviderState | undefined;
}

/** One provider: its trouble, its pace, its settings, and the acts. */
export function ProviderCard({ app, provider, state }: CardProps) {
  const words = texts.providers;
  const name = words.names[provider];
  const configured = state?.configured === true;
  const [open, setOpen] = useState<'settings' | 'remove' | null>(null);
  const testing = useMutation({ mutationFn: () => testSettings(app, provider) });
  const scoped = { needs: `${CONFS[provider]}.write`, applicationId: app, size: 'xs', variant: 'default' } as const;
  const close = (): void => setOpen(null);
  return (
    <Panel title={name} actions={<StateBadge state={state} />}>
      <Stack gap="sm">
        {configured ? <Trouble app={app} state={state} /> : <Text c="dimmed">{words.purposes[provider]}</Text>}
        {state && <Pace state={state} />}
        {configured && <StoredFacts app={app} provider={provider} />}
        <Group gap="xs">
          <ScopedButton
            {...scoped}
            aria-label={`${configured ? words.change : words.setUp}: ${name}`}
            onClick={() => setOpen('settings')}
          >
            {configured ? words.change : words.setUp}
          </ScopedButton>
          {configured && (
            <>
              <ScopedButton
                {...scoped}
                loading={testing.isPending}
                aria-label={`${words.test}: ${name}`}
                onClick={() => testing.mutate()}
              >
                {words.test}
              </ScopedButton>
              <ScopedButton {...scoped} aria-label={`${words.remove}: ${name}`} onClick={() => setOpen('remove')}>
                {words.remove}
              </ScopedButton>
            </>
          )}
        </Group>
        {testing.error && <FailedAct error={testing.error} />}
        {testing.data && <TestOutcome provider={provider} outcome={testing.data} />}
      </Stack>
      {open === 'settings' && <SettingsDialog app={app} provider={provider} configured={configured} close={close} />}
      {open === 'remove' && <Remove app={app} provider={provider} close={close} />}
    </Panel>
  );
}

function isFailing({ lastErrorTime, lastSuccessTime }: ProviderState): boolean {
  return lastErrorTime !== undefined && (lastSuccessTime === undefined || lastErrorTime > lastSuccessTime);
}

/** White on a green or orange badge is too pale to read. */
const PALE = { variant: 'light', c: 'var(--mantine-color-text)' } as const;

function StateBadge({ state }: { state: ProviderState | undefined }) {
  const { states } = texts.providers;
  if (!state?.configured) return <Badge color="gray">{states.none}</Badge>;
  if (state.pausedReason) return <Badge color="red.8">{states.paused}</Badge>;
  if (isFailing(state))
    return (
      <Badge {...PALE} color="orange">
        {states.failing}
      </Badge>
    );
  if (state.lastSuccessTime)
    return (
      <Badge {...PALE} color="green">
        {states.working}
      </Badge>
    );
  return <Badge color="gray">{states.unused}</Badge>;
}

/** The provider's own words, with their meaning and the cure. */
function Trouble({ app, state }: { app: string; state: ProviderState }) {
  const words = texts.providers;
  const queries = useQueryClient();
  const resuming = useMutation({
    mutationFn: () => resumeProvider(app, state.provider),
    onSettled: () => queries.invalidateQueries({ queryKey: providersKey(app) }),
  });
  const { pausedReason, pausedTime, nextTryTime, lastError, lastErrorTime } = state;
  const reason = pausedReason ?? (isFailing(state) ? lastError : undefined);
  if (reason === undefined) return null;
  return (
    <Alert color={pausedReason ? 'red' : 'orange'} title={pausedReason ? words.paused : words.failing}>
      <Stack gap="xs" align="flex-start">
        <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{reason}</Code>
        <Text size="sm">{state.pausedBy === 'guard' ? words.guard : meaningOf(reason)}</Text>
        <Text size="sm">
          {words.since} <Ago time={pausedTime ?? lastErrorTime ?? ''} />
          {nextTryTime && (
            <>
              {' · '}
              {words.nextTry} <Time time={nextTryTime} />
            </>
          )}
        </Text>
        {pausedReason && (
          <ScopedButton
            needs="apps.write"
            applicationId={app}
            size="xs"
            loading={resuming.isPending}
            aria-label={`${words.resume}: ${words.names[state.provider as Provider]}`}
            onClick={() => resuming.mutate()}
          >
            {words.resume}
          </ScopedButton>
        )}
        {resuming.error && <FailedAct error={resuming.error} />}
      </Stack>
    </Alert>
  );
}

function Pace({ state }: { state: ProviderState }) {
  const words = texts.providers;
  const { lastSuccessTime, ratePerSecond, limitPerSecond, blockedUntilTime, inFlight, connections } = state;
  return (
    <Facts
      rows={[
        [words.lastSuccess, lastSuccessTime ? <Ago key="time" time={lastSuccessTime} /> : words.never],
        [words.pace, words.perSecond(numberText(ratePerSecond))],
        [words.limit, limitPerSecond === undefined ? words.noLimit : words.perSecond(numberText(limitPerSecond))],
        blockedUntilTime ? [words.blocked, <Time key="time" time={blockedUntilTime} />] : null,
        connections > 0 ? [words.connections, words.inFlight(connections, inFlight)] : null,
      ]}
    />
  );
}

function Remove({ app, provider, close }: { app: string; provider: Provider; close: () => void }) {
  const words = texts.providers;
  const queries = useQueryClient();
  return (
    <RemoveDialog
      title={`${words.remove}: ${words.names[provider]}`}
      label={words.remove}
      hint={words.removeHint}
      close={close}
      queryKey={[...providersKey(app), provider]}
      read={() => readSettings(app, provider)}
      remove={(etag) => removeSettings(app, provider, etag)}
      onRemoved={async () => {
        await queries.invalidateQueries({ queryKey: providersKey(app) });
        close();
      }}
    />
  );
}
