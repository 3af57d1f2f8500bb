import { Alert, Card, Grid, Group, Progress, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { Announce } from '../../parts/announce';
import { durationText, numberText, percentText, rateText } from '../../parts/format';
import { serverNow } from '../../api/clock';
import { hasEnded, MessageState } from '../../parts/message-state';
import { OutcomeBar, OutcomeLegend } from '../../parts/outcome-bar';
import { Page } from '../../parts/page';
import { WithData } from '../../parts/states';
import { ScreenLink } from '../../parts/link';
import { texts } from '../../texts/texts';
import { Content } from './content';
import { ByProvider } from './by-provider';
import { Controls } from './controls';
import { Deliveries } from './deliveries';
import { Facts } from './facts';
import { messageQuery } from './queries';
import type { MessagePath, Report } from './queries';
import { Reasons } from './reasons';
import { waitingText } from '../../parts/waiting';

/** One message, live: the outcome of every delivery. */
export function Message() {
  const { app = '', message = '' } = useParams({ strict: false });
  const path = { applicationId: app, messageId: message };
  const query = useQuery(messageQuery(path));
  return (
    <Page
      title={query.data ? texts.message.title(query.data.alert) : message}
      lead={
        <ScreenLink to="/apps/$app/messages" params={{ app }} fz="sm">
          ← {texts.messages.title}
        </ScreenLink>
      }
      actions={query.data && <Controls path={path} report={query.data} />}
    >
      <WithData query={query}>{(report) => <Whole path={path} report={report} />}</WithData>
    </Page>
  );
}

function Whole({ path, report }: { path: MessagePath; report: Report }) {
  const { outcomes, audience } = report;
  return (
    <Stack>
      <Standing report={report} />
      {outcomes.unknown > 0 && hasEnded(report) && (
        <Alert color="yellow" title={texts.message.unknown.title(outcomes.unknown)}>
          {texts.message.unknown.why}
        </Alert>
      )}
      <Card withBorder>
        <Title order={2} size="h4" mb="sm">
          {texts.message.outcomes}
        </Title>
        <Stack gap="sm">
          <OutcomeBar outcomes={outcomes} audience={audience} />
          <OutcomeLegend outcomes={outcomes} audience={audience} />
          <Text size="sm" c="dimmed" className="figures">
            {texts.message.sum(numberText(Object.values(outcomes).reduce((sum, count) => sum + count, 0)))}
          </Text>
        </Stack>
      </Card>
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Facts applicationId={path.applicationId} report={report} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <ByProvider providers={report.providers} />
        </Grid.Col>
      </Grid>
      <Reasons path={path} isOver={hasEnded(report)} />
      <Content path={path} />
      <Deliveries path={path} isOver={hasEnded(report)} />
    </Stack>
  );
}

/** State, progress, rate, time left, and the cause that holds it up. Never "100 %" while a delivery is open. */
function Standing({ report }: { report: Report }) {
  const { state, audience, outcomes, rate, etaTime, waitingFor, firstTime, lastTime } = report;
  const settled = audience - outcomes.pending - outcomes.inFlight;
  const isOver = hasEnded(report);
  const left = etaTime === undefined ? null : (Date.parse(etaTime) - serverNow()) / 1_000;
  const took = firstTime && lastTime ? (Date.parse(lastTime) - Date.parse(firstTime)) / 1_000 : null;
  return (
    <Card withBorder>
      <Group justify="space-between" mb="xs" className="figures">
        <Group gap="sm">
          <MessageState state={state} />
          {state !== 'awaitingApproval' && (
            <>
              <Text fw={600} data-audience>
                {texts.message.audience(audience)}
              </Text>
              <Text>{texts.message.settled(percentText(settled, audience))}</Text>
            </>
          )}
        </Group>
        <Group gap="sm">
          {rate !== undefined && <Text>{texts.message.rate(rateText(rate))}</Text>}
          {!isOver && left !== null && left > 0 && <Text>{texts.message.left(durationText(left))}</Text>}
          {isOver && took !== null && <Text>{texts.message.took(durationText(took))}</Text>}
        </Group>
      </Group>
      <Progress
        value={audience === 0 ? 0 : Math.floor((settled / audience) * 1_000) / 10}
        aria-label={texts.message.progress}
      />
      {waitingFor && (
        <Alert color="orange" mt="sm" role="note">
          {waitingText(waitingFor)}
        </Alert>
      )}
      <Announce
        text={texts.message.said(texts.messageStates[state], numberText(settled), numberText(audience))}
        final={isOver}
      />
    </Card>
  );
}
