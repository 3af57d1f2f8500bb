import { Alert, AppShell, Badge, Burger, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { Outlet } from '@tanstack/react-router';
import { clockError } from '../api/clock';
import { startQuery } from '../api/session';
import { durationText } from '../parts/format';
import { texts } from '../texts/texts';
import { ApplicationSwitcher } from './application-switcher';
import { ColourScheme } from './colour-scheme';
import { Navigation } from './navigation';
import { Search } from './search';
import { SignedOut } from './signed-out';
import { WhoAmI } from './who-am-i';

/** The frame around every screen of a signed-in person. */
export function Shell() {
  const [open, { toggle, close }] = useDisclosure(false);
  const wrong = clockError();
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !open } }}
      padding="md"
    >
      <a className="skip-link" href="#main">
        {texts.shell.skip}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" wrap="nowrap" justify="space-between">
          <Group wrap="nowrap" gap="sm">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={texts.shell.menu} />
            <Text fw={700} visibleFrom="xs">
              Carillon
            </Text>
            <Environment />
            <ApplicationSwitcher />
          </Group>
          <Group wrap="nowrap" gap="xs">
            <Search />
            <ColourScheme />
            <WhoAmI />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label={texts.shell.navigation}>
        <Navigation onChoose={close} />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        {wrong !== null && (
          <Alert color="orange" mb="md" title={texts.shell.clockWrong}>
            {texts.shell.clockWrongBy(durationText(Math.abs(wrong) / 1_000))}
          </Alert>
        )}
        <Outlet />
      </AppShell.Main>
      <SignedOut />
      <Notifications position="top-right" />
    </AppShell>
  );
}

/** Production is unmistakable: a filled badge in the colour that ENVIRONMENT_NAME has. */
function Environment() {
  const { data: start } = useQuery(startQuery);
  const name = start?.environment.name;
  if (!start || !name) return null;
  return (
    <Badge
      color={start.environment.colour ?? 'gray'}
      variant="filled"
      radius="sm"
      tt="none"
      title={texts.shell.environment}
    >
      {name}
    </Badge>
  );
}
