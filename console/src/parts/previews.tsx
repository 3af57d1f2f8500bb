import { Code, Group, Progress, SimpleGrid, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api, bodyOf } from '../api/client';
import type { components } from '../api/schema';
import { texts } from '../texts/texts';
import { bytesText, numberText } from './format';
import classes from './previews.module.css';
import { Failing, Loading } from './states';

type Rendering = components['schemas']['RenderingAnswer'];

const PAUSE_MS = 400;

type Rendered = components['schemas']['RenderDto'];

interface PreviewsProps {
  applicationId: string;
  /** A message without its target, perhaps in languages and variants; null if there is nothing to show yet. */
  of: Rendered | null;
  shows: (rendering: Rendering) => boolean;
}

/** The message on each platform, as on a lock screen, with its bytes, built by the API as for a delivery. */
export function Previews({ applicationId, of, shows }: PreviewsProps) {
  const key = of === null ? null : JSON.stringify(of);
  const [asked] = useDebouncedValue(key, PAUSE_MS);
  const { data, error, refetch, isPlaceholderData } = useQuery({
    queryKey: ['render', applicationId, asked],
    queryFn: ({ signal }) =>
      bodyOf(
        api.POST('/imfpush/v1/apps/{applicationId}/messages:render', {
          params: { path: { applicationId } },
          body: JSON.parse(asked ?? '') as Rendered,
          signal,
        }),
      ),
    enabled: asked !== null,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  if (key === null || asked === null) return <Text c="dimmed">{texts.previews.nothing}</Text>;
  if (error && (data === undefined || isPlaceholderData)) return <Failing error={error} retry={() => void refetch()} />;
  if (!data) return <Loading />;
  const isOld = isPlaceholderData || asked !== key;
  const shown = data.renderings.filter(shows);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} aria-busy={isOld} className={isOld ? classes.old : undefined}>
      {shown.map((rendering) => (
        <Preview key={`${rendering.platform} ${rendering.variant} ${rendering.language}`} rendering={rendering} />
      ))}
    </SimpleGrid>
  );
}

/** One platform's share of it. */
export function Preview({ rendering }: { rendering: Rendering }) {
  const { platform, variant, language, alert, title, url, bytes, limit, bodies, missing } = rendering;
  const words = texts.previews;
  const device = texts.platforms[platform as keyof typeof texts.platforms] ?? platform;
  const name = [device, variant, language].filter(Boolean).join(' · ');
  const isTooLarge = bytes > limit;
  return (
    <Stack gap={6} component="section" aria-label={words.of(name)} data-platform={platform}>
      <Text size="sm" fw={500}>
        {name}
      </Text>
      <div className={classes.screen}>
        {title && (
          <Text fw={600} className={classes.text}>
            {title}
          </Text>
        )}
        <Text size="sm" className={classes.text}>
          {alert}
        </Text>
        {url && (
          <Text size="xs" c="dimmed" mt={4} className={classes.text}>
            {url}
          </Text>
        )}
      </div>
      <Group gap="xs" wrap="nowrap">
        <Progress
          value={Math.min(100, (bytes / limit) * 100)}
          color={isTooLarge ? 'red' : undefined}
          size="sm"
          flex={1}
          aria-label={words.bytesOf(bytesText(bytes), numberText(limit))}
        />
        <Text size="xs" c={isTooLarge ? 'var(--mantine-color-error)' : 'dimmed'}>
          {isTooLarge
            ? words.tooLarge(bytesText(bytes), numberText(limit))
            : words.bytesOf(bytesText(bytes), numberText(limit))}
        </Text>
      </Group>
      {missing.length > 0 && (
        <Text size="xs" c="dimmed">
          {words.missing(missing.join(', '))}
        </Text>
      )}
      <details>
        <Text component="summary" size="xs">
          {words.request}
        </Text>
        {bodies.map((body) => (
          <Code key={body} block fz="xs" className={classes.text}>
            {body}
          </Code>
        ))}
      </details>
    </Stack>
  );
}
