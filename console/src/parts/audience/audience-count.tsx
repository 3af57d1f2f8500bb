import { Badge, Group, List, Stack, Text } from '@mantine/core';
import { texts } from '../../texts/texts';
import { Announce } from '../announce';
import { numberText } from '../format';
import { excludedText } from '../reasons';
import type { Exclusion } from '../reasons';
import { Failing } from '../states';
import type { ReadAudience } from './audience';
import { useAudienceCount } from './use-audience-count';
import type { Counted } from './use-audience-count';

/** How many devices a target reaches now, by platform, and how many of it get nothing, with the reasons. */
export function AudienceCount({ applicationId, audience }: { applicationId: string; audience: ReadAudience }) {
  const { count, error, retry } = useAudienceCount(applicationId, audience);
  const words = texts.audience;
  if ('problem' in audience) return <Text c="dimmed">{words.problems[audience.problem]}</Text>;
  if (error) return <Failing error={error} retry={retry} />;
  if (!count) return <Text c="dimmed">{words.counting}</Text>;
  const total = count.exact ? words.reaches(count.devices) : words.reachesAbout(count.devices);
  return (
    <Stack gap={4} data-settled="true">
      <Announce text={total} />
      <Text fw={600} size="lg">
        {total}
      </Text>
      <Group gap={6}>
        {Object.entries(count.byPlatform).map(([platform, devices]) => (
          <Badge key={platform} variant="default" tt="none">
            {texts.platforms[platform as keyof typeof texts.platforms] ?? platform} {numberText(devices)}
          </Badge>
        ))}
      </Group>
      <NotReached exclusions={count.exclusions} unknown={count.unknown} />
    </Stack>
  );
}

interface NotReachedProps {
  exclusions: readonly Exclusion[];
  unknown?: Counted['unknown'];
}

/** Devices of the target that get nothing, with the reasons, and ids that no device has. */
export function NotReached({ exclusions, unknown }: NotReachedProps) {
  const words = texts.audience;
  if (exclusions.length === 0 && !unknown?.count) return null;
  return (
    <List size="sm" c="dimmed">
      {exclusions.map((exclusion) => (
        <List.Item key={exclusion.reason}>{words.excluded(exclusion.count, excludedText(exclusion))}</List.Item>
      ))}
      {(unknown?.count ?? 0) > 0 && (
        <List.Item>{words.unknown(unknown?.count ?? 0, (unknown?.first ?? []).join(', '))}</List.Item>
      )}
    </List>
  );
}
