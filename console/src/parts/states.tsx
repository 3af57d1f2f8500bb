import { Alert, Button, Center, Code, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Failure } from '../api/failure';
import { texts } from '../texts/texts';

/** The states that every part of a screen has before it has data: loading, failing, forbidden, missing, empty. */

interface WithDataProps<T> {
  query: UseQueryResult<T>;
  /** Drawn while the first answer is awaited; lines by default. */
  loading?: ReactNode;
  children: (data: T) => ReactNode;
}

/** Draws what was read. A refresh that fails leaves the last figures on the screen and says that they are old. */
export function WithData<T>({ query, loading, children }: WithDataProps<T>) {
  const { data, error, refetch } = query;
  if (data === undefined) {
    if (error) return <Failing error={error} retry={() => void refetch()} />;
    return <>{loading ?? <Loading />}</>;
  }
  const old = error && !(error instanceof Failure && error.isSignedOut);
  return (
    <>
      {old && (
        <Alert color="orange" role="status" mb="sm" title={texts.states.old}>
          {describeFailure(error)}
        </Alert>
      )}
      {children(data)}
    </>
  );
}

export function Loading({ lines = 4 }: { lines?: number }) {
  return (
    <Stack gap="xs" role="status" aria-label={texts.states.loading}>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={22} width={line === lines - 1 ? '60%' : '100%'} />
      ))}
    </Stack>
  );
}

export function Failing({ error, retry }: { error: Error; retry?: () => void }) {
  if (error instanceof Failure && error.isForbidden) return <Forbidden error={error} />;
  if (error instanceof Failure && error.isMissing)
    return (
      <Alert color="gray" title={texts.states.missing} role="alert">
        {describeFailure(error)}
      </Alert>
    );
  return (
    <Alert color="red" title={texts.states.failed} role="alert">
      <Stack align="flex-start" gap="xs">
        <Text size="sm">{describeFailure(error)}</Text>
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            {texts.states.retry}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

function Forbidden({ error }: { error: Failure }) {
  return (
    <Alert color="gray" title={texts.states.forbidden} role="alert">
      {error.neededScope === null ? (
        describeFailure(error)
      ) : (
        <>
          {texts.states.needs} <Code>{error.neededScope}</Code>
        </>
      )}
    </Alert>
  );
}

/** The reason that an act failed for, beside the button that was pressed. */
export function FailedAct({ error }: { error: Error }) {
  return (
    <Alert color="red" role="alert">
      {describeFailure(error)}
    </Alert>
  );
}

/** Nothing is there yet, or nothing fits the filter: says what to do next. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Center py="xl">
      <Stack align="center" gap="xs" maw={480}>
        <Title order={2} size="h4">
          {title}
        </Title>
        {children && (
          <Text c="dimmed" ta="center" component="div">
            {children}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  );
}

/** Every failure in words: the API's own message names the field and the reason. */
export function describeFailure(error: Error): string {
  if (!(error instanceof Failure)) return error.message;
  if (error.status === 0) return texts.states.noAnswer;
  const words = texts.codes.failure(error.code, error.message);
  return error.retryAfter === null ? words : `${words} ${texts.states.retryAfter(error.retryAfter)}`;
}
