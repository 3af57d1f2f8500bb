import { Badge, Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { serverNow } from '../../api/clock';
import { CALM_MS, reading } from '../../api/read';
import { durationText } from '../../parts/format';
import { WithData } from '../../parts/states';
import { Time } from '../../parts/time';
import { texts } from '../../texts/texts';
import { Facts } from './facts';
import { providersKey, readSettings } from './read-providers';
import type { Provider, Settings } from './read-providers';

const DAY_MS = 86_400_000;
/** The problem of a credential that ends soon begins at the same time. */
const SOON_MS = 14 * DAY_MS;

/** The settings as they are stored, without secrets. */
export function StoredFacts({ app, provider }: { app: string; provider: Provider }) {
  const query = useQuery(
    reading([...providersKey(app), 'settings', provider], (options) => readSettings(app, provider, options), CALM_MS),
  );
  return (
    <WithData query={query}>
      {({ body }) => (
        <>
          <Facts rows={rowsOf(body)} />
          {typeof body.validUntil === 'string' && <End time={body.validUntil} />}
          {provider === 'web-push' && <PublicKey publicKey={String(body.publicKey)} />}
        </>
      )}
    </WithData>
  );
}

/** Of fields that have a label: the pause, which the state shows, has none. */
function rowsOf(settings: Settings): [string, string][] {
  const { fields, modes, shareOf } = texts.providers;
  return Object.entries(settings).flatMap(([name, value]): [string, string][] => {
    const label = fields[name as keyof typeof fields] as string | undefined;
    if (label === undefined || value === undefined) return [];
    if (name === 'isSandBox') return [[label, String(value) === 'true' ? texts.editing.yes : texts.editing.no]];
    if (name === 'mode') return [[label, modes[value as keyof typeof modes]]];
    return [[label, name === 'share' ? shareOf(Number(value)) : String(value)]];
  });
}

function End({ time }: { time: string }) {
  const words = texts.providers;
  const left = Date.parse(time) - serverNow();
  return (
    <Group gap="xs">
      <Text size="sm">
        {words.ends} <Time time={time} />
      </Text>
      {left < SOON_MS && (
        <Badge color="red.8">{left <= 0 ? words.ended : words.left(durationText(left / 1_000))}</Badge>
      )}
    </Group>
  );
}

/** A page subscribes with this key. */
function PublicKey({ publicKey }: { publicKey: string }) {
  const words = texts.providers;
  const snippet = `const worker = await navigator.serviceWorker.ready;
const subscription = await worker.pushManager.subscribe({
  userVisibleOnly: true,
  applicationServerKey: '${publicKey}',
});
// The token of the device is JSON.stringify(subscription).`;
  return (
    <Stack gap="xs">
      <Text size="sm">{words.snippet}</Text>
      <Code block tabIndex={0}>
        {snippet}
      </Code>
      <CopyButton value={snippet}>
        {({ copied, copy }) => (
          <Button size="xs" variant="default" onClick={copy} style={{ alignSelf: 'flex-start' }}>
            {copied ? texts.administration.copied : words.copySnippet}
          </Button>
        )}
      </CopyButton>
    </Stack>
  );
}
