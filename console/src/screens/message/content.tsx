import { Card, SimpleGrid, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Preview } from '../../parts/previews';
import { WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { contentQuery } from './queries';
import type { MessagePath } from './queries';

/** The stored message as each platform gets it. */
export function Content({ path }: { path: MessagePath }) {
  const query = useQuery(contentQuery(path));
  return (
    <Card withBorder>
      <Title order={2} size="h4">
        {texts.message.content}
      </Title>
      <WithData query={query}>
        {({ renderings }) => (
          <>
            {renderings.some(({ missing }) => missing.length > 0) && (
              <Text size="sm" c="dimmed">
                {texts.message.contentWhy}
              </Text>
            )}
            <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }} mt="xs">
              {renderings.map((rendering) => (
                <Preview key={rendering.platform} rendering={rendering} />
              ))}
            </SimpleGrid>
          </>
        )}
      </WithData>
    </Card>
  );
}
