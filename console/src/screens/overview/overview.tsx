import { Grid, Stack } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { useApplications } from '../../app/application';
import { Page } from '../../parts/page';
import { texts } from '../../texts/texts';
import { Applications } from './applications';
import { Firings } from './firings';
import { FirstSteps } from './first-steps';
import { Problems } from './problems';
import { Statistics } from './statistics';
import { Stop } from './stop';
import { UnderWay } from './under-way';

/** The whole installation: its problems, its deliveries, and the way into each application. */
export function Overview() {
  const { data: ids } = useApplications();
  const only = ids?.length === 1 ? ids[0] : undefined;
  return (
    <Page title={texts.overview.title} lead={texts.overview.allLead}>
      <Problems application={null} />
      {only !== undefined && <FirstSteps application={only} />}
      <Statistics application={null} />
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Stack>
            <UnderWay application={null} />
            <Applications />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Firings application={null} />
        </Grid.Col>
      </Grid>
    </Page>
  );
}

/** One application: its problems, its messages under way, its next firings; first steps while no message was sent. */
export function ApplicationOverview() {
  const { app = '' } = useParams({ strict: false });
  return (
    <Page title={texts.overview.title} lead={app} actions={<Stop application={app} />}>
      <Problems application={app} />
      <FirstSteps application={app} />
      <Statistics application={app} />
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <UnderWay application={app} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Firings application={app} />
        </Grid.Col>
      </Grid>
    </Page>
  );
}
