import { Alert, Badge, Center, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { sessionQuery, startQuery } from '../../api/session';
import type { Session } from '../../api/session';
import { safePath } from '../../app/safe-path';
import { SignInForm } from '../../parts/sign-in-form';
import { texts } from '../../texts/texts';

export function SignIn() {
  const { to, problem } = useSearch({ strict: false });
  const problems: Partial<Record<string, string>> = texts.signIn.problems;
  const { data: start } = useQuery(startQuery);
  const queries = useQueryClient();
  const router = useRouter();
  useEffect(() => {
    document.title = `${texts.signIn.title} · Carillon`;
  }, []);
  const signedIn = (session: Session): void => {
    queries.setQueryData(sessionQuery.queryKey, session);
    router.history.push(safePath(to));
  };
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="xl" w={420} maw="100%" radius="md">
        <Stack>
          <Group justify="space-between">
            <Title order={1} size="h2">
              Carillon
            </Title>
            {start?.environment.name && (
              <Badge color={start.environment.colour ?? 'gray'} variant="filled" radius="sm" tt="none">
                {start.environment.name}
              </Badge>
            )}
          </Group>
          <Text c="dimmed">{texts.signIn.lead}</Text>
          {problem !== undefined && (
            <Alert color="red" role="alert">
              {problems[problem] ?? texts.signIn.problems.failed}
            </Alert>
          )}
          <SignInForm onSignedIn={signedIn} to={safePath(to)} />
        </Stack>
      </Paper>
    </Center>
  );
}
