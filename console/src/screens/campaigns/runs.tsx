import { Anchor, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ZONE, numberText, shortTimeText } from '../../parts/format';
import { OutcomeBar } from '../../parts/outcome-bar';
import { WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { Because } from './because';
import { runsQuery } from './read-campaigns';
import type { Run } from './read-campaigns';

/** The last runs, newest first. */
export function Runs({ app, id, chosen }: { app: string; id: string; chosen: number | undefined }) {
  const runs = useQuery(runsQuery(app, id));
  return (
    <section aria-labelledby="runs">
      <Title order={2} size="h4" id="runs" mb="xs">
        {texts.campaigns.lastRuns}
      </Title>
      <WithData query={runs}>
        {(list) =>
          list.length === 0 ? (
            <Text c="dimmed">{texts.campaigns.noRuns}</Text>
          ) : (
            <Table.ScrollContainer minWidth={640} type="native">
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">{texts.campaigns.firing(ZONE)}</Table.Th>
                    <Table.Th scope="col">{texts.campaigns.state}</Table.Th>
                    <Table.Th scope="col">{texts.campaigns.audience}</Table.Th>
                    <Table.Th scope="col" w="40%">
                      {texts.campaigns.outcomes}
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {list.map((run) => (
                    <Row key={run.runId} app={app} id={id} run={run} isChosen={Number(run.runId) === chosen} />
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )
        }
      </WithData>
    </section>
  );
}

function Row({ app, id, run, isChosen }: { app: string; id: string; run: Run; isChosen: boolean }) {
  const { runId, scheduledTime, manual, state, reason, reasonCode, audience, capped, outcomes } = run;
  return (
    <Table.Tr data-run={runId} aria-current={isChosen || undefined}>
      <Table.Td>
        <Anchor
          renderRoot={(props) => (
            <Link
              {...props}
              to="/apps/$app/campaigns/$campaign"
              params={{ app, campaign: id }}
              search={{ run: Number(runId) }}
              resetScroll={false}
            />
          )}
        >
          {shortTimeText(scheduledTime)}
        </Anchor>
        {manual && (
          <Text size="xs" c="dimmed">
            {texts.campaigns.byHand}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        {texts.campaigns.runStates[state]}
        <Because code={reasonCode} reason={reason} />
      </Table.Td>
      <Table.Td className="figures">
        {numberText(audience)}
        {capped > 0 && (
          <Text size="xs" c="dimmed">
            {texts.campaigns.capped(capped)}
          </Text>
        )}
      </Table.Td>
      <Table.Td>{outcomes && <OutcomeBar outcomes={outcomes} audience={audience} />}</Table.Td>
    </Table.Tr>
  );
}
