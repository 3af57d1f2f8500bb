import { SimpleGrid } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { CALM_MS, reading } from '../../api/read';
import { Page } from '../../parts/page';
import { WithData } from '../../parts/states';
import { texts } from '../../texts/texts';
import { ProviderCard } from './provider-card';
import { CONFS, providersKey, readProviders } from './read-providers';
import type { Provider } from './read-providers';

/** The state of an application at each provider, and the credentials. */
export function Providers() {
  const { app = '' } = useParams({ strict: false });
  const query = useQuery(reading([...providersKey(app), 'states'], (options) => readProviders(app, options), CALM_MS));
  return (
    <Page title={texts.providers.title} lead={texts.providers.lead}>
      <WithData query={query}>
        {(states) => (
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            {(Object.keys(CONFS) as Provider[]).map((provider) => (
              <ProviderCard
                key={provider}
                app={app}
                provider={provider}
                state={states.find((state) => state.provider === provider)}
              />
            ))}
          </SimpleGrid>
        )}
      </WithData>
    </Page>
  );
}
