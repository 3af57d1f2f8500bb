import { Anchor, Paper, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { numberText, timeText } from '../../parts/format';
import { OutcomeBar, OutcomeLegend } from '../../parts/outcome-bar';
import { WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { Because } from './because';
import { runQuery } from './read-campaigns';

/** One run: its variants side by side, its waves and their messages. */
export function Run({ app, id, runId }: { app: string; id: string; runId: number }) {
  const run = useQuery(runQuery(app, id, runId));
  return (
    <WithData query={run}>
      {({ scheduledTime, variants, waves }) => (
        <Stack component="section" aria-labelledby="run">
          <Title order={2} size="h4" id="run">
            {texts.campaigns.runOf(timeText(scheduledTime))}
          </Title>
          <SimpleGrid cols={{ base: 1, sm: Math.max(1, Math.min(variants.length, 3)) }}>
            {variants.map(({ variant, audience, outcomes }) => (
              <Paper key={variant ?? ''} withBorder p="md" data-variant={variant ?? ''}>
                <Title order={3} size="h5" mb="xs">
                  {variant ?? texts.campaigns.allMessages} · {numberText(audience)}
                </Title>
                <OutcomeBar outcomes={outcomes ?? {}} audience={audience} />
                <OutcomeLegend outcomes={outcomes ?? {}} audience={audience} />
              </Paper>
            ))}
          </SimpleGrid>
          {waves.length > 0 && (
            <Table.ScrollContainer minWidth={640} type="native">
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">{texts.campaigns.wave}</Table.Th>
                    <Table.Th scope="col">{texts.campaigns.state}</Table.Th>
                    <Table.Th scope="col">{texts.campaigns.messages}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {waves.map(({ dueTime, state, reason, reasonCode, messages }) => (
                    <Table.Tr key={dueTime}>
                      <Table.Td>{timeText(dueTime)}</Table.Td>
                      <Table.Td>
                        {texts.campaigns.waveStates[state]}
                        <Because code={reasonCode} reason={reason} />
                      </Table.Td>
                      <Table.Td>
                        {messages.map(({ messageId, variant, language, audience }) => (
                          <div key={messageId}>
                            <Anchor
                              component={Link}
                              to={`/apps/${encodeURIComponent(app)}/messages/${messageId}`}
                              fz="sm"
                            >
                              {[variant, language ?? texts.campaigns.otherLanguages].filter(Boolean).join(' · ')}
                            </Anchor>{' '}
                            <Text span size="sm" c="dimmed">
                              {numberText(audience)}
                            </Text>
                          </div>
                        ))}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )}
        </Stack>
      )}
    </WithData>
  );
}
