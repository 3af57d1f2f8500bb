import { Code, Group, Menu, Stack, Text, UnstyledButton } from '@mantine/core';
import { IconUserCircle } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { signOut } from '../api/session';
import { useSession } from '../parts/scoped';
import { shortTimeText, ZONE } from '../parts/format';
import { chooseLanguage, LANGUAGES, language } from '../texts/language';
import type { Language } from '../texts/language';
import { texts } from '../texts/texts';

/** The name, what the session may do, when it ends, the language, and the way out. */
export function WhoAmI() {
  const session = useSession();
  // The whole page is loaded again: nothing of the session stays in memory.
  const leave = useMutation({ mutationFn: signOut, onSuccess: () => location.assign('/console/sign-in') });
  return (
    <Menu position="bottom-end" width={280}>
      <Menu.Target>
        <UnstyledButton aria-label={texts.shell.whoAmI(session.name)}>
          <Group gap={4} wrap="nowrap">
            <IconUserCircle size={22} aria-hidden />
            <Text size="sm" visibleFrom="sm" maw={140} truncate>
              {session.name}
            </Text>
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Stack gap={4} px="sm" py="xs">
          <Text size="sm" fw={600}>
            {session.name}
          </Text>
          <Text size="xs" c="dimmed">
            {session.email ?? texts.shell.asClient(session.id)}
          </Text>
          <Text size="xs">{texts.shell.scope}</Text>
          {/* Scrolls by itself, so that the way out stays on the screen. */}
          <Code
            block
            fz="xs"
            mah="30vh"
            tabIndex={0}
            style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', overflowY: 'auto' }}
          >
            {session.scope.join('\n')}
          </Code>
          {session.endsAt !== '' && (
            <Text size="xs" c="dimmed">
              {texts.shell.endsAt(shortTimeText(session.endsAt), ZONE)}
            </Text>
          )}
        </Stack>
        <Menu.Divider />
        {(Object.keys(LANGUAGES) as Language[]).map((tag) => (
          <Menu.Item key={tag} lang={tag} disabled={tag === language} onClick={() => chooseLanguage(tag)}>
            {LANGUAGES[tag]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item component="a" href="/doc/">
          {texts.shell.apiDocument}
        </Menu.Item>
        <Menu.Item onClick={() => leave.mutate()}>{texts.shell.signOut}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
