import { Button, List, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Failing } from '../../parts/states';
import { texts } from '../../texts/texts';
import { countShared } from './read-campaigns';
import type { CalendarFiring } from './read-campaigns';

/** Campaigns that the API compares at once. */
const MOST = 10;

/** Which campaigns of the calendar reach the same users. Counted on demand, because every device is read. */
export function SharedUsers({ app, firings }: { app: string; firings: CalendarFiring[] }) {
  const names = new Map(firings.map(({ campaignId, name }) => [campaignId, name]));
  const ids = [...names.keys()].slice(0, MOST);
  const counting = useMutation({ mutationFn: () => countShared(app, ids) });
  if (ids.length < 2) return null;
  return (
    <Stack align="flex-start" gap="xs">
      <Button variant="default" loading={counting.isPending} onClick={() => counting.mutate()}>
        {texts.campaigns.whichShare}
      </Button>
      {names.size > MOST && (
        <Text size="sm" c="dimmed">
          {texts.campaigns.firstTen}
        </Text>
      )}
      {counting.error && <Failing error={counting.error} retry={() => counting.mutate()} />}
      <div aria-live="polite">
        {counting.data?.length === 0 && <Text size="sm">{texts.campaigns.noneShare}</Text>}
        {counting.data && counting.data.length > 0 && (
          <List size="sm">
            {counting.data.map(({ campaignIds: [a = '', b = ''], users }) => (
              <List.Item key={a + b}>{texts.campaigns.share(names.get(a) ?? a, names.get(b) ?? b, users)}</List.Item>
            ))}
          </List>
        )}
      </div>
    </Stack>
  );
}
