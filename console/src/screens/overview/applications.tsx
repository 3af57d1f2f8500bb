import { List, Text } from '@mantine/core';
import { useApplications } from '../../app/application';
import { ScreenLink } from '../../parts/link';
import { Panel } from '../../parts/panel';
import { Empty, WithData } from '../../parts/states';
import { texts } from '../../texts/texts';

const SHOWN = 20;

export function Applications() {
  const query = useApplications();
  return (
    <Panel title={texts.overview.applications}>
      <WithData query={query}>
        {(ids) =>
          ids.length === 0 ? (
            <Empty title={texts.overview.noApplication}>{texts.overview.noApplicationWhy}</Empty>
          ) : (
            <>
              <List listStyleType="none" spacing={4}>
                {ids.slice(0, SHOWN).map((id) => (
                  <List.Item key={id}>
                    <ScreenLink to="/apps/$app" params={{ app: id }}>
                      {id}
                    </ScreenLink>
                  </List.Item>
                ))}
              </List>
              {ids.length > SHOWN && <Text c="dimmed">{texts.overview.moreApplications}</Text>}
            </>
          )
        }
      </WithData>
    </Panel>
  );
}
