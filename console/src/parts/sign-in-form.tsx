import { Alert, Button, Divider, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { FormEvent } from 'react';
import { signIn, startQuery } from '../api/session';
import type { CookieProblem, Session } from '../api/session';
import { texts } from '../texts/texts';
import { FailedAct, WithData } from './states';

interface SignInFormProps {
  onSignedIn: (session: Session) => void;
  /** Where a sign-in at an identity provider comes back to. */
  to: string;
}

/** By a client's id and secret, by one click in development, or as a person at the identity provider. */
export function SignInForm({ onSignedIn, to }: SignInFormProps) {
  const start = useQuery(startQuery);
  const [id, setId] = useState('');
  const [secret, setSecret] = useState('');
  const entering = useMutation({
    mutationFn: (client: { id: string; secret: string }) => signIn(client.id, client.secret),
    onSuccess: onSignedIn,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!entering.isPending) entering.mutate({ id, secret });
  };
  return (
    <WithData query={start}>
      {({ sampleClient, people, canKeepCookie, problem }) => (
        <Stack>
          {problem && (
            <Alert color="red" title={texts.signIn.problem} role="alert">
              <Text size="sm">{problemText(problem)}</Text>
              {problem.setting && <Text size="sm">{texts.signIn.setting(problem.setting)}</Text>}
            </Alert>
          )}
          {canKeepCookie && (
            <>
              {sampleClient && (
                <Button size="md" loading={entering.isPending} onClick={() => entering.mutate(sampleClient)}>
                  {texts.signIn.asSample(sampleClient.id)}
                </Button>
              )}
              {people && (
                <Button component="a" href={`/console/api/people/sign-in?to=${encodeURIComponent(to)}`} size="md">
                  {texts.signIn.asPerson(people.label)}
                </Button>
              )}
              {(sampleClient ?? people) && <Divider label={texts.signIn.or} />}
              <form onSubmit={submit}>
                <Stack>
                  <TextInput
                    label={texts.signIn.id}
                    name="username"
                    autoComplete="username"
                    required
                    value={id}
                    onChange={(event) => setId(event.currentTarget.value)}
                  />
                  <PasswordInput
                    label={texts.signIn.secret}
                    name="password"
                    autoComplete="current-password"
                    required
                    value={secret}
                    onChange={(event) => setSecret(event.currentTarget.value)}
                    visibilityToggleButtonProps={{ 'aria-label': texts.signIn.showSecret, tabIndex: 0 }}
                  />
                  {entering.error && <FailedAct error={entering.error} />}
                  <Button
                    type="submit"
                    variant={sampleClient || people ? 'default' : 'filled'}
                    loading={entering.isPending}
                  >
                    {texts.signIn.button}
                  </Button>
                </Stack>
              </form>
            </>
          )}
        </Stack>
      )}
    </WithData>
  );
}

function problemText({ code, proxy }: CookieProblem): string {
  return code === 'noTls' ? texts.signIn.noTls : texts.signIn[code](proxy ?? '');
}
